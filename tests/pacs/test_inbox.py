"""Instances become studies, and a quiet study one job, whatever comes twice, late or after a restart."""

import time

import pytest
from tests.pacs.kit import Kit, ct

from fibrolens.pacs.inbox import FullError, Inbox, MismatchError
from fibrolens.pacs.peers import Limits

ROOMY = Limits(free_bytes=0)


def inbox_of(kit, quiet=0.0, limits=ROOMY):
    return Inbox(kit.storage, kit.intake, kit.jobs, limits, quiet)


def take(inbox, files, **other):
    for file in files:
        uid = other.get("uid", str(file.SOPInstanceUID))
        inbox.take(lambda out, file=file: file.save_as(out, enforce_file_format=True), 1000, uid)


def test_a_study_that_is_quiet_becomes_one_job_that_names_nobody(kit):
    inbox = inbox_of(kit)
    take(inbox, ct(4))
    inbox.submit_quiet()
    inbox.submit_quiet()
    (job,) = kit.jobs.all()
    assert (job.state, job.origin) == ("queued", "dicom")
    assert job.name.startswith("CT study ")
    assert len(kit.names(job)) == 4
    everything = [str(path) for path in kit.storage.root.rglob("*")] + [job.name]
    assert not any(word in text for text in everything for word in ("Doe", "SECRET"))


def test_a_study_waits_for_as_long_as_instances_come(kit):
    inbox = inbox_of(kit, quiet=0.4)
    for file in ct(4):
        take(inbox, [file])
        inbox.submit_quiet()
        time.sleep(0.15)
    assert kit.jobs.all() == []
    time.sleep(0.4)
    inbox.submit_quiet()
    assert len(kit.names(kit.jobs.all()[0])) == 4


def test_two_studies_are_two_jobs(kit):
    inbox = inbox_of(kit)
    take(inbox, [*ct(2), *ct(2, StudyInstanceUID="1.2.3")])
    inbox.submit_quiet()
    assert [len(kit.names(job)) for job in kit.jobs.all()] == [2, 2]


def test_what_comes_twice_leads_to_the_same_job(kit):
    inbox = inbox_of(kit)
    files = ct(3)
    take(inbox, [*files, *files])
    inbox.submit_quiet()
    take(inbox, [*files, *ct(3, SeriesDescription="changed on the way")])
    inbox.submit_quiet()
    (job,) = kit.jobs.all()
    assert len(kit.names(job)) == 3


def test_what_comes_late_leads_to_a_job_with_the_whole_study(kit):
    inbox = inbox_of(kit)
    files = ct(5)
    take(inbox, files[:3])
    inbox.submit_quiet()
    take(inbox, files[3:])
    assert inbox.count(files[0].StudyInstanceUID) == 5
    inbox.submit_quiet()
    first, second = kit.jobs.all()
    assert [len(kit.names(first)), len(kit.names(second))] == [3, 5]
    assert inbox.job(files[0].StudyInstanceUID) == second


def test_a_study_that_was_sent_again_after_its_job_failed_is_tried_again(kit):
    inbox = inbox_of(kit)
    take(inbox, ct())
    inbox.submit_quiet()
    kit.jobs.failed(kit.jobs.claim("worker"), "no memory")
    take(inbox, ct())
    inbox.submit_quiet()
    assert [job.state for job in kit.jobs.all()] == ["queued"]


def test_nothing_is_lost_when_the_server_ends_before_the_study_is_complete(kit):
    files = ct(5)
    take(inbox_of(kit), files[:3])
    (kit.storage.root / "pacs" / "arriving" / "half").write_bytes(b"half an instance")
    again = Kit.open(kit.storage.root)
    inbox = inbox_of(again)
    take(inbox, files[3:])
    inbox.submit_quiet()
    (job,) = again.jobs.all()
    assert len(again.names(job)) == 5
    assert not list((kit.storage.root / "pacs" / "arriving").iterdir())
    again.engine.dispose()


def test_nothing_is_lost_when_the_server_ends_between_the_job_and_its_note(kit, monkeypatch):
    inbox = inbox_of(kit)
    take(inbox, ct())

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("fibrolens.pacs.inbox._write", killed)
        inbox.submit_quiet()
    inbox_of(kit).submit_quiet()
    (job,) = kit.jobs.all()
    assert len(kit.names(job)) == 3


def test_a_full_disk_at_the_time_of_the_job_costs_nothing(kit, monkeypatch):
    inbox = inbox_of(kit)
    take(inbox, ct())

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space"):
        patched.setattr(kit.intake.__class__, "folder", full)
        inbox.submit_quiet()
    inbox.submit_quiet()
    assert len(kit.names(kit.jobs.all()[0])) == 3
    assert not list(kit.storage.incoming.iterdir())


def test_a_study_has_a_size_limit_that_counts_its_last_job(kit):
    size = 3000
    inbox = inbox_of(kit, limits=Limits(free_bytes=0, study_bytes=size))
    files = ct(20)
    taken = 0
    with pytest.raises(FullError):
        for file in files:
            take(inbox, [file])
            taken += 1
            inbox.submit_quiet()
    assert 0 < taken < 20
    job = kit.jobs.all()[-1]
    assert sum(path.stat().st_size for path in kit.storage.source(job).iterdir()) <= size
    take(inbox, files[:taken])  # what is there may come again


def test_nothing_is_taken_when_the_disk_is_nearly_full(kit):
    with pytest.raises(FullError):
        take(inbox_of(kit, limits=Limits(free_bytes=2**60)), ct(1))


def test_an_instance_is_the_one_that_was_announced(kit):
    with pytest.raises(MismatchError):
        take(inbox_of(kit), ct(1), uid="1.2.3")
    with pytest.raises(MismatchError):
        take(inbox_of(kit), ct(1, StudyInstanceUID=None))
    assert not list((kit.storage.root / "pacs" / "received").iterdir())


def test_a_study_that_is_fetched_becomes_a_job_when_all_is_there(kit):
    inbox = inbox_of(kit)
    files = ct(3)
    with inbox.holding(files[0].StudyInstanceUID):
        take(inbox, files)
        inbox.submit_quiet()
        assert kit.jobs.all() == []
    assert len(kit.jobs.all()) == 1


def test_deleted_jobs_leave_nothing(kit):
    inbox = inbox_of(kit)
    take(inbox, ct())
    inbox.submit_quiet()
    (job,) = kit.jobs.all()
    kit.jobs.remove(job.id)
    kit.storage.forget(job.id)
    inbox.tidy()
    assert not list(inbox.folder.iterdir())

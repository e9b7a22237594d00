"""How a worker ends a job, and what it leaves behind."""

import io
import json
import shutil
import time
import warnings
import zipfile
from dataclasses import dataclass

import pytest
from tests.serve.kit import PATIENT, FastStager, staged, submitted, upload_of

from fibrolens.errors import ModelError
from fibrolens.io.dicom.files import instances
from fibrolens.serve.recipe import Staged
from fibrolens.serve.worker import perform


@dataclass(frozen=True)
class Doing:
    """A stager that does what a test wants in the middle of the work."""

    what: object
    then: object = None

    def stage(self, task, say):
        """Begin, do it, go on."""
        task.out.mkdir(parents=True)
        (task.out / "half").write_bytes(b"half")
        self.what(task)
        say(0.5, "half")
        return FastStager().stage(task, say)


@dataclass(frozen=True)
class Opening:
    """A stager that opens the upload as the pipeline does."""

    def stage(self, task, say):
        """Read every header."""
        with instances(task.source) as found:
            return Staged(f"{len(found)} files", "F0")


def left(service):
    """Every file of results."""
    return [path for path in service.storage.results.rglob("*") if path.is_file()]


def worked(service, stager, content=None):
    """The job after a worker had it."""
    job = submitted(service, content)
    claim = service.jobs.claim("w")
    perform(claim, service.jobs, service.storage, stager)
    return service.jobs.get(job.id) if service.jobs.known(job.id) else None


def test_a_result_stands_in_the_folder_of_its_claim(service):
    job = staged(service)
    assert (job.state, job.predicted, job.scan_id[:3]) == ("done", "F3", "ct-")
    assert service.storage.scan(job).parent == service.storage.results / job.id / job.result
    assert (service.storage.scan(job) / "manifest.json").exists()


@pytest.mark.parametrize(("words", "state", "said"), [
    ("refuse", "refused", "holds no CT"), ("defect", "failed", "defect of fibrolens (ValueError)"),
    ("memory", "failed", "not enough memory"),
])  # fmt: skip
def test_a_scan_that_cannot_be_staged_ends_with_a_sentence_and_no_files(service, words, state, said, caplog):
    with caplog.at_level("INFO", logger="fibrolens.serve"):
        job = worked(service, FastStager(), upload_of(words))
    assert (job.state, said in job.reason) == (state, True)
    assert left(service) == []
    assert PATIENT not in job.reason
    assert not any(PATIENT in json.dumps(vars(record), default=str) for record in caplog.records)


def test_what_is_not_the_scans_fault_fails(service):
    def no_weights(_):
        raise ModelError("The weights are gone.")

    assert worked(service, Doing(no_weights)).state == "failed"
    assert left(service) == []


def test_a_full_disk_fails_the_job_and_not_the_worker(service):
    def full(_):
        raise OSError(28, "No space left on device")

    assert worked(service, Doing(full)).state == "failed"
    assert left(service) == []


@pytest.mark.parametrize("forget", [True, False])
def test_a_job_that_is_deleted_while_it_runs_leaves_nothing(service, caplog, forget):
    def delete(task):
        (job,) = service.jobs.all()
        service.jobs.remove(job.id)
        if forget:
            service.storage.forget(job.id)

    with caplog.at_level("INFO", logger="fibrolens.serve"):
        assert worked(service, Doing(delete)) is None
    assert list(service.storage.results.iterdir()) == []
    assert list(service.storage.uploads.iterdir()) == []
    assert "defect" not in caplog.text


def test_a_job_that_is_deleted_at_its_last_moment_leaves_nothing(service, monkeypatch):
    def deleting(_jobs, claim, *_):
        service.jobs.remove(claim.job.id)
        service.storage.forget(claim.job.id)
        return True

    monkeypatch.setattr(type(service.jobs), "done", deleting)
    assert worked(service, FastStager()) is None
    assert list(service.storage.results.iterdir()) == []


def test_a_worker_whose_job_was_given_away_stops_and_leaves_the_others_result(service):
    def take_away(_):
        service.jobs.release("w")
        other = service.jobs.claim("v")
        perform(other, service.jobs, service.storage, FastStager())

    job = worked(service, Doing(take_away))
    assert (job.state, job.attempts) == ("done", 2)
    assert {path.parts[-3] for path in left(service) if path.name == "result.json"} == {job.result}
    assert not any(path.name == "half" for path in left(service))


def test_signs_of_life_come_while_the_work_says_nothing(begun):
    service = begun()
    jobs = type(service.jobs)(service.jobs.engine, lease_s=1.5)
    submitted(service)

    def long(_):
        for _ in range(4):
            time.sleep(0.5)
            assert jobs.expire() == 0

    perform(jobs.claim("w"), jobs, service.storage, Doing(long))
    assert [job.state for job in jobs.all()] == ["done"]


def zipped(name="slice.dcm", content=b"no DICOM", **more):
    """A zip with one file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(name)
        for key, value in more.items():
            setattr(entry, key, value)
        archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def encrypted():
    """A zip that says that it is encrypted."""
    content = bytearray(zipped())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    return bytes(content)


def claiming(size):
    """A zip whose directory claims that its file has `size` bytes."""
    content = bytearray(zipped())
    at = content.index(b"PK\x01\x02") + 24
    content[at : at + 4] = size.to_bytes(4, "little")
    return bytes(content)


@pytest.mark.parametrize(("content", "said"), [
    (zipped("../../name"), "leaves its folder"), (zipped("/etc/cron.d/x"), "leaves its folder"),
    (zipped("..\\..\\name"), "leaves its folder"), (zipped("C:\\x"), "leaves its folder"),
    (encrypted(), "encrypted"), (claiming(2**32 - 2), "more than a CT"), (b"PK\x03\x04broken", None),
    (zipped(content=b"\0" * 128 + b"DICM\x02\0"), "in its header"),
])  # fmt: skip
def test_a_hostile_zip_is_refused_with_a_sentence_and_writes_nothing(service, content, said, tmp_path):
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    job = worked(service, Opening(), content)
    if said is not None:
        assert (job.state, said in job.reason) == ("refused", True)
    assert left(service) == []
    new = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert {path.name for path in new} <= {"upload.zip", "jobs.sqlite3-wal", "jobs.sqlite3-shm"}


@pytest.mark.parametrize(
    "content", [zipped("inner.zip", zipped("../x")), zipped("link", b"/etc/passwd", external_attr=0xA1FF0000)]
)
def test_zips_in_zips_and_links_are_passed_over(service, content):
    assert worked(service, Opening(), content).scan_id == "0 files"


def test_a_lost_upload_is_a_failure_that_is_told(service):
    job = submitted(service)
    shutil.rmtree(service.storage.uploads / job.id)
    perform(service.jobs.claim("w"), service.jobs, service.storage, FastStager())
    assert service.jobs.get(job.id).state == "failed"


def test_a_librarys_warning_never_ends_a_job(service):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert worked(service, Doing(lambda _: warnings.warn(PATIENT, stacklevel=1))).state == "done"

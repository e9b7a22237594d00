"""The queue: each job ends once, whatever becomes of its workers; on SQLite and on PostgreSQL."""

import threading
import time
from collections import Counter
from dataclasses import replace

import pytest

from fibrolens.errors import UsageError
from fibrolens.serve import jobs as module
from fibrolens.serve.database import connect
from fibrolens.serve.jobs import GIVEN_UP, LEASE_S, MOST_ATTEMPTS, Jobs, Submission, new_id


def submission(key: str = "k", **changes):
    """A job to be."""
    return replace(Submission(new_id(), key, "ada", "ct.zip", "upload", "upload.zip"), **changes)


def add(jobs, key="k", **changes):
    """A job that waits."""
    return jobs.submit(submission(key, **changes))[0]


def test_a_job_waits_runs_and_is_done(jobs):
    job, new = jobs.submit(submission())
    assert new
    assert (job.state, job.progress, job.attempts, job.started, job.finished) == ("queued", 0.0, 0, None, None)
    claim = jobs.claim("w")
    assert (claim.job.id, claim.job.state, claim.job.attempts, claim.job.worker) == (job.id, "running", 1, "w")
    assert jobs.progress(claim, 0.5, "half")
    assert (jobs.get(job.id).progress, jobs.get(job.id).step) == (0.5, "half")
    assert jobs.done(claim, "ct-1", "F2")
    done = jobs.get(job.id)
    assert (done.state, done.progress, done.scan_id, done.predicted) == ("done", 1.0, "ct-1", "F2")
    assert done.result == claim.lease
    assert done.created <= done.started <= done.finished
    assert jobs.claim("w") is None


@pytest.mark.parametrize("end", ["refused", "failed"])
def test_a_job_that_comes_to_nothing_says_why(jobs, end):
    job = add(jobs)
    assert getattr(jobs, end)(jobs.claim("w"), "It is no CT.")
    ended = jobs.get(job.id)
    assert (ended.state, ended.reason, ended.lease, ended.worker) == (end, "It is no CT.", None, None)
    assert jobs.claim("w") is None


def test_what_is_refused_at_once_never_waits(jobs):
    job = add(jobs, source=None, reason="It is no CT.")
    assert (job.state, job.reason) == ("refused", "It is no CT.")
    assert jobs.claim("w") is None


def test_the_same_key_is_the_same_job_in_every_state_but_failed(jobs):
    job = add(jobs)
    assert jobs.submit(submission()) == (job, False)
    claim = jobs.claim("w")
    assert jobs.submit(submission())[0].state == "running"
    jobs.done(claim, "ct-1", "F2")
    again, new = jobs.submit(submission())
    assert (again.id, again.state, new) == (job.id, "done", False)
    assert len(jobs.all()) == 1


def test_a_failed_job_is_queued_again_and_a_refused_one_is_not(jobs):
    failed, refused = add(jobs, "a"), add(jobs, "b")
    jobs.failed(jobs.claim("w"), "No memory.")
    jobs.refused(jobs.claim("w"), "No CT.")
    again, new = jobs.submit(submission("a"))
    assert (again.id, again.state, again.reason, again.attempts, new) == (failed.id, "queued", None, 0, False)
    assert jobs.submit(submission("b"))[0].state == "refused"
    assert jobs.claim("w").job.id == failed.id
    assert refused.id != failed.id


def test_jobs_are_done_in_the_order_in_which_they_came(jobs):
    ids = [add(jobs, key).id for key in "abc"]
    assert [jobs.claim("w").job.id for _ in ids] == ids


def test_one_that_lost_its_worker_waits_behind_the_others(jobs):
    first, second = add(jobs, "a"), add(jobs, "b")
    jobs.claim("w")
    assert jobs.release("w") == 1
    assert jobs.get(first.id).state == "queued"
    assert [jobs.claim("v").job.id for _ in range(2)] == [second.id, first.id]


def test_a_lost_worker_cannot_end_a_job_a_second_time(jobs):
    job = add(jobs)
    lost = jobs.claim("w")
    jobs.release("w")
    held = jobs.claim("v")
    assert not jobs.beat(lost)
    assert not jobs.progress(lost, 0.9, "late")
    assert not jobs.done(lost, "late", "F0")
    assert not jobs.failed(lost, "late")
    assert jobs.done(held, "ct-1", "F4")
    assert not jobs.refused(lost, "late")
    assert not jobs.done(held, "twice", "F0")
    assert (jobs.get(job.id).scan_id, jobs.get(job.id).predicted) == ("ct-1", "F4")


def test_a_lease_without_a_sign_of_life_runs_out(jobs, monkeypatch):
    now = time.monotonic()
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    job = add(jobs)
    claim = jobs.claim("w")
    now += LEASE_S - 1
    assert jobs.expire() == 0
    assert jobs.beat(claim)
    now += LEASE_S - 1
    assert jobs.expire() == 0
    assert jobs.progress(claim, 0.5, "half")
    now += LEASE_S - 1
    assert jobs.expire() == 0
    now += 2
    assert jobs.expire() == 1
    assert (jobs.get(job.id).state, jobs.get(job.id).lease) == ("queued", None)
    assert not jobs.beat(claim)


@pytest.mark.parametrize("years", [20, -20])
def test_a_time_of_day_that_jumps_takes_no_job_away(jobs, monkeypatch, years):
    job = add(jobs)
    claim = jobs.claim("w")
    jumped = time.time() + years * 365 * 86400

    monkeypatch.setattr(module.time, "time", lambda: jumped)
    assert jobs.expire() == 0
    assert jobs.beat(claim)

    monkeypatch.undo()
    assert jobs.expire() == 0
    assert jobs.done(claim, "ct-1", "F4")
    assert jobs.get(job.id).attempts == 1


def test_after_five_lost_workers_a_job_fails_with_a_sentence(jobs):
    job = add(jobs)
    for attempt in range(MOST_ATTEMPTS):
        assert jobs.claim("w").job.attempts == attempt + 1
        assert jobs.release("w") == 1
    assert jobs.claim("w") is None
    ended = jobs.get(job.id)
    assert (ended.state, ended.reason, ended.attempts) == ("failed", GIVEN_UP, MOST_ATTEMPTS)
    assert ended.finished is not None


def test_what_a_clean_end_interrupts_is_no_attempt(jobs):
    job = add(jobs)
    for _ in range(MOST_ATTEMPTS + 1):
        jobs.claim("w")
        assert jobs.release("w", counted=False) == 1
    assert (jobs.get(job.id).state, jobs.get(job.id).attempts) == ("queued", 0)


def test_a_worker_takes_only_its_own_jobs_with_it(jobs):
    add(jobs, "a"), add(jobs, "b")
    jobs.claim("w"), jobs.claim("v")
    assert jobs.release("w") == 1
    assert jobs.counts() == {"queued": 1, "running": 1}


def test_a_new_server_takes_every_running_job(jobs):
    add(jobs, "a"), add(jobs, "b"), add(jobs, "c")
    jobs.claim("w"), jobs.claim("v")
    assert jobs.recover() == 2
    assert jobs.counts() == {"queued": 3}


def test_who_works_on_a_deleted_job_learns_it(jobs):
    job = add(jobs)
    claim = jobs.claim("w")
    assert jobs.remove(job.id)
    assert not jobs.beat(claim)
    assert not jobs.done(claim, "ct-1", "F2")
    assert not jobs.remove(job.id)
    with pytest.raises(KeyError):
        jobs.get(job.id)
    assert jobs.submit(submission())[1]


def test_jobs_of_one_owner_or_of_all_newest_first_page_by_page(jobs):
    mine = [add(jobs, f"a{n}").id for n in range(5)]
    theirs = add(jobs, "b", owner="ben").id
    assert [job.id for job in jobs.newest("ada", 2)] == mine[:2:-1]
    assert [job.id for job in jobs.newest("ada", 9, before=mine[3])] == mine[2::-1]
    assert [job.id for job in jobs.newest(None, 1)] == [theirs]
    assert jobs.newest("nobody", 9) == []


def test_finished_jobs_of_an_origin_and_notes_on_them(jobs):
    add(jobs, "a")
    job = add(jobs, "b", origin="dicom")
    assert not jobs.note(job.id, "sending", None)
    for scan in ("one", "two"):
        jobs.done(jobs.claim("w"), scan, "F1")
    (found,) = jobs.finished("dicom")
    assert found.id == job.id
    assert jobs.finished("dicom", since=found.finished + 1) == []
    assert jobs.note(job.id, "", "The PACS does not answer.")
    assert (jobs.get(job.id).state, jobs.get(job.id).reason) == ("done", "The PACS does not answer.")


def test_a_database_belongs_to_one_data_folder(jobs):
    jobs.bind("here")
    jobs.bind("here")
    with pytest.raises(UsageError, match="another --data"):
        jobs.bind("elsewhere")


def test_many_workers_at_once_claim_each_job_once(jobs):
    for number in range(30):
        add(jobs, str(number))
    claimed, lock = [], threading.Lock()

    def work(name):
        while (claim := jobs.claim(name)) is not None:
            with lock:
                claimed.append(claim.job.id)
            assert jobs.done(claim, "ct", "F0")

    threads = [threading.Thread(target=work, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(claimed) == Counter(job.id for job in jobs.all())
    assert jobs.counts() == {"done": 30}


def test_the_same_upload_many_times_at_once_is_one_job(jobs):
    found = []
    threads = [threading.Thread(target=lambda: found.append(jobs.submit(submission()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({job.id for job, _ in found}) == 1
    assert sorted(new for _, new in found) == [False] * 7 + [True]


def test_a_queue_is_still_there_when_it_is_opened_again(url, jobs):
    job = add(jobs)
    again = connect(url)
    assert Jobs(again).get(job.id) == job
    again.dispose()

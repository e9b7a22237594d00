"""Worker processes: killed, stopped and ended ones lose no job, and none is done twice."""

import os
import signal
import sqlite3
import threading
import time
from dataclasses import dataclass

import numpy as np
import pytest
from sqlalchemy import text
from tests.serve.kit import ADMIN, FastRecipe, client_of, staged, submitted, upload_of
from tests.serve.process import until

from fibrolens.errors import ModelError
from fibrolens.serve import supervisor as module
from fibrolens.serve.database import sqlite_url
from fibrolens.serve.supervisor import Supervisor
from fibrolens.serve.worker import WorkerPlan


def supervisor(service, recipe, count=1, lease_s=15.0):
    """Workers of a service."""
    plan = WorkerPlan(sqlite_url(service.storage.root), service.storage.root, recipe, lease_s, poll_s=0.02)
    return Supervisor(plan, service.jobs, count)


def states(service):
    """How many jobs are in each state."""
    return service.jobs.counts()


def results(service):
    """What the jobs of a service have found, by the name of their upload."""
    scans = {job.name: service.storage.scan(job) for job in service.jobs.all()}
    return {name: (scan / "result.json").read_bytes() for name, scan in scans.items()}


def counting_ends(service):
    """Let the database count how often each job ends."""
    with service.jobs.engine.begin() as connection:
        connection.execute(text("CREATE TABLE ends (id VARCHAR)"))
        connection.execute(text(
            "CREATE TRIGGER ended AFTER UPDATE OF state ON jobs WHEN NEW.state IN ('done', 'refused', 'failed') "
            "BEGIN INSERT INTO ends VALUES (NEW.id); END"
        ))  # fmt: skip


def ends(service):
    """The jobs that have ended, one entry for each time."""
    with service.jobs.engine.begin() as connection:
        return [id_ for (id_,) in connection.execute(text("SELECT id FROM ends"))]


def stop_between_writes(service, pid):
    """Stop a worker at a moment when it holds no lock of SQLite, which nobody could take from it."""
    impatient = {"timeout": 0.2, "isolation_level": None}
    database = service.jobs.engine.url.database
    while True:
        os.kill(pid, signal.SIGSTOP)
        connection = sqlite3.connect(database, **impatient)
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            os.kill(pid, signal.SIGCONT)
        else:
            return
        finally:
            connection.close()


@pytest.fixture
def at_once(monkeypatch):
    """Workers that end early are replaced without a pause."""
    monkeypatch.setattr(module, "EARLY_S", 0.0)


@pytest.mark.slow
@pytest.mark.usefixtures("at_once")
def test_twenty_uploads_at_once_while_the_worker_is_killed_five_times(begun):
    uploads = {f"ct{number}.zip": upload_of("ct", number) for number in range(20)}
    serial, service = begun(), begun()
    for name, content in uploads.items():
        submitted(serial, content, name=name)
    staged(serial, uploads["ct0.zip"])
    admin = client_of(service).as_bearer(ADMIN)
    counting_ends(service)
    rng = np.random.default_rng(0)
    with supervisor(service, FastRecipe(0.3)) as workers:
        sent = [threading.Thread(target=admin.ask, args=("POST", f"/api/v1/jobs?filename={name}", content))
                for name, content in uploads.items()]  # fmt: skip
        for thread in sent:
            thread.start()
        killed = set()
        for _ in range(5):
            until("no worker works", lambda: states(service).get("running") and set(workers.pids) - killed)
            time.sleep(rng.uniform(0.0, 0.25))
            (pid,) = workers.pids
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
        for thread in sent:
            thread.join()
        until("jobs are left", lambda: states(service) == {"done": 20})
    assert len(killed) == 5
    assert sorted(ends(service)) == sorted(job.id for job in service.jobs.all())
    assert sum(job.attempts for job in service.jobs.all()) == 25
    assert results(service) == results(serial)
    for job in service.jobs.all():
        assert [folder.name for folder in (service.storage.results / job.id).iterdir()] == [job.result]


@pytest.mark.slow
def test_a_worker_that_is_stopped_and_goes_on_ends_nothing_twice(service):
    job = submitted(service)
    counting_ends(service)
    with supervisor(service, FastRecipe(0.5), count=1, lease_s=0.5) as first:
        until("it does not begin", lambda: states(service) == {"running": 1})
        (stopped,) = first.pids
        stop_between_writes(service, stopped)
        try:
            with supervisor(service, FastRecipe(0.1)):
                until("it is not taken over", lambda: states(service) == {"done": 1})
        finally:
            os.kill(stopped, signal.SIGCONT)
        # The one that was stopped finds out, tidies up, and takes the next job.
        submitted(service, upload_of("next"))
        until("it does not go on", lambda: states(service) == {"done": 2})
        assert first.pids == [stopped]
    done = service.jobs.get(job.id)
    assert done.attempts == 2
    assert ends(service).count(job.id) == 1
    assert [folder.name for folder in (service.storage.results / job.id).iterdir()] == [done.result]


def test_a_clean_end_takes_the_workers_along_and_the_job_waits(service):
    job = submitted(service)
    with supervisor(service, FastRecipe(60), count=2) as workers:
        until("it does not begin", lambda: states(service) == {"running": 1})
        pids = workers.pids
        assert len(pids) == 2
        # A terminal sends Ctrl-C to all; the server ends its workers in its own time.
        for pid in pids:
            os.kill(pid, signal.SIGINT)
        time.sleep(0.3)
        assert workers.pids == pids
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert (service.jobs.get(job.id).state, service.jobs.get(job.id).attempts) == ("queued", 0)
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@dataclass(frozen=True)
class Unusable:
    """A recipe whose weights are gone."""

    place: str
    fingerprint: str = "none"

    def load(self):
        """Count the tries."""
        with open(self.place, "a") as stream:
            stream.write("x")
        raise ModelError("The weights are gone.")


@pytest.mark.slow
def test_workers_that_cannot_start_are_tried_again_ever_more_slowly(service, tmp_path):
    tries = tmp_path / "tries"
    with supervisor(service, Unusable(str(tries))):
        until("it does not start", lambda: tries.exists() and len(tries.read_text()) >= 3)
        time.sleep(1.0)
    assert len(tries.read_text()) <= 5


@pytest.mark.slow
@pytest.mark.usefixtures("at_once")
def test_a_job_that_kills_every_worker_fails_and_the_next_one_is_done(service):
    deadly, harmless = submitted(service, upload_of("kill")), submitted(service, upload_of("1"))
    with supervisor(service, Deadly()):
        until("they do not end", lambda: states(service) == {"failed": 1, "done": 1})
    assert (service.jobs.get(deadly.id).attempts, service.jobs.get(harmless.id).attempts) == (5, 1)
    assert "ended from outside 5 times" in service.jobs.get(deadly.id).reason


@dataclass(frozen=True)
class Deadly:
    """A recipe of a stager that some uploads end, as want of memory does."""

    fingerprint: str = "deadly"

    def load(self):
        """Nothing to load."""
        return self

    def stage(self, task, say):
        """End the process, or stage."""
        if b"kill" in task.source.read_bytes():
            os.kill(os.getpid(), signal.SIGKILL)
        return FastRecipe().load().stage(task, say)

"""A worker process: it loads the models once, then claims jobs and stages them until it is ended."""

from __future__ import annotations

import shutil
import signal
import threading
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from fibrolens.errors import FibrolensError, InputError
from fibrolens.serve.database import connect
from fibrolens.serve.jobs import LEASE_S, Claim, Jobs
from fibrolens.serve.logs import begin_log, complain, say
from fibrolens.serve.recipe import Recipe, Stager, Task
from fibrolens.serve.storage import Storage
from fibrolens.workers import begin_worker

#: Seconds between two looks into an empty queue.
POLL_S = 0.2
#: Signs of life during one lease.
BEATS = 5
DEFECT = "This is a defect of fibrolens ({kind}), not of the scan; report it with the id of the job."
NO_MEMORY = "The machine has not enough memory for this scan; upload it again when it has more."


class LostError(Exception):
    """The job is no longer this worker's: it was deleted, or given to another worker."""


@dataclass(frozen=True)
class WorkerPlan:
    """What a worker process needs to know; travels to it.

    Args:
        url: of the database.
        data: the data folder.
        recipe: how to get the stager.
        lease_s: seconds without a sign of life after which a job is taken away.
        poll_s: seconds between two looks into an empty queue.
    """

    url: str
    data: Path
    recipe: Recipe
    lease_s: float = LEASE_S
    poll_s: float = POLL_S


def run_worker(plan: WorkerPlan, worker: str) -> None:
    """Stage jobs under the name `worker` for ever; what cannot be mended here ends the process."""
    begin_worker()
    # Ctrl-C is for the server, which ends its workers in its own time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    begin_log()
    # A library's warning may quote a header, and with it a patient's name.
    warnings.simplefilter("ignore")
    jobs, storage = Jobs(connect(plan.url), plan.lease_s), Storage(plan.data)
    try:
        stager = plan.recipe.load()
        say("worker ready", worker=worker)
        while True:
            claim = jobs.claim(worker)
            if claim is None:
                time.sleep(plan.poll_s)
            else:
                perform(claim, jobs, storage, stager)
    except SQLAlchemyError as error:
        # The one who started this process starts another when the database may be back.
        complain("database lost", error, worker=worker)
        raise SystemExit(1) from None
    except FibrolensError as error:
        complain("worker cannot start", error, worker=worker)
        raise SystemExit(1) from None


def perform(claim: Claim, jobs: Jobs, storage: Storage, stager: Stager) -> None:
    """Stage one job and say how it ended; what the job leaves behind where it was lost is removed."""
    started, job = time.monotonic(), claim.job
    say("job started", job=job.id, attempt=job.attempts)
    try:
        ended = _staged(claim, jobs, storage, stager)
    except LostError:
        ended = "lost"
    except InputError as error:
        ended = "refused" if jobs.refused(claim, str(error)) else "lost"
    except FibrolensError as error:
        ended = "failed" if jobs.failed(claim, str(error)) else "lost"
    except MemoryError:
        ended = "failed" if jobs.failed(claim, NO_MEMORY) else "lost"
    except SQLAlchemyError:
        raise
    except Exception as error:  # noqa: BLE001  (one scan must not end the service)
        # Of a job that was deleted the files are gone: no wonder, and no defect.
        ended = "failed" if jobs.failed(claim, DEFECT.format(kind=type(error).__name__)) else "lost"
        if ended == "failed":
            complain("job hit a defect", error, job=job.id)
    _tidy(claim, jobs, storage, ended)
    say("job ended", job=job.id, state=ended, seconds=round(time.monotonic() - started, 3))


def _tidy(claim: Claim, jobs: Jobs, storage: Storage, ended: str) -> None:
    """Remove what is no result. A job that was deleted leaves nothing, though its worker may have written since."""
    job = claim.job.id
    if ended == "done":
        storage.keep_only(job, claim.lease)
    else:
        shutil.rmtree(storage.claim(job, claim.lease), ignore_errors=True)
    if not jobs.known(job):
        storage.forget(job)


def _staged(claim: Claim, jobs: Jobs, storage: Storage, stager: Stager) -> str:
    job = claim.job
    task = Task(storage.source(job), storage.claim(job.id, claim.lease), job.forced)
    with _Beat(claim, jobs) as beat:
        staged = stager.stage(task, beat.say)
    return "done" if jobs.done(claim, staged.scan_id, staged.predicted) else "lost"


@dataclass
class _Beat:
    """Signs of life from a thread of its own, while the work goes on."""

    claim: Claim
    jobs: Jobs
    lost: bool = False
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> _Beat:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def say(self, share: float, step: str) -> None:
        """Tell the progress; raises LostError where there is no use in going on."""
        if self.lost or not self.jobs.progress(self.claim, share, step):
            raise LostError

    def _run(self) -> None:
        while not self._stop.wait(self.jobs.lease_s / BEATS):
            try:
                self.lost = not self.jobs.beat(self.claim)
            except SQLAlchemyError:
                # The lease lasts for a while; the next beat, or the end of the work, tells whether it still does.
                continue
            if self.lost:
                return

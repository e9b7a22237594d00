"""The queue: jobs come in, workers claim them by a lease, and each ends once.

A claim draws a new lease. Every later word of the worker (sign of life, progress, end) names it and has no effect once
the job was given to another worker, was deleted or has ended: so a worker that was stopped for a while and goes on
cannot finish a job a second time. A lease without a sign of life runs out, and the job goes back to the queue, behind
those that were tried less often; after `MOST_ATTEMPTS` it fails with a sentence. Leases run by the machine's own
clock (`time.monotonic`, one for all its processes), which nobody sets: no job is lost where the time of day is set.

Everything is one statement or one transaction of the database, so that server and workers may be killed at any point.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from sqlalchemy import ColumnElement, Engine, and_, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from fibrolens.errors import UsageError
from fibrolens.serve.database import reading
from fibrolens.serve.schema import ABOUT, JOBS

State = Literal["queued", "running", "done", "refused", "failed"]
Origin = Literal["upload", "dicom"]

#: Seconds that a job stays with a worker that gives no sign of life.
LEASE_S = 15.0
#: How often a job may lose its worker.
MOST_ATTEMPTS = 5
GIVEN_UP = (
    f"The work on this scan was ended from outside {MOST_ATTEMPTS} times, often for want of memory; upload it again "
    "when the machine has more."
)
WAITING = {
    "state": "queued", "progress": 0.0, "step": "waiting", "started": None, "finished": None, "reason": None,
    "worker": None, "lease": None, "lease_until": None,
}  # fmt: skip


@dataclass(frozen=True)
class Submission:
    """A job to be.

    Args:
        id: that names its folders; see `new_id`.
        key: hash of what the result depends on and of its owner.
        owner: name of the user.
        name: what a person reads; never a patient's name.
        origin: how it came.
        source: name of the upload's file or folder; None where nothing was kept.
        forced: whether the quality gate is overridden.
        reason: why it is refused at once; None where it is queued.
    """

    id: str
    key: str
    owner: str
    name: str
    origin: Origin
    source: str | None
    forced: bool = False
    reason: str | None = None


@dataclass(frozen=True)
class Job:
    """A row of the table of jobs; see `fibrolens.serve.schema` for what each value means."""

    number: int
    id: str
    key: str
    owner: str
    name: str
    origin: str
    source: str | None
    forced: bool
    state: str
    progress: float
    step: str
    created: float
    started: float | None
    finished: float | None
    reason: str | None
    scan_id: str | None
    predicted: str | None
    attempts: int
    worker: str | None
    lease: str | None
    lease_until: float | None
    result: str | None


@dataclass(frozen=True)
class Claim:
    """A job in the hands of a worker.

    Args:
        job: as it was claimed.
        lease: by which the worker speaks of it.
    """

    job: Job
    lease: str


@dataclass(frozen=True)
class Jobs:
    """The queue in a database that `fibrolens.serve.database.upgrade` has brought up to date.

    Args:
        engine: of this process.
        lease_s: seconds that a job stays with a worker that gives no sign of life.
    """

    engine: Engine
    lease_s: float = LEASE_S

    def submit(self, submission: Submission) -> tuple[Job, bool]:
        """The new job, or the one with the same key and False; one that had failed is queued again.

        What a failed job is queued with is still its first upload; the caller removes the one that is not needed.
        """
        values = {**vars(submission), **WAITING, "created": time.time(), "attempts": 0}
        if submission.reason is not None:
            values |= {"state": "refused", "reason": submission.reason, "step": "", "finished": time.time()}
        try:
            with self.engine.begin() as connection:
                connection.execute(insert(JOBS).values(values))
        except IntegrityError:
            again = and_(JOBS.c.key == submission.key, JOBS.c.state == "failed", JOBS.c.source.is_not(None))
            with self.engine.begin() as connection:
                connection.execute(update(JOBS).where(again).values(**WAITING, attempts=0))
            known = self._one(JOBS.c.key == submission.key)
            # Deleted in this moment: the upload is new after all.
            return (known, False) if known else self.submit(submission)
        return self.get(submission.id), True

    def get(self, job: str) -> Job:
        """A job by its id; raises KeyError where there is none."""
        found = self._one(JOBS.c.id == job)
        if found is None:
            raise KeyError(job)
        return found

    def known(self, job: str) -> bool:
        """Whether there is a job of an id."""
        return self._one(JOBS.c.id == job) is not None

    def newest(self, owner: str | None, limit: int, before: str | None = None) -> list[Job]:
        """Jobs of an owner (of all where None), newest first, at most `limit`, those before the job `before`."""
        wanted = select(JOBS).order_by(JOBS.c.number.desc()).limit(limit)
        if owner is not None:
            wanted = wanted.where(JOBS.c.owner == owner)
        if before is not None:
            wanted = wanted.where(JOBS.c.number < select(JOBS.c.number).where(JOBS.c.id == before).scalar_subquery())
        return self._all(wanted)

    def finished(self, origin: Origin, since: float = 0.0) -> list[Job]:
        """Jobs of an origin that ended at or after a time (seconds since 1970), in the order in which they did."""
        ended = and_(JOBS.c.origin == origin, JOBS.c.finished >= since)
        return self._all(select(JOBS).where(ended).order_by(JOBS.c.finished, JOBS.c.number))

    def counts(self) -> dict[str, int]:
        """How many jobs are in each state that any is in."""
        wanted = select(JOBS.c.state, func.count()).group_by(JOBS.c.state)
        with reading(self.engine).connect() as connection:
            return {state: int(count) for state, count in connection.execute(wanted)}

    def all(self) -> list[Job]:
        """Every job, oldest first."""
        return self._all(select(JOBS).order_by(JOBS.c.number))

    def remove(self, job: str) -> bool:
        """Delete a job; whether it was there. Its worker learns of it by the next sign of life."""
        with self.engine.begin() as connection:
            return bool(connection.execute(delete(JOBS).where(JOBS.c.id == job)).rowcount)

    def claim(self, worker: str) -> Claim | None:
        """The next job for a worker, or None; the one that was tried least and came first."""
        first = (
            select(JOBS.c.id)
            .where(JOBS.c.state == "queued")
            .order_by(JOBS.c.attempts, JOBS.c.number)
            .limit(1)
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
        lease = secrets.token_hex(16)
        taken = (
            update(JOBS)
            .where(JOBS.c.id == first, JOBS.c.state == "queued")
            .values(
                state="running", step="starting", worker=worker, lease=lease, lease_until=self._until(),
                started=time.time(), attempts=JOBS.c.attempts + 1,
            )
            .returning(*JOBS.c)
        )  # fmt: skip
        with self.engine.begin() as connection:
            row = connection.execute(taken).first()
        return None if row is None else Claim(_job(row), lease)

    def beat(self, claim: Claim) -> bool:
        """A sign of life; False where the job is no longer the worker's."""
        return self._say(claim, {"lease_until": self._until()})

    def progress(self, claim: Claim, share: float, step: str) -> bool:
        """How far the work is (0 to 1) and what is being done; False where the job is no longer the worker's."""
        return self._say(claim, {"progress": share, "step": step, "lease_until": self._until()})

    def done(self, claim: Claim, scan_id: str, predicted: str) -> bool:
        """The result stands in the folder of the claim; False where it does not count, since the job was lost."""
        found = {"scan_id": scan_id, "predicted": predicted, "result": claim.lease, "progress": 1.0}
        return self._say(claim, _ended("done") | found)

    def refused(self, claim: Claim, reason: str) -> bool:
        """The input cannot be used."""
        return self._say(claim, _ended("refused") | {"reason": reason})

    def failed(self, claim: Claim, reason: str) -> bool:
        """It was not the input's fault."""
        return self._say(claim, _ended("failed") | {"reason": reason})

    def note(self, job: str, step: str, reason: str | None) -> bool:
        """Say what becomes of the result of a job that is done; False where it is not, or was deleted."""
        done = and_(JOBS.c.id == job, JOBS.c.state == "done")
        with self.engine.begin() as connection:
            return bool(connection.execute(update(JOBS).where(done).values(step=step, reason=reason)).rowcount)

    def release(self, worker: str, counted: bool = True) -> int:
        """Take the jobs of a worker that is gone; how many. What a clean end interrupts is no attempt."""
        if not counted:
            with self.engine.begin() as connection:
                mine = and_(JOBS.c.worker == worker, JOBS.c.state == "running")
                connection.execute(update(JOBS).where(mine).values(attempts=JOBS.c.attempts - 1))
        return self._take_back(JOBS.c.worker == worker)

    def expire(self) -> int:
        """Take the jobs whose lease has run out; how many."""
        return self._take_back(JOBS.c.lease_until < time.monotonic())

    def recover(self) -> int:
        """Take every running job: at the start of a server there is no worker yet; how many."""
        return self._take_back(JOBS.c.id.is_not(None))

    def bind(self, place: str) -> None:
        """Tie the database to a data folder, by the folder's own name for itself.

        Raises:
            UsageError: it belongs to another one, whose uploads are not here.
        """
        with self.engine.begin() as connection:
            known = connection.execute(select(ABOUT.c.value).where(ABOUT.c.name == "data")).scalar()
            if known is None:
                connection.execute(insert(ABOUT).values(name="data", value=place))
        if known not in (None, place):
            raise UsageError(
                "The database holds the jobs of another --data folder; give that one, or another database."
            )

    def _until(self) -> float:
        return time.monotonic() + self.lease_s

    def _take_back(self, which: ColumnElement[bool]) -> int:
        """Running jobs to the queue again, or to their end where they were tried too often."""
        lost = and_(JOBS.c.state == "running", which)
        spent = and_(lost, JOBS.c.attempts >= MOST_ATTEMPTS)
        with self.engine.begin() as connection:
            ended = connection.execute(update(JOBS).where(spent).values(**_ended("failed"), reason=GIVEN_UP)).rowcount
            return int(ended + connection.execute(update(JOBS).where(lost).values(**WAITING)).rowcount)

    def _say(self, claim: Claim, values: Mapping[str, Any]) -> bool:
        """Change a job that is still the worker's."""
        held = and_(JOBS.c.id == claim.job.id, JOBS.c.lease == claim.lease, JOBS.c.state == "running")
        with self.engine.begin() as connection:
            return bool(connection.execute(update(JOBS).where(held).values(**values)).rowcount)

    def _one(self, which: ColumnElement[bool]) -> Job | None:
        found = self._all(select(JOBS).where(which))
        return found[0] if found else None

    def _all(self, wanted: Any) -> list[Job]:
        with reading(self.engine).connect() as connection:
            return [_job(row) for row in connection.execute(wanted)]


def new_id() -> str:
    """A name that cannot be guessed, for a job."""
    return secrets.token_hex(16)


def _ended(state: State) -> dict[str, Any]:
    return {"state": state, "step": "", "finished": time.time(), "lease": None, "lease_until": None, "worker": None}


def _job(row: Any) -> Job:
    values = {field.name: getattr(row, field.name) for field in fields(Job)}
    # SQLite's RETURNING gives a whole number where a real one is stored.
    return Job(**values | {"progress": float(row.progress)})

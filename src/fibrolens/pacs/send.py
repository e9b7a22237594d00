"""Sends the DICOM objects of finished jobs to a PACS, until they are there.

What has arrived is written down per job, so that a server that was ended goes on where it stopped::

    DATA/pacs/sent/<job>.json   {"sent": ["seg"], "tries": 1, "first": 1.7e9, "next": 1.7e9, "state": "waiting"}
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from fibrolens.pacs.calling import Caller, RemoteError
from fibrolens.pacs.deliver import deliver
from fibrolens.pacs.peers import Sending, told
from fibrolens.serve.jobs import Job, Jobs
from fibrolens.serve.logs import complain, say
from fibrolens.serve.storage import Storage

SENT = Path("pacs", "sent")
#: Where ``result.json`` lists the objects of its folder.
RECORD = "dicom"
LONGEST_PAUSE_S = 900.0
#: Seconds by which the end of a job may be told late: a worker writes it after it took the time.
LATE_S = 60.0
IN_PACS, WAITING, NOT_IN_PACS = "in the PACS", "on its way to the PACS", "not in the PACS"
NO_OBJECTS = "There are no DICOM objects to send; the warnings of the result say why."


@dataclass(frozen=True)
class Record:
    """How far a job's objects are.

    Args:
        sent: names of those that have arrived.
        tries: how often it was tried.
        first: when it was tried first; next: when it is tried next; seconds since 1970.
        state: waiting, or how it ended.
    """

    sent: tuple[str, ...] = ()
    tries: int = 0
    first: float = 0.0
    next: float = 0.0
    state: Literal["waiting", "sent", "failed"] = "waiting"


@dataclass
class Sender:
    """Sends what is due whenever it is asked to.

    Args:
        sending: what goes where.
        caller: who calls.
        storage: the data folder; jobs: the queue.
    """

    sending: Sending
    caller: Caller
    storage: Storage
    jobs: Jobs
    _waiting: dict[str, Record] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)
    _since: float = 0.0

    def __post_init__(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def folder(self) -> Path:
        """Of the records."""
        return self.storage.root / SENT

    def send_due(self, stop: threading.Event) -> None:
        """Send the objects of every job that is due; `stop` ends it between two jobs."""
        for job in self._new():
            record = self._read(job.id)
            if record.state == "waiting":
                self._waiting[job.id] = record
        for name, record in list(self._waiting.items()):
            if stop.is_set():
                return
            if _is_due(record):
                self._send(name, record)

    def tidy(self) -> None:
        """Remove the records of jobs that were deleted."""
        known = {job.id for job in self.jobs.finished("dicom")}
        for path in self.folder.iterdir():
            if path.stem not in known:
                path.unlink()

    def _new(self) -> Iterator[Job]:
        """Jobs that were done since this was asked before."""
        # Where the clock was put back, what ends now ends before what was seen.
        since = min(self._since, time.time() - LATE_S)
        for job in self.jobs.finished("dicom", since):
            self._since = max(self._since, (job.finished or 0.0) - LATE_S)
            if job.state == "done" and job.id not in self._ended and job.id not in self._waiting:
                self._ended.add(job.id)
                yield job

    def _send(self, name: str, record: Record) -> None:
        try:
            job = self.jobs.get(name)
            objects = self._objects(job)
        except (KeyError, FileNotFoundError):
            # Deleted meanwhile.
            self._waiting.pop(name, None)
            (self.folder / f"{name}.json").unlink(missing_ok=True)
            return
        now = time.time()
        record = replace(record, tries=record.tries + 1, first=min(record.first or now, now))
        if not objects:
            self._end(job, replace(record, state="failed"), NO_OBJECTS)
            return
        there = list(record.sent)
        left = {key: path for key, path in objects.items() if key not in there}
        try:
            deliver(left, self.sending.to, self.caller, lambda key: self._arrived(name, record, there, key))
        except RemoteError as error:
            self._again(job, replace(record, sent=tuple(there)), str(error))
        except Exception as error:  # noqa: BLE001  (one result must not keep the others back)
            complain("sending hit a defect", error, job=name)
            self._again(job, replace(record, sent=tuple(there)), "Sending hit a defect of fibrolens; see its log.")
        else:
            self._end(job, replace(record, sent=tuple(there), state="sent"), None)

    def _arrived(self, name: str, record: Record, there: list[str], key: str) -> None:
        there.append(key)
        self._write(name, replace(record, sent=tuple(there)))

    def _again(self, job: Job, record: Record, reason: str) -> None:
        """Try later, unless it was tried for long enough."""
        now = time.time()
        if now - record.first >= self.sending.retry_hours * 3600:
            self._end(job, replace(record, state="failed"), reason)
            return
        pause = min(LONGEST_PAUSE_S, self.sending.first_pause_s * 2.0 ** min(record.tries - 1, 20))
        record = replace(record, next=now + pause)
        self._write(job.id, record)
        self._waiting[job.id] = record
        self.jobs.note(job.id, WAITING, f"{reason} It is tried again.")
        say("result not sent", job=job.id, tries=record.tries, reason=reason, again_s=round(pause, 1))

    def _end(self, job: Job, record: Record, reason: str | None) -> None:
        self._write(job.id, record)
        self._waiting.pop(job.id, None)
        self.jobs.note(job.id, IN_PACS if reason is None else NOT_IN_PACS, reason)
        event = "result sent" if reason is None else "result not sent, given up"
        say(event, job=job.id, to=told(self.sending.to), objects=len(record.sent), tries=record.tries)

    def _objects(self, job: Job) -> dict[str, Path]:
        """The files to send, in their order; raises KeyError or FileNotFoundError where the job was deleted."""
        scan = self.storage.scan(job)
        record = json.loads((scan / "result.json").read_text(encoding="utf-8")).get(RECORD) or {}
        return {name: scan / record[name]["file"] for name in self.sending.objects if name in record}

    def _read(self, name: str) -> Record:
        try:
            content = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return Record()
        return Record(**{**content, "sent": tuple(content["sent"])})

    def _write(self, name: str, record: Record) -> None:
        aside = self.folder / f"{name}.partial"
        aside.write_text(json.dumps(asdict(record)), encoding="utf-8")
        aside.replace(self.folder / f"{name}.json")


def _is_due(record: Record) -> bool:
    """Whether to try now; a time that lies further away than any pause was told by a wrong clock."""
    return not 0 < record.next - time.time() <= LONGEST_PAUSE_S

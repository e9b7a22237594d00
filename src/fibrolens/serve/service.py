"""What the routes share: queue, storage, users and limits of one running service."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Annotated

from fastapi import Depends, Request

from fibrolens.pacs.retrieve import Fetcher
from fibrolens.readers.store import Store
from fibrolens.serve.answers import not_found
from fibrolens.serve.auth import Access, Caller
from fibrolens.serve.jobs import Job, Jobs
from fibrolens.serve.storage import Storage
from fibrolens.serve.uploads import Intake

MIB = 2**20
#: A job's id; no other word is looked up, since databases differ in which letters they take.
JOB_ID = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True)
class ReaderStudy:
    """A set of the reader study that is read here.

    Args:
        store: of the set.
        pictures: folder of its pictures.
    """

    store: Store
    pictures: Path


@dataclass(frozen=True)
class Service:
    """One running service.

    Args:
        jobs: the queue.
        storage: the data folder.
        intake: makes jobs of uploads.
        access: users, sessions and failures.
        cookie: name of the session's cookie.
        secure: whether browsers speak to it by TLS alone.
        loopback: whether it answers on this machine alone.
        limit: bytes of an upload at most.
        reader_study: the set that is read here, if any.
        fetcher: gets studies from a PACS, if there is one to ask.
        exporting: held by the one export that is made at a time.
    """

    jobs: Jobs
    storage: Storage
    intake: Intake
    access: Access
    cookie: str = "fibrolens"
    secure: bool = False
    loopback: bool = True
    limit: int = 4096 * MIB
    reader_study: ReaderStudy | None = field(default=None)
    fetcher: Fetcher | None = None
    exporting: Lock = field(default_factory=Lock)

    def job(self, job_id: str, caller: Caller) -> Job:
        """A job that the caller may see; raises RefusedError where there is none."""
        if not JOB_ID.fullmatch(job_id):
            raise not_found()
        try:
            job = self.jobs.get(job_id)
        except KeyError:
            raise not_found() from None
        if not (caller.user.admin or job.owner == caller.user.name):
            raise not_found()
        return job


def _service(request: Request) -> Service:
    found: Service = request.app.state.service
    return found


def _caller(request: Request) -> Caller:
    found: Caller = request.state.caller
    return found


#: What a route asks for.
Here = Annotated[Service, Depends(_service)]
Asking = Annotated[Caller, Depends(_caller)]

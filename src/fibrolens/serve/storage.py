"""The data folder of the service, of which no part is served as it is.

::

    DATA/jobs.sqlite3                 the jobs, unless --database names another place
         name                         the folder's own name, to which the database is tied
         lock                         held by the server that is running
         incoming/                    uploads on their way in; emptied at start
         uploads/<job>/upload.zip     what was uploaded, under a name of ours
         results/<job>/<claim>/scan/  as `fibrolens stage` writes it
                               view/  the volumes of the viewer
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fibrolens.aside import write_whole
from fibrolens.errors import OutputError, UsageError
from fibrolens.serve.jobs import Job

try:
    import fcntl
except ModuleNotFoundError:  # Windows has no such locks, and leases still keep jobs from being done twice.
    fcntl = None  # type: ignore[assignment]

SCAN, VIEW = "scan", "view"


@dataclass(frozen=True)
class Storage:
    """A data folder.

    Args:
        root: the folder.
    """

    root: Path

    @classmethod
    def open(cls, root: Path) -> Storage:
        """Make what is missing of a data folder, for this user alone.

        Raises:
            OutputError: it cannot be written.
        """
        storage = cls(root.absolute())
        try:
            for part in (storage.root, storage.incoming, storage.uploads, storage.results):
                part.mkdir(mode=0o700, parents=True, exist_ok=True)
            name = storage.root / "name"
            if not name.exists():
                write_whole(name, secrets.token_hex(16))
        except OSError as error:
            raise OutputError(f"{root} cannot be written: {error.strerror}. Choose another --data.") from None
        return storage

    @property
    def incoming(self) -> Path:
        """Uploads on their way in."""
        return self.root / "incoming"

    @property
    def uploads(self) -> Path:
        """A folder per job."""
        return self.root / "uploads"

    @property
    def results(self) -> Path:
        """A folder per job, in it one per claim."""
        return self.root / "results"

    @property
    def name(self) -> str:
        """The folder's own name for itself."""
        return (self.root / "name").read_text()

    def lock(self) -> IO[bytes]:
        """Keep other servers away until what is returned is closed, or this process ends in any way.

        Raises:
            UsageError: another server has the folder.
        """
        held = (self.root / "lock").open("ab")
        try:
            if fcntl is not None:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            held.close()
            raise UsageError(f"{self.root} is served by another process; end that, or choose another --data.") from None
        return held

    def source(self, job: Job) -> Path:
        """What was uploaded; raises KeyError where nothing was kept."""
        if job.source is None:
            raise KeyError(job.id)
        return self.uploads / job.id / job.source

    def claim(self, job: str, lease: str) -> Path:
        """Where a claim writes."""
        return self.results / job / lease

    def scan(self, job: Job) -> Path:
        """The result of a job that is done; raises KeyError of any other."""
        return self._result(job) / SCAN

    def view(self, job: Job) -> Path:
        """The viewer's volumes of a job that is done; raises KeyError of any other."""
        return self._result(job) / VIEW

    def keep(self, incoming: Path, job: str, name: str) -> None:
        """Move what came in to its place; when this returns it is on the disk."""
        folder = self.uploads / job
        folder.mkdir(mode=0o700)
        for path in [incoming] if incoming.is_file() else [p for p in incoming.rglob("*") if p.is_file()]:
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
        incoming.rename(folder / name)

    def forget(self, job: str) -> None:
        """Remove everything of a job."""
        for place in (self.uploads, self.results):
            shutil.rmtree(place / job, ignore_errors=True)

    def keep_only(self, job: str, lease: str) -> None:
        """Remove what claims that came to nothing have left of a job."""
        folder = self.results / job
        # It is gone where the job was deleted in this moment.
        for entry in folder.iterdir() if folder.is_dir() else ():
            if entry.name != lease:
                shutil.rmtree(entry, ignore_errors=True)

    def sweep(self, jobs: Collection[Job]) -> None:
        """Remove what belongs to no job; only while no server and no worker is at work."""
        shutil.rmtree(self.incoming, ignore_errors=True)
        self.incoming.mkdir(mode=0o700)
        known = {job.id: job for job in jobs}
        for place in (self.uploads, self.results):
            for entry in place.iterdir():
                if entry.name not in known:
                    shutil.rmtree(entry, ignore_errors=True)
        for entry in self.results.iterdir():
            self.keep_only(entry.name, known[entry.name].result or "")

    def _result(self, job: Job) -> Path:
        if job.result is None:
            raise KeyError(job.id)
        return self.claim(job.id, job.result)

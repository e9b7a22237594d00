"""Studies as they arrive: one file per instance on the disk, one job per study when nothing more comes.

::

    DATA/pacs/arriving/                         on their way in; emptied at start
              received/<study>/<instance>.dcm   arrived, and not yet part of a job
                               job              id of the study's last job

Names are hashes of UIDs. The folder is all there is to know, so a study survives the end of the server. What comes
after its job was made leads to another job, with the instances of both; what was there already, to none.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from pydicom import dcmread

from fibrolens.pacs.peers import Limits
from fibrolens.serve.jobs import Job, Jobs
from fibrolens.serve.logs import say
from fibrolens.serve.storage import Storage
from fibrolens.serve.uploads import Intake

ARRIVING, RECEIVED = Path("pacs", "arriving"), Path("pacs", "received")
JOB, ENDING, PARTIAL = "job", ".dcm", ".partial"
SHORT = 8
UIDS = ("StudyInstanceUID", "SOPInstanceUID")


class FullError(Exception):
    """There is no room for another instance."""


class MismatchError(Exception):
    """What came is not the instance that was announced."""


@dataclass
class Inbox:
    """Where instances are kept until their study is complete.

    Args:
        storage: the data folder.
        intake: makes jobs.
        jobs: the queue.
        limits: how much is taken.
        quiet_s: seconds without a new instance after which a study is complete.
    """

    storage: Storage
    intake: Intake
    jobs: Jobs
    limits: Limits
    quiet_s: float
    _last: dict[str, float] = field(default_factory=dict)
    _sizes: dict[str, dict[str, int]] = field(default_factory=dict)
    _held: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _submitting: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        arriving = self.storage.root / ARRIVING
        shutil.rmtree(arriving, ignore_errors=True)
        for folder in (arriving, self.folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for study in self._studies():
            # When they came cannot be told; the sender may go on.
            self._last[study] = time.monotonic()

    @property
    def folder(self) -> Path:
        """Of all studies."""
        return self.storage.root / RECEIVED

    def take(self, write: Callable[[IO[bytes]], None], size: int, instance_uid: str) -> None:
        """Keep an instance; when this returns it is on the disk.

        Args:
            write: writes it as a DICOM file (PS3.10) into what it is given.
            size: bytes, about.
            instance_uid: which it should be.

        Raises:
            FullError: the study has become too large, or the disk too full.
            MismatchError: it is another instance.
            OSError: it cannot be written.
            pydicom's errors, see `fibrolens.io.dicom.files.DAMAGED`: it cannot be understood.
        """
        if shutil.disk_usage(self.folder).free - size < self.limits.free_bytes:
            raise FullError
        partial = self.storage.root / ARRIVING / secrets.token_hex(16)
        try:
            with partial.open("xb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            self._place(partial, _study_of(partial, instance_uid), hashed(instance_uid))
        finally:
            partial.unlink(missing_ok=True)

    @contextmanager
    def holding(self, study_uid: str) -> Iterator[None]:
        """Make no job of a study while it is fetched, and at once where that went well."""
        study = hashed(study_uid)
        with self._lock:
            self._held.add(study)
        try:
            yield
            self.submit(study)
        finally:
            with self._lock:
                self._held.discard(study)

    def submit_quiet(self) -> None:
        """Make jobs of the studies for which nothing came for a while."""
        for study in self._studies():
            with self._lock:
                quiet = time.monotonic() - self._last.setdefault(study, time.monotonic()) >= self.quiet_s
                ready = quiet and study not in self._held
            if ready:
                self.submit(study)

    def submit(self, study: str) -> None:
        """Make a job of what there is of a study, with what its last job has.

        Raises:
            OSError: the disk is full; what arrived stays, and is tried again after another quiet time.
        """
        # What arrives meanwhile does not wait: it is not among `arrived`, and stays.
        with self._submitting:
            self._touch(study)
            arrived = self._arrived(study)
            if not arrived:
                return
            whole = self.storage.incoming / secrets.token_hex(16)
            try:
                _link({path.name: path for path in [*arrived, *self._known(study)]}, whole)
                job, new = self.intake.folder(whole, f"CT study {study[:SHORT]}")
            finally:
                shutil.rmtree(whole, ignore_errors=True)
            _write(self.folder / study / JOB, job.id)
            for path in arrived:
                path.unlink()
            with self._lock:
                self._sizes.pop(study, None)
        say("study complete", job=job.id, study=study[:SHORT], instances=len(arrived), new=new)

    def job(self, study_uid: str) -> Job | None:
        """The last job of a study; None where there was none, or it was deleted."""
        return self._job(hashed(study_uid))

    def count(self, study_uid: str) -> int:
        """How many instances of a study there are, in its last job and since."""
        study = hashed(study_uid)
        return len({path.name for path in [*self._arrived(study), *self._known(study)]})

    def tidy(self) -> None:
        """Forget studies whose job was deleted and of which nothing new came; only while nothing arrives."""
        for study in self._studies():
            if not self._arrived(study) and self._job(study) is None:
                shutil.rmtree(self.folder / study, ignore_errors=True)
                self._last.pop(study, None)

    def _touch(self, study: str) -> None:
        with self._lock:
            self._last[study] = time.monotonic()

    def _place(self, partial: Path, study: str, name: str) -> None:
        with self._lock:
            self._last[study] = time.monotonic()
            target = self.folder / study / f"{name}{ENDING}"
            # An instance never changes (PS3.3 C.12.1): what came first stays, so that what comes twice is the same job.
            if target.exists():
                return
            if study not in self._sizes:
                known = [*self._arrived(study), *self._known(study)]
                self._sizes[study] = {path.stem: path.stat().st_size for path in known}
            sizes = self._sizes[study]
            # What comes a second time takes no more room in the job.
            sizes.setdefault(name, partial.stat().st_size)
            if sum(sizes.values()) > self.limits.study_bytes:
                del sizes[name]
                raise FullError
            target.parent.mkdir(mode=0o700, exist_ok=True)
            partial.rename(target)

    def _studies(self) -> list[str]:
        return sorted(entry.name for entry in self.folder.iterdir() if entry.is_dir())

    def _arrived(self, study: str) -> list[Path]:
        return sorted((self.folder / study).glob(f"*{ENDING}"))

    def _known(self, study: str) -> list[Path]:
        """The instances that the study's last job has."""
        job = self._job(study)
        if job is None or job.source is None:
            return []
        return sorted(self.storage.source(job).glob(f"*{ENDING}"))

    def _job(self, study: str) -> Job | None:
        with suppress(FileNotFoundError, KeyError):
            return self.jobs.get((self.folder / study / JOB).read_text(encoding="ascii"))
        return None


def hashed(uid: str) -> str:
    """A name for a file or folder that is the hash of a UID."""
    return hashlib.sha256(uid.encode()).hexdigest()[:32]


def _study_of(path: Path, instance_uid: str) -> str:
    """The study of an instance in a file, as a name."""
    header = dcmread(path, stop_before_pixels=True, specific_tags=list(UIDS))
    # As it stands in the file: pydicom would warn of odd values, and quote them.
    raw = [header.get_item(keyword) for keyword in UIDS]
    study, instance = ("" if one is None else _text(one.value) for one in raw)
    if not study or instance != instance_uid:
        raise MismatchError
    return hashed(study)


def _text(value: Any) -> str:
    told = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
    return told.strip(" \0")


def _link(files: dict[str, Path], folder: Path) -> None:
    """The same files in a new folder, without a second copy where the file system allows that."""
    folder.mkdir(mode=0o700)
    for name, path in files.items():
        try:
            os.link(path, folder / name)
        except OSError:
            shutil.copy2(path, folder / name)


def _write(path: Path, text: str) -> None:
    aside = path.with_name(f"{path.name}{PARTIAL}")
    with aside.open("w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)

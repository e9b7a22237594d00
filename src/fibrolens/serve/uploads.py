"""How a CT comes in: bytes to the disk while they arrive, then a job; the same bytes and options are one job."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import anyio

from fibrolens.errors import InputError
from fibrolens.output import file_sha256
from fibrolens.serve.jobs import Job, Jobs, Origin, Submission, new_id
from fibrolens.serve.sniff import ending
from fibrolens.serve.storage import Storage

#: Seconds that a connection may be silent in the middle of an upload.
SILENCE_S = 60
LONGEST_NAME = 100
#: Name of a folder of DICOM files that is a job's source.
FOLDER = "study"
#: Owner of what came by the DICOM network: an administrator sees it, and a user of this name.
DICOM_USER = "dicom"


class TooLargeError(Exception):
    """An upload beyond the limit."""


class EmptyError(Exception):
    """An upload without content."""


@dataclass(frozen=True)
class Received:
    """Bytes that have arrived.

    Args:
        path: where they are.
        sha256: of them, as hexadecimal digits.
    """

    path: Path
    sha256: str


@dataclass(frozen=True)
class Asked:
    """Who wants what of an upload.

    Args:
        owner: name of the user.
        name: what a person shall read; made safe by `safe_name`.
        forced: whether the quality gate is overridden.
        origin: how it came.
    """

    owner: str
    name: str
    forced: bool = False
    origin: Origin = "upload"


async def receive(chunks: AsyncIterable[bytes], folder: Path, limit: int) -> Received:
    """Write a stream into a new file of a folder; on any error nothing is left of it.

    Raises:
        TooLargeError: more than `limit` bytes.
        EmptyError: none.
        TimeoutError: no byte for `SILENCE_S` seconds.
        OSError: the disk is full.
    """
    path, digest, size = folder / secrets.token_hex(16), hashlib.sha256(), 0
    try:
        async with await anyio.open_file(path, "wb") as file:
            async for chunk in _in_time(chunks):
                size += len(chunk)
                _require_size(size <= limit, TooLargeError)
                digest.update(chunk)
                await file.write(chunk)
        _require_size(size > 0, EmptyError)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return Received(path, digest.hexdigest())


async def _in_time(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The chunks; raises TimeoutError where the next one does not come."""
    stream = aiter(chunks)
    while True:
        with anyio.fail_after(SILENCE_S):
            chunk = await anext(stream, None)
        if chunk is None:
            return
        yield chunk


def _require_size(sound: bool, error: type[Exception]) -> None:
    if not sound:
        raise error


@dataclass(frozen=True)
class Intake:
    """Makes jobs of what came in.

    Args:
        storage: where it is kept.
        jobs: the queue.
        fingerprint: of weights and options, by which every job is staged.
    """

    storage: Storage
    jobs: Jobs
    fingerprint: str

    def file(self, received: Received, asked: Asked) -> tuple[Job, bool]:
        """The job of one file (it is moved away), and whether it is new.

        What is no CT at all becomes a job that is refused, and its bytes are not kept.
        """
        try:
            source, reason = f"upload{ending(received.path)}", None
        except InputError as error:
            source, reason = None, str(error)
        return self._submit(received, source, reason, asked)

    def folder(self, folder: Path, name: str, owner: str = DICOM_USER) -> tuple[Job, bool]:
        """The job of a folder of DICOM files that came by the network (it is moved away), and whether it is new.

        Args:
            folder: on the file system of the data folder, for example below `Storage.incoming`.
            name: what a person shall read; never a patient's name.
            owner: whose job it is.
        """
        hashes = sorted(file_sha256(path) for path in folder.rglob("*") if path.is_file())
        received = Received(folder, hashlib.sha256("".join(hashes).encode()).hexdigest())
        return self._submit(received, FOLDER, None, Asked(owner, name, origin="dicom"))

    def _submit(self, received: Received, source: str | None, reason: str | None, asked: Asked) -> tuple[Job, bool]:
        job = new_id()
        try:
            if source is not None:
                self.storage.keep(received.path, job, source)
            key = self._key(received.sha256, asked)
            name = safe_name(asked.name)
            found, new = self.jobs.submit(
                Submission(job, key, asked.owner, name, asked.origin, source, asked.forced, reason)
            )
        except BaseException:
            self.storage.forget(job)
            raise
        finally:
            _discard(received.path)
        if not new:
            self.storage.forget(job)
        return found, new

    def _key(self, sha256: str, asked: Asked) -> str:
        parts = [sha256, asked.forced, asked.owner, self.fingerprint]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def safe_name(name: str) -> str:
    """A file name without folders, control characters and what could be markup, of `LONGEST_NAME` letters at most."""
    base = re.split(r"[/\\]", name)[-1]
    kept = "".join(letter if letter.isprintable() and letter not in '<>&"' else "_" for letter in base).strip(" .")
    return kept[:LONGEST_NAME] or "upload"


def _discard(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)

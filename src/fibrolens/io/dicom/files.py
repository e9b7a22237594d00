"""Where DICOM instances come from: a folder, a zip, a single file. What is not DICOM is passed over."""

from __future__ import annotations

import io
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO

from pydicom import Dataset, dcmread
from pydicom.errors import BytesLengthException, InvalidDicomError

from fibrolens.errors import InputError, SeriesError
from fibrolens.io.dicom.deflated import require_bounded

#: What pydicom raises on damaged content. Its messages may quote the header, so ours do not repeat them.
DAMAGED = (
    ArithmeticError,
    AttributeError,
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    zipfile.BadZipFile,
    KeyError,
    lzma.LZMAError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)

#: Files without the 128-byte preamble begin with group 0002 or 0008, little endian.
BARE_STARTS = (b"\x02\x00", b"\x08\x00")
DIRECTORY_CLASS = "1.2.840.10008.1.3.10"

ZIP_LIMIT = 16 * 2**30
#: A zip may grow this much without being asked why; beyond, only up to the ratio that CT slices reach.
ZIP_FREE = 2**28
ZIP_RATIO = 100
#: A study has some thousand slices; a zip or folder of more files is no study, or made to exhaust who reads it.
MEMBERS = 100_000


@dataclass(frozen=True, eq=False)
class Instance:
    """One DICOM file: its name for messages, how to open it, and its header without pixels."""

    name: str
    open: Callable[[], IO[bytes]]
    header: Dataset


@contextmanager
def instances(path: Path) -> Iterator[list[Instance]]:
    """The DICOM instances under a folder, in a zip, or of a single file, readable while the context is open.

    Raises:
        InputError: a zip that is encrypted, damaged or not safe to unpack.
        SeriesError: a DICOM file whose header breaks off.
    """
    if path.is_dir():
        files = _files(path)
        yield _parsed([(p.name, partial(_open, p)) for p in files])
    elif zipfile.is_zipfile(path):
        with _opened_zip(path) as archive:
            yield _parsed(
                (PurePosixPath(m.filename).name, partial(archive.open, m)) for m in _members(archive, path.name)
            )
    else:
        yield _parsed([(path.name, partial(_open, path))])


class _Bounded(io.BufferedReader):
    """Asks for no more than the file holds: a damaged length may ask for 4 GB, for which Python would make room."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > io.DEFAULT_BUFFER_SIZE:
            size = max(0, min(size, os.fstat(self.fileno()).st_size - self.tell()))
        return super().read(size)


def _files(folder: Path) -> list[Path]:
    """The files under a folder, of which a study has only so many."""
    try:
        found = list(islice((p for p in folder.rglob("*") if p.is_file()), MEMBERS + 1))
    except OSError as error:
        raise InputError(f"{folder.name} cannot be searched: {error.strerror}. Check the path.") from None
    if len(found) > MEMBERS:
        raise InputError(f"{folder.name or folder} holds more than {MEMBERS} files; give the folder of one study.")
    return sorted(found)


def _open(path: Path) -> IO[bytes]:
    return _Bounded(io.FileIO(path))


def _parsed(sources: Iterable[tuple[str, Callable[[], IO[bytes]]]]) -> list[Instance]:
    found = (_instance(name, opener) for name, opener in sources)
    return [instance for instance in found if instance is not None]


def _instance(name: str, opener: Callable[[], IO[bytes]]) -> Instance | None:
    """The instance behind one file; None where the file is not DICOM or is a DICOMDIR."""
    try:
        with opener() as file:
            start = file.read(132)
            bare = start[:2] in BARE_STARTS
            if start[128:] != b"DICM" and not bare:
                return None
            require_bounded(file, 0 if bare else len(start), name)
            header = dcmread(file, stop_before_pixels=True, force=bare)
            kind = header.file_meta.get("MediaStorageSOPClassUID", "")
            known = "SOPClassUID" in header or "Modality" in header
    except DAMAGED as error:
        raise SeriesError(f"The DICOM file {name} is damaged; copy it again or remove it.") from error
    if kind == DIRECTORY_CLASS or (bare and not known):
        return None
    if not known:
        raise SeriesError(f"The DICOM file {name} breaks off in its header; copy it again or remove it.")
    return Instance(name, opener, header)


@contextmanager
def _opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except DAMAGED as error:
        raise InputError(f"The zip {path.name} cannot be opened ({error}); make it again.") from None
    with archive:
        yield archive


def _members(archive: zipfile.ZipFile, name: str) -> list[zipfile.ZipInfo]:
    """Files in a zip, in the order of their names, after the zip was found safe."""
    members = sorted((m for m in archive.infolist() if m.filename and not m.is_dir()), key=lambda m: m.filename)
    for member in members:
        inside = PurePosixPath(member.filename.replace("\\", "/"))
        if inside.is_absolute() or ".." in inside.parts or inside.parts[:1] == () or inside.parts[0].endswith(":"):
            raise InputError(f"The zip {name} holds a path that leaves its folder ({member.filename}); it is not read.")
        if member.flag_bits & 1:
            raise InputError(f"The zip {name} is encrypted; give it unpacked.")
    size = sum(m.file_size for m in members)
    packed = sum(m.compress_size for m in members)
    if size > ZIP_LIMIT or (size > ZIP_FREE and size > ZIP_RATIO * packed):
        raise InputError(
            f"The zip {name} would unpack to {size / 2**30:.1f} GiB, more than a CT; unpack it and give the folder."
        )
    # Members of a sound zip lie one after the other before its directory.
    if len(members) > MEMBERS or packed > archive.start_dir:
        raise InputError(f"The zip {name} claims to hold more than a file of its size can; it is not read.")
    return members

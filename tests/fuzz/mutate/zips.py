"""Damage to zips: names that leave the folder, links, locks, sizes that lie, content that is not what it was."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache

from numpy.random import Generator
from tests.fuzz.mutate.dicom import mutate_dicom
from tests.fuzz.mutate.plain import TURNING, choice, mutate, overwritten

NAMES = ("../evil", "/etc/evil", "C:\\evil", "C:evil", "..\\..\\evil", "a/../../b", "", "/", ".", "..", "a//b",
         "\x1b[2J/..", "n" * 300, "CON", "a\0b", "é/ü", "\u202e../x", "a/" * 400 + "b", "DICOMDIR")  # fmt: skip
Members = list[tuple[zipfile.ZipInfo, bytes]]
LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"


def mutate_zip(content: bytes, rng: Generator) -> bytes:
    """A zip whose members were changed, or whose records lie."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(m, archive.read(m)) for m in archive.infolist()]
    except (zipfile.BadZipFile, OSError, zlib.error, ValueError, NotImplementedError, RuntimeError):
        return mutate(content, rng)
    if members and rng.random() < 0.6:
        return _zipped(choice(MEMBER_EDITS, rng)(members, rng))
    return choice(RECORD_EDITS, rng)(content, rng)


def _zipped(members: Members) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for info, data in members:
            archive.writestr(info, data, compresslevel=1)
    return stream.getvalue()


def info(name: str, like: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """A member of that name, told as ``like`` is in the rest; ZipInfo would tidy the name."""
    made = zipfile.ZipInfo("x", like.date_time)
    made.filename, made.compress_type, made.external_attr = name, like.compress_type, like.external_attr
    return made


def _renamed(members: Members, rng: Generator) -> Members:
    at = int(rng.integers(len(members)))
    known, data = members[at]
    return [*members[:at], (info(choice(NAMES, rng), known), data), *members[at + 1 :]]


def _link(members: Members, rng: Generator) -> Members:
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    return [*members, (link, choice((b"/etc/passwd", b"../..", b"link"), rng))]


def _content(members: Members, rng: Generator) -> Members:
    at = int(rng.integers(len(members)))
    known, data = members[at]
    return [*members[:at], (info(known.filename, known), mutate_dicom(data, rng)), *members[at + 1 :]]


def _repacked(members: Members, rng: Generator) -> Members:
    kind = choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA), rng)
    made = [(info(known.filename, known), data) for known, data in members]
    for known, _ in made:
        known.compress_type = kind
    return made


def _nested(members: Members, rng: Generator) -> Members:
    return [*members, (zipfile.ZipInfo("inner.zip"), _zipped(members))]


def _many(members: Members, rng: Generator) -> Members:
    return [*members, *((zipfile.ZipInfo(f"empty{n}"), b"") for n in range(choice((10, 300), rng)))]


def _swollen(members: Members, rng: Generator) -> Members:
    """A slice that goes on for 4 MiB of zeros."""
    known, data = members[0]
    made = info("swollen", known)
    made.compress_type = zipfile.ZIP_DEFLATED
    return [*members, (made, data + _zeros())]


@cache
def _zeros() -> bytes:
    return bytes(1 << 22)


def _flags(content: bytes, rng: Generator) -> bytes:
    """Bits that say encrypted, streamed, patched or masked."""
    return _field(content, rng, {LOCAL: (6,), CENTRAL: (8,)}, "<H", (0x1, 0x8, 0x20, 0x40, 0x800, 0x2000, 0xFFFF))


def _method(content: bytes, rng: Generator) -> bytes:
    return _field(content, rng, {LOCAL: (8,), CENTRAL: (10,)}, "<H", (0, 1, 6, 8, 9, 12, 14, 93, 95, 97, 99, 65535))


def _size(content: bytes, rng: Generator) -> bytes:
    """Checksum, packed and unpacked size, and where a member begins."""
    places = {LOCAL: (14, 18, 22), CENTRAL: (16, 20, 24, 42), END: (12, 16)}
    return _field(content, rng, places, "<I", (*(n for n in TURNING if n < 2**32), 10**6, 10**9))


def _lengths(content: bytes, rng: Generator) -> bytes:
    """Of names, extra fields and comments; how many members there are, and on which disk."""
    places = {LOCAL: (26, 28), CENTRAL: (28, 30, 32, 34), END: (4, 6, 8, 10, 20)}
    return _field(content, rng, places, "<H", tuple(n for n in TURNING if n < 2**16))


def _field(
    content: bytes, rng: Generator, places: dict[bytes, tuple[int, ...]], code: str, values: tuple[int, ...]
) -> bytes:
    mark = choice(tuple(places), rng)
    starts = [at for at in _found(content, mark) if at + 46 <= len(content) or mark == END]
    if not starts:
        return mutate(content, rng)
    at = choice(starts, rng) + choice(places[mark], rng)
    return overwritten(content, at, struct.pack(code, choice(values, rng)))[: len(content)]


def _found(content: bytes, mark: bytes) -> list[int]:
    starts, at = [], content.find(mark)
    while at >= 0:
        starts.append(at)
        at = content.find(mark, at + 4)
    return starts


MEMBER_EDITS: tuple[Callable[[Members, Generator], Members], ...] = (
    _renamed, _renamed, _link, _content, _content, _content, _repacked, _nested, _many, _swollen,
)  # fmt: skip
RECORD_EDITS: tuple[Callable[[bytes, Generator], bytes], ...] = (_flags, _method, _size, _size, _lengths, mutate)

"""Deflated DICOM files (PS3.5 A.5), which a reader inflates whole before it knows anything: how far may one grow?"""

from __future__ import annotations

import zlib
from typing import Protocol, runtime_checkable

from fibrolens.errors import InputError

SYNTAX = b"1.2.840.10008.1.2.1.99"
#: Bytes of the first element, (0002,0000), whose value is the length of the file meta information behind it.
FIRST = 12
#: Longest file meta information that is looked at; real ones have some hundred bytes.
LONGEST_META = 2**16
#: A file may grow this much without being asked why; beyond, only up to the ratio that CT slices reach.
FREE, RATIO = 2**28, 100
STEP = 2**20


@runtime_checkable
class Seekable(Protocol):
    """An open file of bytes, a member of a zip among them."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a place."""


def require_bounded(file: Seekable, start: int, name: str) -> None:
    """Refuse a deflated DICOM file that was made to exhaust the memory; the file is left at its start.

    Args:
        file: a DICOM file.
        start: where its first element begins: behind the preamble, where there is one.
        name: for the message.

    Raises:
        InputError: it would grow beyond what a CT can be.
    """
    try:
        if _is_deflated(file, start) and _grows_beyond(file):
            raise InputError(f"The DICOM file {name} would inflate to more than a CT can be; it is not read.")
    finally:
        file.seek(0)


def _is_deflated(file: Seekable, start: int) -> bool:
    """Whether the file meta information names the syntax; the file is left behind it."""
    file.seek(start)
    length = int.from_bytes(file.read(FIRST)[8:], "little")
    return length <= LONGEST_META and SYNTAX in file.read(length)


def _grows_beyond(file: Seekable) -> bool:
    inflater, packed, size = zlib.decompressobj(-zlib.MAX_WBITS), 0, 0
    while chunk := file.read(STEP):
        packed += len(chunk)
        while chunk and not inflater.eof:
            size += len(inflater.decompress(chunk, STEP))
            if size > FREE and size > RATIO * packed:
                return True
            chunk = inflater.unconsumed_tail
    return False

"""Compressed images of another size than their DICOM file says, for which decoders in C write past their memory.

Only the header of the code stream is looked at: SIZ of JPEG 2000 (ISO/IEC 15444-1 A.5.1), and the frame header of JPEG
(ISO/IEC 10918-1 B.2.2) and JPEG-LS (ISO/IEC 14495-1 C.2.2).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

JPEG_2000, JPEG = b"\xff\x4f\xff\x51", b"\xff\xd8"
#: Markers of JPEG that begin a frame: SOF0 to SOF15 without DHT, JPG and DAC, which lie between them, and JPEG-LS's.
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
#: Markers without a length: TEM, RST0 to RST7 and SOI.
BARE = frozenset((0x01, *range(0xD0, 0xD9)))


class Size(NamedTuple):
    """What a code stream says that it holds."""

    rows: int
    columns: int
    components: int
    bits: int


def require_size(stream: bytes, rows: int, columns: int, bits: int) -> None:
    """Raise ValueError where a code stream holds no grey image of that size and of at most so many bits."""
    start = stream.find(JPEG_2000, 0, 4096)
    found = _jpeg_2000(stream, start + len(JPEG_2000)) if start >= 0 else _jpeg(stream)
    if found[:3] != (rows, columns, 1) or not 1 < found.bits <= bits:
        raise ValueError(f"the code stream holds {found}, the file {rows} rows and {columns} columns of one component")


def _jpeg_2000(stream: bytes, at: int) -> Size:
    """What stands in SIZ, behind whose marker `at` is; raises struct.error where it breaks off."""
    right, bottom, left, top = struct.unpack_from(">4I", stream, at + 4)
    components, depth, across, down = struct.unpack_from(">H3B", stream, at + 36)
    if (across, down) != (1, 1):
        raise ValueError("the code stream leaves out pixels")
    return Size(bottom - top, right - left, components, (depth & 0x7F) + 1)


def _jpeg(stream: bytes) -> Size:
    """What stands in the first frame header; raises ValueError or struct.error where there is none."""
    if not stream.startswith(JPEG):
        raise ValueError("neither JPEG nor JPEG 2000")
    at = len(JPEG)
    while True:
        mark, kind = struct.unpack_from(">2B", stream, at)
        if mark != 0xFF:
            raise ValueError("no marker where one must be")
        if kind == 0xFF:  # fill byte
            at += 1
        elif kind in BARE:
            at += 2
        elif kind in FRAMES:
            bits, rows, columns, components = struct.unpack_from(">B2HB", stream, at + 4)
            return Size(rows, columns, components, bits)
        else:
            at += 2 + _length(stream, at + 2)


def _length(stream: bytes, at: int) -> int:
    """Length of a segment, its own two bytes among them."""
    length: int = struct.unpack_from(">H", stream, at)[0]
    if length < 2:
        raise ValueError("a segment shorter than its length")
    return length

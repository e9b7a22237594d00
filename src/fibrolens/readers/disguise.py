"""Picture files that tell nothing by their size, their date or their bytes."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

#: A chunk that viewers skip: ancillary, private, safe to copy (PNG specification, third edition, section 5.4).
FILLING = b"rsRd"
#: Bytes of a chunk beside its content: length, type, checksum.
AROUND = 12
#: The last chunk of every PNG.
END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
#: Date of every file: the first day of 2000.
DATE = 946_684_800


def disguise(pictures: Sequence[Path], generator: np.random.Generator) -> None:
    """Give all PNG files the same number of bytes and the same date, and pictures that look alike different bytes.

    How well a picture can be compressed differs between maps, and a picture that comes twice would have the same
    checksum: each is filled up with random bytes in a chunk that nobody shows.

    Args:
        pictures: the files; they are changed.
        generator: source of the filling.
    """
    contents = [path.read_bytes() for path in pictures]
    size = max(map(len, contents), default=0) + AROUND + 16
    for path, content in zip(pictures, contents, strict=True):
        filling = FILLING + generator.bytes(size - len(content) - AROUND)
        chunk = struct.pack(">I", len(filling) - len(FILLING)) + filling + struct.pack(">I", zlib.crc32(filling))
        path.write_bytes(content.removesuffix(END) + chunk + END)
        os.utime(path, (DATE, DATE))

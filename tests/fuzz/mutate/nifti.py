"""Damage to NIfTI files: header fields that say what cannot be."""

from __future__ import annotations

import gzip
import struct
import zlib

from numpy.random import Generator
from tests.fuzz.mutate.plain import TURNING, choice, mutate, overwritten

#: Fields of the header as (offset, code, how many), of NIfTI-1 and of NIfTI-2.
FIELDS = {
    348: ((0, "i", 1), (40, "h", 8), (40, "h", 8), (68, "h", 1), (70, "h", 1), (72, "h", 1), (76, "f", 8),
          (108, "f", 1), (112, "f", 2), (123, "B", 1), (252, "h", 2), (252, "h", 2), (256, "f", 6), (280, "f", 12),
          (344, "4s", 1), (348, "4s", 1)),
    540: ((0, "i", 1), (4, "8s", 1), (12, "h", 1), (14, "h", 1), (16, "q", 8), (104, "d", 8), (168, "q", 1),
          (176, "d", 2), (344, "i", 2), (352, "d", 6), (400, "d", 12), (540, "4s", 1)),
}  # fmt: skip
#: The codes of all types that the format knows, and some that it does not.
TYPES = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 511, 512, 768, 1024, 1280, 1536, 1792, 2048, 2304, -1, 3)
REALS = (0.0, -0.0, -1.0, 1.0, 1e-45, 1e-20, 3e38, -3e38, float("inf"), float("-inf"), float("nan"), 352.0, 1e10, 0.5)
WORDS = (b"n+1\0", b"ni1\0", b"n+2\0", b"\0\0\0\0", b"\1\0\0\0", b"\xff" * 8)


def mutate_nifti(content: bytes, rng: Generator) -> bytes:
    """One to three header fields; of a compressed file inside, or else to the compressed bytes."""
    if content[:2] != b"\x1f\x8b":
        return _fields(content, rng)
    if rng.random() < 0.2:
        return mutate(content, rng)
    try:
        plain = gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return mutate(content, rng)
    return gzip.compress(_fields(plain, rng), 1, mtime=0)


def _fields(content: bytes, rng: Generator) -> bytes:
    size = int.from_bytes(content[:4], "little")
    fields = FIELDS.get(size)
    if fields is None:
        return mutate(content, rng)
    for _ in range(int(rng.integers(1, 4))):
        offset, code, count = choice(fields, rng)
        width = struct.calcsize(f"<{code}")
        at = offset + width * int(rng.integers(count))
        content = overwritten(content, at, _packed(code, at == 70, rng))
    return content


def _packed(code: str, is_type: bool, rng: Generator) -> bytes:
    if code.endswith("s"):
        return struct.pack(f"<{code}", choice(WORDS, rng))
    if code in "fd":
        return struct.pack(f"<{code}", choice(REALS, rng))
    limit = 1 << 8 * struct.calcsize(f"<{code}")
    number = choice(TYPES, rng) if is_type else choice((*TURNING, -1, -2, 4, 5), rng)
    return (number % limit).to_bytes(struct.calcsize(f"<{code}"), "little")

"""Damage that any file can take: bits, bytes, whole numbers, and pieces that are gone, twice or elsewhere."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import TypeVar

from numpy.random import Generator

Mutator = Callable[[bytes, Generator], bytes]
T = TypeVar("T")

#: Whole numbers at which programs go wrong: limits of the types that hold a length, and their neighbours.
TURNING = (0, 1, 2, 3, 7, 8, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1)
#: Copies of pieces must not make an input grow without end.
LARGEST = 1 << 18


def mutate(content: bytes, rng: Generator) -> bytes:
    """One to four edits."""
    for _ in range(int(rng.integers(1, 5))):
        content = choice(EDITS, rng)(content, rng)
    return content[:LARGEST]


def mixed(structured: Mutator) -> Mutator:
    """Mostly what `structured` does, sometimes plain damage alone, sometimes both."""

    def mutator(content: bytes, rng: Generator) -> bytes:
        kind = rng.random()
        if kind < 0.85:
            content = structured(content, rng)
        return mutate(content, rng) if kind > 0.75 else content

    return mutator


def choice(options: Sequence[T], rng: Generator) -> T:
    """One of them."""
    return options[int(rng.integers(len(options)))]


def place(content: bytes, rng: Generator) -> int:
    """Where in the content; the beginning, where headers stand, is met more often."""
    size = len(content) if rng.random() < 0.5 else min(len(content), 400)
    return int(rng.integers(size)) if size else 0


def overwritten(content: bytes, at: int, piece: bytes) -> bytes:
    """The content with `piece` in the place of as many bytes."""
    return content[:at] + piece + content[at + len(piece) :]


def _flip(content: bytes, rng: Generator) -> bytes:
    if not content:
        return content
    at = place(content, rng)
    return overwritten(content, at, bytes([content[at] ^ 1 << int(rng.integers(8))]))


def _byte(content: bytes, rng: Generator) -> bytes:
    return overwritten(content, place(content, rng), bytes([int(rng.integers(256))]))


def _number(content: bytes, rng: Generator) -> bytes:
    code, size = choice((("B", 8), ("H", 16), ("I", 32), ("Q", 64)), rng)
    number = choice(TURNING, rng) & (1 << size) - 1
    return overwritten(content, place(content, rng), struct.pack(choice("<>", rng) + code, number))


def _cut(content: bytes, rng: Generator) -> bytes:
    return content[: place(content, rng)]


def _remove(content: bytes, rng: Generator) -> bytes:
    at = place(content, rng)
    return content[:at] + content[at + int(rng.integers(1, 64)) :]


def _repeat(content: bytes, rng: Generator) -> bytes:
    at, there = place(content, rng), place(content, rng)
    piece = content[at : at + int(rng.integers(1, 64))]
    return content[:there] + piece * int(rng.integers(1, 4)) + content[there:]


def _zeros(content: bytes, rng: Generator) -> bytes:
    return overwritten(content, place(content, rng), bytes(int(rng.integers(1, 64))))


EDITS: tuple[Mutator, ...] = (_flip, _flip, _byte, _byte, _number, _number, _cut, _remove, _repeat, _zeros)

"""Damage to DICOM files: values that no scanner writes, other representations, lengths that lie, nests of sequences."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from numpy.random import Generator
from tests.fuzz.mutate.plain import TURNING, choice, mutate, overwritten

#: Representations whose length has four bytes (PS3.5 7.1.2).
LONG = (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
SHORT = (b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS",
         b"ST", b"TM", b"UI", b"UL", b"US")  # fmt: skip
UNDEFINED = 0xFFFFFFFF
PIXELS = b"\xe0\x7f\x10\x00"
DEFLATED = b"1.2.840.10008.1.2.1.99"
SYNTAXES = (b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.1", b"1.2.840.10008.1.2.2", DEFLATED, b"1.2.840.10008.1.2.5",
            b"1.2.840.10008.1.2.4.50", b"1.2.840.10008.1.2.4.51", b"1.2.840.10008.1.2.4.70", b"1.2.840.10008.1.2.4.80",
            b"1.2.840.10008.1.2.4.90", b"1.2.840.10008.1.2.4.91", b"1.2.840.10008.1.2.4.201", b"1.2.3")  # fmt: skip
NUMBERS = (b"0", b"-0", b"-1", b"1e-320", b"1e308", b"1e999", b"-1e999", b"nan", b"inf", b"9" * 16, b"1\\2", b"\\", b"",
           b" ", b"abc", b"0.5", b"1,5", b"4294967296", b"0x10", b"1_0", b"-32769", b"\x00", b"\xff")  # fmt: skip
TEXTS = (b"", b"\x1b[31m", b"\x1b$)C\xb1\xe8", b"\x00" * 8, b"\\" * 9, b"^" * 9, b"=" * 5, b"A" * 1025, b"\xff\xfe\xfd",
         b"CT", b"MR", b"FRACTIONAL", b"LABELMAP", b"MONOCHROME1", b"RGB", b"ISO_IR 192", b"ISO 2022 IR 87", b"NONE",
         b"1.2.840.10008.5.1.4.1.1.2", b"1.2.840.10008.5.1.4.1.1.66.4", b"../../x", b"235960", b"99999999")  # fmt: skip


@dataclass(frozen=True)
class Element:
    """Where an element of a file begins, where its value does, how long that is, and its representation."""

    start: int
    value: int
    length: int
    kind: bytes

    @property
    def end(self) -> int:
        """Where the next one begins."""
        return self.value + self.length


class Place(NamedTuple):
    """An element to be changed, among all of its file."""

    element: Element
    all: list[Element]


def mutate_dicom(content: bytes, rng: Generator) -> bytes:
    """One or two edits of elements, inside what is deflated; a file whose elements name no kind takes plain damage."""
    if DEFLATED in content[:400]:
        return _inside_deflated(content, rng)
    for _ in range(int(rng.integers(1, 3))):
        if not (found := elements(content)):
            return mutate(content, rng)
        content = choice(EDITS, rng)(content, Place(choice(found, rng), found), rng)
    return content


def elements(content: bytes) -> list[Element]:
    """The elements of a file of explicit little endian, also those inside sequences, as far as they can be told."""
    found: list[Element] = []
    at = 132 if content[128:132] == b"DICM" else 0
    while at + 8 <= len(content):
        if content[at : at + 2] == b"\xfe\xff":  # items and their ends hold elements, or nothing
            at += 8
            continue
        kind = content[at + 4 : at + 6]
        if kind in LONG and at + 12 <= len(content):
            value, length = at + 12, int.from_bytes(content[at + 8 : at + 12], "little")
        elif kind in SHORT:
            value, length = at + 8, int.from_bytes(content[at + 6 : at + 8], "little")
        else:
            break
        inside = kind == b"SQ" or (length == UNDEFINED and content[at : at + 4] != PIXELS)
        found.append(Element(at, value, 0 if inside else min(length, len(content) - value), kind))
        at = found[-1].end
    return found


def _inside_deflated(content: bytes, rng: Generator) -> bytes:
    start = 144 + int.from_bytes(content[140:144], "little")
    try:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        plain = inflater.decompress(content[start:], 1 << 20)
    except zlib.error:
        return mutate(content, rng)
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    return content[:start] + packer.compress(mutate_dicom(plain, rng)) + packer.flush()


def _revalued(content: bytes, element: Element, value: bytes) -> bytes:
    """The element with another value, its length told as it is."""
    value += b" " * (len(value) % 2)
    size, code = (4, "<I") if element.kind in LONG else (2, "<H")
    length = struct.pack(code, len(value) & (1 << 8 * size) - 1)
    return content[: element.value - size] + length + value + content[element.end :]


def _value(content: bytes, at: Place, rng: Generator) -> bytes:
    if at.element.kind == b"SQ":
        return _length(content, at, rng)
    if at.element.kind in (b"DS", b"IS"):
        told = content[at.element.value : at.element.end].split(b"\\")
        told[int(rng.integers(len(told)))] = choice(NUMBERS, rng)
        value = b"\\".join(told)
    elif at.element.kind in (b"US", b"SS", b"UL", b"SL", b"AT"):
        value = struct.pack("<Q", choice(TURNING, rng))[: choice((2, 4, at.element.length), rng)]
    elif at.element.kind in (b"OB", b"OW", b"UN"):
        value = mutate(content[at.element.value : at.element.end], rng)
    elif at.element.kind == b"UI":
        value = choice(SYNTAXES + TEXTS, rng)
    else:
        value = choice(TEXTS + NUMBERS, rng)
    return _revalued(content, at.element, value)


def _same_length(content: bytes, at: Place, rng: Generator) -> bytes:
    """Another value of the same length, so that what lies around it stays sound."""
    if not at.element.length:
        return content
    value = choice(NUMBERS + TEXTS, rng)[: at.element.length].ljust(
        at.element.length, choice((b" ", b"\x00", b"0"), rng)
    )
    return overwritten(content, at.element.value, value)


def _kind(content: bytes, at: Place, rng: Generator) -> bytes:
    return overwritten(content, at.element.start + 4, choice(LONG + SHORT, rng))


def _length(content: bytes, at: Place, rng: Generator) -> bytes:
    size = 4 if at.element.kind in LONG else 2
    near = max(0, at.element.length + int(rng.integers(-4, 5)))
    number = choice((near, near, UNDEFINED, *TURNING), rng) & (1 << 8 * size) - 1
    return overwritten(content, at.element.value - size, number.to_bytes(size, "little"))


def _drop(content: bytes, at: Place, rng: Generator) -> bytes:
    return content[: at.element.start] + content[at.element.end :]


def _twice(content: bytes, at: Place, rng: Generator) -> bytes:
    other = choice(at.all, rng)
    return content[: other.start] + content[at.element.start : at.element.end] + content[other.start :]


def _other_tag(content: bytes, at: Place, rng: Generator) -> bytes:
    other = choice(at.all, rng)
    return overwritten(content, at.element.start, content[other.start : other.start + 4])


def _syntax(content: bytes, at: Place, rng: Generator) -> bytes:
    """Pixels, or everything, said to be written in another way."""
    known = [one for one in at.all if content[one.start : one.start + 4] == b"\x02\x00\x10\x00"]
    return _revalued(content, known[0], choice(SYNTAXES, rng).rstrip() + b"\x00") if known else content


def _nest(content: bytes, at: Place, rng: Generator) -> bytes:
    """Sequences in sequences, as deep as nobody reads."""
    depth = choice((2, 50, 1200, 6000), rng)
    opened = (
        content[at.element.start : at.element.start + 4]
        + b"SQ\x00\x00\xff\xff\xff\xff"
        + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    )
    return content[: at.element.start] + opened * depth + content[at.element.start :]


EDITS: tuple[Callable[[bytes, Place, Generator], bytes], ...] = (
    _value, _value, _value, _value, _same_length, _same_length, _kind, _length, _drop, _twice, _other_tag, _syntax,
    _nest,
)  # fmt: skip

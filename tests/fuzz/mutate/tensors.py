"""Damage to safetensors: what the header says of types, shapes and places, its length, and the values."""

from __future__ import annotations

import json

from numpy.random import Generator
from tests.fuzz.mutate.plain import TURNING, choice, mutate
from tests.fuzz.mutate.trees import mutate_tree, text_of

TYPES = ("F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "U16", "U32", "U64", "BOOL", "C64", "F8_E4M3",
         "F8_E5M2", "F8_E8M0", "F4", "F6_E2M3", "F128", "", "f32")  # fmt: skip


def mutate_tensors(content: bytes, rng: Generator) -> bytes:
    """A change of the header or of the values, the header's length mostly told as it is."""
    length = int.from_bytes(content[:8], "little")
    header, values = content[8 : 8 + length], content[8 + length :]
    try:
        tree = json.loads(header)
    except (ValueError, RecursionError):
        return mutate(content, rng)
    kind = rng.random()
    if kind < 0.35:
        tree = _retyped(tree, rng)
    elif kind < 0.7:
        tree = mutate_tree(tree, rng)
    else:
        values = mutate(values, rng)
    header = text_of(tree)
    told = len(header) if rng.random() < 0.9 else choice(TURNING, rng)
    return told.to_bytes(8, "little") + header + values


def _retyped(tree: object, rng: Generator) -> object:
    """Another type; mostly with a shape that makes the bytes fit."""
    if not isinstance(tree, dict) or not tree:
        return tree
    name = choice(sorted(tree), rng)
    entry = tree[name]
    if not isinstance(entry, dict) or "shape" not in entry:
        return tree
    shape = choice(([0], [], [1], [2, 2], [2**40], [2**32, 2**32], [0, 2**62], entry["shape"]), rng)
    return {**tree, name: {**entry, "dtype": choice(TYPES, rng), "shape": choice((shape, entry["shape"]), rng)}}

"""Damage to JSON: other types, numbers that none can hold, missing and unknown keys, nests, text that is no JSON."""

from __future__ import annotations

import json
from typing import Any

from numpy.random import Generator
from tests.fuzz.mutate.plain import choice, mutate

#: What is put in the place of a value; texts that stand for themselves begin with this mark.
RAW = "\ue000"
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 3, 2**31, 2**53, 2**63, 2**64, 10**30, 1e-320, 1e308, -1e308, 0.5, -0.0, "", "F9",
    "\0", "\x1b[2J", "\ud800", "A" * 3000, "../../x", "softmax", "conv1", "segment", [], {}, [[]], [None], [1, 2, 3],
    [0, 0, 0], [-1, -1, -1], [1e9, 1e9, 1e9], [10**9, 10**9], {"": 0}, {"a": {"b": []}},
    f"{RAW}NaN", f"{RAW}Infinity", f"{RAW}-Infinity", f"{RAW}1e999", f"{RAW}{'9' * 5000}", f"{RAW}-{'9' * 400}",
    f"{RAW}{'[' * 900}{']' * 900}", f"{RAW}{'[' * 3000}", f"{RAW}{'[' * 2000}{']' * 2000}", f"{RAW}'x'", RAW,
)  # fmt: skip


def mutate_json(content: bytes, rng: Generator) -> bytes:
    """One to three changes of a JSON text's tree, or plain damage where it is none."""
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):
        return mutate(content, rng)
    for _ in range(int(rng.integers(1, 4))):
        tree = mutate_tree(tree, rng)
    return _dressed(text_of(tree), rng)


def mutate_tree(tree: Any, rng: Generator) -> Any:
    """One change somewhere in parsed JSON; the tree that came is left as it was."""
    if isinstance(tree, dict) and tree and rng.random() < 0.9:
        return _mutate_object(tree, rng)
    if isinstance(tree, list) and tree and rng.random() < 0.7:
        return _mutate_list(tree, rng)
    return choice(VALUES, rng)


def _mutate_object(tree: dict[str, Any], rng: Generator) -> dict[str, Any]:
    key, kind = choice(sorted(tree), rng), rng.random()
    if kind < 0.06:
        return {name: value for name, value in tree.items() if name != key}
    if kind < 0.1:
        return {**tree, choice(("", "unknown", key.upper(), "\ud800", "__class__"), rng): tree[key]}
    return {**tree, key: mutate_tree(tree[key], rng)}


def _mutate_list(tree: list[Any], rng: Generator) -> list[Any]:
    at, kind = int(rng.integers(len(tree))), rng.random()
    if kind < 0.15:
        return tree[:at] + tree[at + 1 :]
    if kind < 0.3:
        return tree[:at] + [tree[at]] * int(rng.integers(2, 40)) + tree[at + 1 :]
    return [*tree[:at], mutate_tree(tree[at], rng), *tree[at + 1 :]]


def text_of(tree: Any) -> bytes:
    """JSON of a tree, values that begin with the mark as they stand behind it."""
    text = json.dumps(tree)
    marked = json.dumps(RAW)[1:-1]
    while (at := text.find(f'"{marked}')) >= 0:
        end = text.index('"', at + 1)
        text = text[:at] + text[at + 1 + len(marked) : end] + text[end + 1 :]
    return text.encode("utf-8", "surrogatepass")


def _dressed(text: bytes, rng: Generator) -> bytes:
    """Mostly as it is; else with another encoding or with more than belongs there."""
    kind = rng.random()
    if kind < 0.9:
        return text
    if kind < 0.94:
        return text.decode("utf-8", "replace").encode(choice(("utf-16", "utf-8-sig", "utf-32"), rng))
    return choice((b"", b"\xff", b"// comment\n", b"{" * 2000), rng) + text + choice((b"", b"\0", b"}", b","), rng)

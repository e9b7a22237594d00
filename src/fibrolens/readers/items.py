"""Which maps are shown, under which names and in which order: all of it drawn from one generator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from fibrolens.errors import UsageError
from fibrolens.evaluate.predicted import Predicted
from fibrolens.plan import STAGES
from fibrolens.readers.item import Item, Kind

#: Letters and digits that are not taken for each other.
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
ID_LENGTH = 6
#: A picture that comes twice comes first in this part of a reader's order, and again in as large a part at its end.
EARLY = 0.45


@dataclass(frozen=True)
class Wanted:
    """What a set shall be made of.

    Args:
        readers: names of the readers.
        stages: predicted stages whose maps are shown.
        per_stage: maps of each stage, drawn at random; None is all of them.
        controls: maps of networks with random weights, as a share of the maps.
        repeats: pictures that come twice, as a share of maps and controls.
        seed: of every draw.
        maps: which kind of map, by its name in `fibrolens.readers.shown.KINDS`.
    """

    readers: tuple[str, ...]
    stages: tuple[str, ...] = ("F0", "F4")
    per_stage: int | None = None
    controls: float = 0.2
    repeats: float = 0.1
    seed: int = 0
    maps: Literal["paper", "recommended"] = "paper"

    def __post_init__(self) -> None:
        if self.per_stage is not None and self.per_stage < 1:
            raise UsageError("--per-stage must be 1 at least.")
        for name, share in (("--controls", self.controls), ("--repeats", self.repeats)):
            if not 0 <= share <= 1:
                raise UsageError(f"{name} is a share from 0 to 1; it is {share:g}.")
        if not self.stages or not set(self.stages) <= set(STAGES) or len(set(self.stages)) < len(self.stages):
            raise UsageError(f"--stages takes one or more of {', '.join(STAGES)}, each once.")


def draw_items(cases: Sequence[Predicted], wanted: Wanted, generator: np.random.Generator) -> tuple[Item, ...]:
    """The items of a set, without their patterns, in the order of their names.

    Controls are drawn evenly from the stages and show scans of the set; repeats are drawn from maps and controls.

    Args:
        cases: out-of-fold predictions of the study.
        wanted: what the set shall be made of.
        generator: source of the draws.

    Raises:
        UsageError: no scan was predicted to have one of the stages.
    """
    chosen = {stage: _scans(cases, stage, wanted.per_stage, generator) for stage in wanted.stages}
    scans = [case for own in chosen.values() for case in own]
    names = _names(generator)
    maps = [_item(next(names), "map", case) for case in scans]
    controls = [
        _item(next(names), "control", case, int(generator.integers(2**31)))
        for case in _spread(list(chosen.values()), _count(wanted.controls, len(scans)), generator)
    ]
    first = [*maps, *controls]
    again = generator.permutation(len(first))[: _count(wanted.repeats, len(first))]
    repeats = [
        replace(first[number], item=next(names), kind="repeat", of=first[number].item) for number in again.tolist()
    ]
    return tuple(sorted([*first, *repeats], key=lambda item: item.item))


def draw_order(items: Sequence[Item], generator: np.random.Generator) -> tuple[str, ...]:
    """The names of all items in the order of one reader; of those that come twice the repeat comes long after."""
    twice = {item.of for item in items if item.of is not None}
    places = generator.random(len(items))
    late = np.array([item.kind == "repeat" for item in items])
    early = np.array([item.item in twice for item in items])
    places = np.where(early, EARLY * places, np.where(late, 1 - EARLY * places, places))
    return tuple(items[number].item for number in np.argsort(places, kind="stable").tolist())


def _scans(
    cases: Sequence[Predicted], stage: str, count: int | None, generator: np.random.Generator
) -> list[Predicted]:
    own = sorted((case for case in cases if STAGES[case.predicted] == stage), key=lambda case: case.scan_id)
    if not own:
        raise UsageError(f"No scan of the study is predicted to have {stage}; leave it out of --stages.")
    return [own[number] for number in generator.permutation(len(own))[:count].tolist()]


def _spread(groups: Sequence[Sequence[Predicted]], count: int, generator: np.random.Generator) -> list[Predicted]:
    """`count` cases, one group after the other, none twice."""
    shuffled = [[group[number] for number in generator.permutation(len(group)).tolist()] for group in groups]
    longest = max(map(len, shuffled))
    turns = [group[turn] for turn in range(longest) for group in shuffled if turn < len(group)]
    return turns[:count]


def _names(generator: np.random.Generator) -> Iterator[str]:
    """Names that tell nothing, none twice."""
    given: set[str] = set()
    while True:
        name = "".join(LETTERS[number] for number in generator.integers(len(LETTERS), size=ID_LENGTH).tolist())
        if name not in given:
            given.add(name)
            yield name


def _item(name: str, kind: Kind, case: Predicted, seed: int | None = None) -> Item:
    stage = "|".join(STAGES[number] for number in case.stages)
    predicted = STAGES[case.predicted]
    return Item(name, kind, None, case.scan_id, case.patient_id, case.fold, stage, predicted, seed)


def _count(share: float, total: int) -> int:
    """A share of a number; one at least, unless nothing is wanted."""
    return max(1, round(share * total)) if share > 0 else 0

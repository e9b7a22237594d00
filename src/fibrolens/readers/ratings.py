"""What the readers said, as numbers, beside what is known of each item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from fibrolens.evaluate.agreement import MISSING, counts_of
from fibrolens.plan import STAGES
from fibrolens.readers.choices import NAMES
from fibrolens.readers.item import Item, Kind
from fibrolens.readers.store import Store

#: Number of "no majority", behind those of the patterns.
NONE = len(NAMES)


@dataclass(frozen=True, eq=False)
class Ratings:
    """The readings of some items.

    Args:
        items: what was read.
        readers: who read.
        codes: pattern of each item by each reader, as its place in `NAMES`; `MISSING` where it was not read.
    """

    items: tuple[Item, ...]
    readers: tuple[str, ...]
    codes: Int[np.ndarray, "n readers"]

    @classmethod
    def of(cls, store: Store) -> Ratings:
        """The last readings of every item."""
        items, readers = store.items(), store.readers()
        codes = np.full((len(items), len(readers)), MISSING)
        for column, reader in enumerate(readers):
            known = store.current(reader)
            for row, item in enumerate(items):
                if item.item in known:
                    codes[row, column] = NAMES.index(known[item.item].pattern)
        return cls(items, readers, codes)

    @property
    def patient(self) -> Int[np.ndarray, " n"]:
        """Number of the patient of each item."""
        return _numbers([item.patient_id for item in self.items])

    @property
    def stage(self) -> Int[np.ndarray, " n"]:
        """Predicted stage of each item, 0 to 4."""
        return np.array([STAGES.index(item.predicted) for item in self.items], dtype=int)

    @property
    def computed(self) -> Int[np.ndarray, " n"]:
        """The computed pattern of each item."""
        return np.array([NAMES.index(str(item.pattern)) for item in self.items], dtype=int)

    @property
    def majority(self) -> Int[np.ndarray, " n"]:
        """The pattern that more than half of an item's readings name, else `NONE`; `MISSING` without a reading."""
        counts = counts_of(self.codes, len(NAMES))
        total, most = counts.sum(axis=1), counts.max(axis=1)
        found = np.where(2 * most > total, counts.argmax(axis=1), NONE)
        return np.where(total == 0, MISSING, found)

    def kind(self, *kinds: Kind) -> Ratings:
        """The items of some kinds."""
        return self.where(np.array([item.kind in kinds for item in self.items], dtype=bool))

    def predicted(self, stage: str) -> Ratings:
        """The items of a predicted stage."""
        return self.where(np.array([item.predicted == stage for item in self.items], dtype=bool))

    def where(self, mask: Bool[np.ndarray, " n"]) -> Ratings:
        """Some of the items."""
        chosen = tuple(item for item, kept in zip(self.items, mask.tolist(), strict=True) if kept)
        return Ratings(chosen, self.readers, self.codes[mask])

    def twice(self) -> tuple[Ratings, Ratings]:
        """The items that came twice: as they came first, and as they came again, in the same order."""
        again = self.kind("repeat")
        place = {item.item: row for row, item in enumerate(self.items)}
        rows = [place[str(item.of)] for item in again.items]
        first = Ratings(tuple(self.items[row] for row in rows), self.readers, self.codes[rows])
        return first, again


def _numbers(names: Sequence[str]) -> Int[np.ndarray, " n"]:
    return np.unique(np.array(names, dtype=str), return_inverse=True)[1]

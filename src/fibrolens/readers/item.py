"""One picture of a reader study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["map", "control", "repeat"]


@dataclass(frozen=True)
class Item:
    """One picture of the set, and what its readers must not know.

    Args:
        item: its name, which tells nothing.
        kind: a ``map`` of the study, a ``control`` from a network with random weights, or the ``repeat`` of either.
        of: the item that it repeats; None otherwise.
        scan_id: whose CT it shows.
        patient_id: whose scan.
        fold: the fold that kept the patient away.
        stage: true stage, or a set of stages.
        predicted: stage whose map it is.
        seed: of the random weights of a control; None otherwise.
        pattern: what `fibrolens.explain.patterns` computes of the map; None until it is known.
    """

    item: str
    kind: Kind
    of: str | None
    scan_id: str
    patient_id: str
    fold: int
    stage: str
    predicted: str
    seed: int | None = None
    pattern: str | None = None

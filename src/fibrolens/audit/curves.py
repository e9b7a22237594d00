"""Removing a scan's parts in the order of a map: deletion and insertion, and infidelity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from fibrolens.audit.ablation import without
from fibrolens.audit.cells import Cells
from fibrolens.audit.maps import Maps
from fibrolens.audit.subjects import Shown
from fibrolens.evaluate.saliency.curves import curve_area
from fibrolens.evaluate.saliency.robustness import infidelity
from fibrolens.staging.network import cell_of
from fibrolens.staging.predict import Prediction, StagingModel, predict_seen

#: Parts of a curve, and random orders beside it.
PARTS, ORDERS = 10, 5
#: Random sets of cells whose removal a map shall foretell, each of at most this share of the body.
SETS, LARGEST = 24, 0.3
NONE = float("nan")


@dataclass(frozen=True, eq=False)
class Blocks:
    """The body of a scan in blocks as large as a cell of the network's last map.

    Args:
        model: the network.
        shown: the scan.
        target: stage whose score is read.
        inside: the body on covered slices.
    """

    model: StagingModel
    shown: Shown
    target: int
    inside: Bool[np.ndarray, "d h w"]

    @property
    def cells(self) -> Cells:
        """Their size."""
        return Cells(cell_of(self.model.plan.network, "conv4"))

    @property
    def places(self) -> Int[np.ndarray, " n"]:
        """Flat places of the cells that hold any of the body."""
        return np.flatnonzero(self.cells.sums(self.inside) > 0)

    def removed(self, places: Int[np.ndarray, " k"]) -> Bool[np.ndarray, "d h w"]:
        """The voxels of some cells inside."""
        chosen = np.zeros(self.cells.sums(self.inside).shape, bool)
        chosen.ravel()[places] = True
        d, h, w = self.inside.shape
        return np.asarray(self.cells.spread(chosen, (d, h, w)) & self.inside)

    def staged(self, mask: Bool[np.ndarray, "d h w"]) -> Prediction:
        """What the network says without some voxels."""
        image = without(self.shown.grey, mask) if mask.any() else None
        return predict_seen(self.model, self.shown.seen(self.model.plan, image))

    def scores(self, order: Int[np.ndarray, " n"]) -> Float[np.ndarray, " steps"]:
        """Probability of the target after each further part of the cells was removed, from none to all."""
        ends = np.linspace(0, len(order), PARTS + 1).round().astype(int)
        return np.array([self.staged(self.removed(order[:end])).probabilities[self.target] for end in ends])


FRACTIONS = np.linspace(0.0, 1.0, PARTS + 1)


def curve_areas(blocks: Blocks, maps: Maps, generator: np.random.Generator) -> dict[str, Any]:
    """Areas of deletion and insertion by each map, and in random orders.

    Returns:
        ``maps``: of each recipe ``deletion`` and ``insertion``; ``random``: of both a list. None without a curve.
    """
    places = blocks.places
    found: dict[str, Any] = {"maps": {}, "random": {"deletion": [], "insertion": []}}
    for name, array in maps.arrays.items():
        values = blocks.cells.means(array, maps.inside).ravel()[places]
        # Equal cells go in random order.
        shuffled = generator.permutation(len(places))
        order = places[shuffled[np.argsort(-values[shuffled], kind="stable")]]
        down, up = blocks.scores(order), blocks.scores(order[::-1])[::-1]
        areas = (curve_area(FRACTIONS, down, "deletion"), curve_area(FRACTIONS, up, "insertion"))
        found["maps"][name] = dict(zip(("deletion", "insertion"), areas, strict=True))
    for _ in range(ORDERS):
        down = blocks.scores(generator.permutation(places))
        # Removing in an order is putting back in the opposite one, read from the other end.
        found["random"]["deletion"].append(curve_area(FRACTIONS, down, "deletion"))
        found["random"]["insertion"].append(curve_area(FRACTIONS, down[::-1].copy(), "insertion"))
    return found


def foretelling(blocks: Blocks, maps: Maps, generator: np.random.Generator) -> Mapping[str, float | None]:
    """Of each recipe how badly its sum over removed cells foretells the fall of the score: `Infidelity.relative`.

    A location map is no gradient but says how much of the evidence lies where, so that its inner product is taken with
    which voxels are removed rather than with the change of their grey levels.
    """
    places = blocks.places
    before = float(blocks.staged(np.zeros_like(blocks.inside)).logits[:, blocks.target].mean())
    falls, masks = [], []
    for _ in range(SETS):
        count = max(1, int(generator.uniform(0.0, LARGEST) * len(places)))
        mask = blocks.removed(generator.choice(places, count, replace=False))
        falls.append(before - float(blocks.staged(mask).logits[:, blocks.target].mean()))
        masks.append(mask)
    change = np.array(falls)
    return {
        name: infidelity(np.array([float(array[mask].sum()) for mask in masks]), change).relative
        for name, array in maps.arrays.items()
    }

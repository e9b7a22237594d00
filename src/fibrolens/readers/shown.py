"""Which of a study's kinds of map readers see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fibrolens.explain.recipe import MEAN, RECOMMENDED, Recipe, recipe
from fibrolens.study.fold import MAPS, RECOMMENDED_MAPS, SHOWN


@dataclass(frozen=True)
class ShownMap:
    """A kind of map of a study.

    Args:
        layer: as ``attention.csv`` names it.
        folder: where a fold keeps it.
        recipe: how it is made, for the controls.
    """

    layer: str
    folder: str
    recipe: Recipe


#: By the names of ``--maps``: the paper's, the mean of both layers' Grad-CAM; and the one that the audit recommends.
KINDS: Mapping[str, ShownMap] = {
    "paper": ShownMap(SHOWN, MAPS, recipe("gradcam", MEAN)),
    "recommended": ShownMap(RECOMMENDED.name, RECOMMENDED_MAPS, RECOMMENDED),
}

"""Does a map lie where the evidence is? Figures of one map against one mask, all inside the body.

Every figure comes with what a map without knowledge would get, or is worth one half or one there by its definition.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Shaped
from scipy import ndimage

Map = Shaped[np.ndarray, "d h w"]
Mask = Bool[np.ndarray, "d h w"]


class Pointing(NamedTuple):
    """Result of the pointing game.

    Args:
        hit: 1 where the map's maximum lies near enough to the mask, else 0; of equal maxima the share that does.
        chance: share of the body that lies near enough, which a random map hits on average.
    """

    hit: float
    chance: float


def pointing_game(
    array: Map, mask: Mask, body: Mask, spacing: tuple[float, float, float], tolerance_mm: float = 0.0
) -> Pointing | None:
    """Whether a map's maximum points at the mask (Zhang et al., Int J Comput Vis 2018;126:1084).

    Args:
        array: the map.
        mask: where the evidence is.
        body: where the maximum is looked for.
        spacing: between slices, rows and columns, mm.
        tolerance_mm: how far from the mask's nearest voxel the maximum may lie; a coarse map knows no better than its
            own voxel.

    Returns:
        None where the mask or the body is empty. A constant map has its maximum everywhere, so it hits as often as
        chance does.
    """
    if not (mask.any() and body.any()):
        return None
    near = ndimage.distance_transform_edt(~mask, sampling=spacing)[body] <= tolerance_mm
    values = array[body]
    return Pointing(float(near[values == values.max()].mean()), float(near.mean()))


def relevance_mass(array: Map, mask: Mask, body: Mask) -> float | None:
    """Share of the map's positive values in the body that lies in the mask, 0 to 1.

    Relevance mass accuracy, Arras et al., Inf Fusion 2022;81:14, equation 2. A map without knowledge gets the mask's
    share of the body.

    Returns:
        None where the mask has no voxel in the body, or the map nothing positive.
    """
    positive = np.maximum(array[body].astype(np.float64), 0.0)
    inside = mask[body]
    total = float(positive.sum())
    return float(positive[inside].sum()) / total if inside.any() and total > 0 else None


def relevance_rank(array: Map, mask: Mask, body: Mask) -> float | None:
    """Share of the map's K highest voxels that lies in the mask of K voxels, 0 to 1.

    Relevance rank accuracy, Arras et al., Inf Fusion 2022;81:14, equation 3. A map without knowledge gets the mask's
    share of the body. Of voxels that tie for the last places, the share is taken that a draw among them gives on
    average, so a constant map gets what a random one does.

    Returns:
        None where the mask has no voxel in the body.
    """
    values, inside = array[body], mask[body]
    count = int(inside.sum())
    if not count:
        return None
    last = np.partition(values, len(values) - count)[len(values) - count]
    above, tied = values > last, values == last
    places = count - int(above.sum())
    return (int(inside[above].sum()) + places * float(inside[tied].mean())) / count

"""The patient's body on a CT, without the table, or on an MR."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Shaped
from scipy import ndimage

from fibrolens.plan import Intensity
from fibrolens.volume import Volume

#: Anything denser than this is not air or lung (Hounsfield units).
BODY_HU = -300.0
#: What is thinner than this in the axial plane (table top, sheets, tubing) is not the body.
THIN_MM = 9.0

#: Of an MR: what a threshold splits off is tissue while it is so many times as bright as the rest; no threshold lies
#: below this share of the bright end, where there is noise alone.
APART, NOISE_SHARE = 3.0, 0.025

#: Neighbours within the axial slice only.
IN_SLICE = np.array([[[0] * 3] * 3, [[0, 1, 0], [1, 1, 1], [0, 1, 0]], [[0] * 3] * 3], dtype=bool)


def body_mask(volume: Volume, minimum: float = BODY_HU, table: bool = True) -> Bool[np.ndarray, "d h w"]:
    """The body: the largest connected part above `minimum`, filled in each axial slice, table removed.

    Args:
        volume: a CT in Hounsfield units on any grid.
        minimum: threshold in Hounsfield units.
        table: there may be one, and what is thin is taken away.

    Returns:
        A mask on the volume's own grid; empty where nothing exceeds `minimum`.
    """
    # The axis nearest to the patient's long axis is the one that axial slices are stacked along.
    axis = int(np.abs(np.asarray(volume.geometry.direction)[:, 2]).argmax())
    rows, columns = (s for a, s in enumerate(volume.geometry.spacing) if a != axis)
    solid = np.moveaxis(volume.array, axis, 0) > minimum
    if table:
        solid = _without_thin(solid, (rows, columns))
    return np.ascontiguousarray(np.moveaxis(_filled(_largest(solid)), 0, axis))


def body_in(volume: Volume, intensity: Intensity) -> Bool[np.ndarray, "d h w"]:
    """The body on a CT; or on an MR, whose threshold is its own and which shows no table."""
    return body_mask(volume) if intensity == "hu" else body_mask(volume, foreground_level(volume.array), table=False)


def foreground_level(array: Shaped[np.ndarray, "d h w"]) -> float:
    """The value of an MR above which there is tissue.

    Otsu's threshold (IEEE Trans Syst Man Cybern 1979;9:62-66) parts bright tissue from dark tissue and air; it is taken
    again below itself as long as what it parts is tissue and not noise. So fat that is suppressed stays in the body.
    """
    values = np.maximum(np.asarray(array, np.float32).ravel(), 0.0)
    bright = float(np.percentile(values, 99.0))
    level, below = _otsu(values), values
    while True:
        below = below[below <= level]
        lower = _otsu(below)
        dark, rest = below[below <= lower], below[below > lower]
        if lower < NOISE_SHARE * bright or not rest.size or rest.mean() < APART * dark.mean():
            return level
        level = lower


def _otsu(values: Float[np.ndarray, " n"]) -> float:
    """The threshold that leaves the least variance on both its sides; the largest value where there is one only."""
    if not values.size or values.min() == values.max():
        return float(values.max(initial=0.0))
    counts, edges = np.histogram(values, 256)
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1].astype(float)
    above = values.size - below
    sums = np.cumsum(counts * middles)
    # The variance between the two sides, but for a constant factor.
    difference = sums[:-1] / np.maximum(below, 1) - (sums[-1] - sums[:-1]) / np.maximum(above, 1)
    between = below * above * difference**2
    # Where no value lies between two peaks, every threshold between them is as good: the middle one.
    return float(edges[1:-1][between >= between.max() * (1 - 1e-9)].mean())


def _without_thin(mask: Bool[np.ndarray, "d h w"], spacing: tuple[float, float]) -> Bool[np.ndarray, "d h w"]:
    """Opening by a square of `THIN_MM` in the axial plane."""
    size = (1, *(2 * max(1, round(THIN_MM / 2 / s)) + 1 for s in spacing))
    eroded = ndimage.minimum_filter(mask.astype(np.uint8), size, mode="nearest")
    opened: Bool[np.ndarray, "d h w"] = ndimage.maximum_filter(eroded, size, mode="nearest").astype(bool)
    return opened


def _largest(mask: Bool[np.ndarray, "d h w"]) -> Bool[np.ndarray, "d h w"]:
    labels, count = ndimage.label(mask)
    if count == 0:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray(labels == sizes.argmax())


def _filled(mask: Bool[np.ndarray, "d h w"]) -> Bool[np.ndarray, "d h w"]:
    """All but what is connected to the image border within its axial slice."""
    labels, count = ndimage.label(~mask, structure=IN_SLICE)
    outside = np.zeros(count + 1, dtype=bool)
    for border in (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]):
        outside[border] = True
    outside[0] = False
    return np.asarray(~outside[labels])

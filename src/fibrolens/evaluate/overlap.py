"""How well a mask agrees with the truth."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool
from scipy import ndimage

from fibrolens.volume import Triple

Mask = Bool[np.ndarray, "d h w"]


def dice(found: Mask, truth: Mask) -> float | None:
    """Twice the overlap over the sum of both; None where both are empty."""
    voxels = np.count_nonzero(found) + np.count_nonzero(truth)
    return 2 * np.count_nonzero(found & truth) / voxels if voxels else None


def hd95_mm(found: Mask, truth: Mask, spacing_mm: Triple) -> float | None:
    """95th percentile of the distances between both surfaces, the larger of both directions, in millimetres.

    None where either mask is empty.

    Args:
        found: a mask.
        truth: the other one, on the same grid.
        spacing_mm: of that grid.
    """
    if not (found.any() and truth.any()):
        return None
    either = found | truth
    box = tuple(
        slice(max(0, int(there[0]) - 1), int(there[-1]) + 2)
        for there in (np.flatnonzero(either.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3))
    )
    one, other = _surface(found[box]), _surface(truth[box])
    there = ndimage.distance_transform_edt(~other, sampling=spacing_mm)[one]
    back = ndimage.distance_transform_edt(~one, sampling=spacing_mm)[other]
    return float(max(np.percentile(there, 95), np.percentile(back, 95)))


def _surface(mask: Mask) -> Mask:
    """Voxels of the mask that touch its outside; beyond the array is outside."""
    return np.asarray(mask & ~ndimage.binary_erosion(mask))

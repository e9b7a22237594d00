"""Looking at as much of an organ as a figure needs: its box, and not every pixel of a fine grid."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Shaped

from fibrolens.volume import Triple

Box = tuple[slice, slice, slice]


def box_of(mask: Bool[np.ndarray, "d h w"], margin: int = 0) -> Box | None:
    """The part of the grid that holds all of `mask`, `margin` voxels wider; None where it is empty."""
    present = [np.flatnonzero(mask.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    if not present[0].size:
        return None
    a, b, c = (slice(max(0, int(p[0]) - margin), int(p[-1]) + 1 + margin) for p in present)
    return a, b, c


def cropped(mask: Bool[np.ndarray, "d h w"]) -> Bool[np.ndarray, "a b c"]:
    """`mask` without the empty margins of its grid; an empty mask keeps one voxel."""
    return mask[box_of(mask) or (slice(0, 1),) * 3]


def steps(spacing: Triple, pixel_mm: float) -> tuple[int, int]:
    """Every how many rows and columns to look at, so that what is looked at is no more than `pixel_mm` apart."""
    return max(1, int(pixel_mm / spacing[1])), max(1, int(pixel_mm / spacing[2]))


def thinned(
    array: Shaped[np.ndarray, "d h w"], spacing: Triple, pixel_mm: float
) -> tuple[Shaped[np.ndarray, "d a b"], Triple]:
    """Every n-th row and column of `array`, no more than `pixel_mm` apart, and the spacing that is left."""
    rows, columns = steps(spacing, pixel_mm)
    thin: Any = array[:, ::rows, ::columns]
    return thin, (spacing[0], spacing[1] * rows, spacing[2] * columns)

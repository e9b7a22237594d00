"""Looking at as much of an organ as a figure needs: its box, and not every pixel of a fine grid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Shaped, UInt8

from fibrolens.volume import Shape, Triple, Volume

Box = tuple[slice, slice, slice]


def box_of(mask: Bool[np.ndarray, "d h w"] | UInt8[np.ndarray, "d h w"], margin: Shape = (0, 0, 0)) -> Box | None:
    """The part of the grid that holds all of `mask` or of any label, `margin` voxels wider; None where it is empty."""
    flat = np.asarray(mask.any(axis=0))
    present = [np.flatnonzero(found) for found in (mask.any(axis=(1, 2)), flat.any(axis=1), flat.any(axis=0))]
    if not present[0].size:
        return None
    a, b, c = (
        slice(max(0, int(p[0]) - m), min(n, int(p[-1]) + 1 + m))
        for p, m, n in zip(present, margin, mask.shape, strict=True)
    )
    return a, b, c


def part(volume: Volume, box: Box) -> Volume:
    """What lies inside `box`, where it lies in the patient; its array is a view of the given one."""
    array, geometry = volume.array[box], volume.geometry
    x, y, z = (float(v) for v in geometry.to_world(np.array([float(s.start) for s in box])))
    return replace(volume, array=array, geometry=replace(geometry, shape=array.shape, origin=(x, y, z)))


def where_set(mask: Volume) -> Bool[np.ndarray, "d h w"]:
    """Where a mask is not 0; the mask's own array where it says so already, for a long CT leaves no room for copies."""
    array = mask.array
    return array if array.dtype == bool else np.asarray(array != 0)


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

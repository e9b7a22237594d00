"""Regions in which attention is measured: liver, its surface shell, its core, spleen, and the rest of the body."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from fibrolens.volume import Triple, Volume

Mask = Bool[np.ndarray, "d h w"]

#: Thickness of the shell below the liver's surface, in millimetres.
SHELL_MM = 10.0

#: Voxels on which the depth is measured are thinned to not more than this.
FINE_MM = 2.0

LIVER, SPLEEN = 1, 2


def regions(
    labels: Volume, body: Mask, shell_mm: float = SHELL_MM, depth: Float[np.ndarray, "d h w"] | None = None
) -> dict[str, Mask]:
    """Masks by name; ``liver_surface`` and ``liver_core`` divide ``liver``; an organ that is not there is left out.

    Args:
        labels: 1 liver, 2 spleen.
        body: the patient without the table, on the same grid.
        shell_mm: depth of the surface shell.
        depth: of each liver voxel below the capsule, mm, from a finer grid; None measures it here.
    """
    liver, spleen = labels.array == LIVER, labels.array == SPLEEN
    masks = {"elsewhere": body & ~liver & ~spleen}
    if liver.any():
        below = capsule_depth_mm(liver, labels.geometry.spacing) if depth is None else depth
        surface = liver & (below <= shell_mm)
        masks |= {"liver": liver, "liver_surface": surface, "liver_core": liver & ~surface}
    if spleen.any():
        masks["spleen"] = spleen
    return masks


def capsule_depth_at(labels: Volume, coarse: Volume) -> Float[np.ndarray, "d h w"]:
    """Depth below the capsule on a coarse grid, measured on the fine one; 0 outside the liver.

    Layers of a few millimetres would be torn by voxels of that size, and an edge of the scan would be a surface where
    the coarse grid reaches beyond it. The fine grid is thinned to about `FINE_MM`, which costs little and keeps both
    right.

    Args:
        labels: on the CT's grid.
        coarse: the same labels on the coarse grid.
    """
    liver = coarse.array == LIVER
    depth = np.zeros(liver.shape, np.float32)
    every = [max(1, int(FINE_MM / side)) for side in labels.geometry.spacing]
    thinned = labels.array[:: every[0], :: every[1], :: every[2]] == LIVER
    if not (liver.any() and thinned.any()):
        return depth
    a, b, c = (step * side for step, side in zip(every, labels.geometry.spacing, strict=True))
    below = capsule_depth_mm(thinned, (a, b, c))
    if np.isinf(below.max()):
        depth[liver] = np.inf
        return depth
    at = labels.geometry.to_index(coarse.geometry.to_world(np.argwhere(liver).astype(float))) / every
    depth[liver] = ndimage.map_coordinates(below, at.T, order=1, mode="nearest")
    return depth


def capsule_depth_mm(liver: Mask, spacing: Triple) -> Float[np.ndarray, "d h w"]:
    """How far each voxel of the liver lies below its capsule, in true millimetres; 0 outside.

    A cavity inside the mask (a cyst or a vessel that the mask leaves out) has no capsule.
    """
    return np.where(liver, depth_mm(liver | _cavities(liver), spacing), np.float32(0))


def depth_mm(mask: Mask, spacing: Triple) -> Float[np.ndarray, "d h w"]:
    """How far each voxel centre of `mask` lies below its surface, in true millimetres; 0 outside.

    The distance to the nearest voxel centre outside is half a voxel too long below a flat face and right on average
    below a curved one; a quarter of a voxel is taken off, which leaves a ball's core right within 2 % on grids of up
    to 5 x 1.5 x 1.5 mm. An edge of the scan is no surface: a mask that is cut there goes on in the patient, and where
    it meets no surface at all the depth is infinite.
    """
    depth = np.zeros(mask.shape, np.float32)
    if not mask.any():
        return depth
    box = _box(mask)
    inside = mask[box]
    if inside.all():
        depth[mask] = np.inf
        return depth
    distance = ndimage.distance_transform_edt(inside, spacing) - 0.25 * np.cbrt(np.prod(spacing))
    depth[box] = np.maximum(distance, 0)
    return depth


def _cavities(mask: Mask) -> Mask:
    """What `mask` encloses on all sides."""
    enclosed = np.zeros_like(mask)
    if mask.any():
        box = _box(mask)
        pieces, count = ndimage.label(~mask[box])
        faces = [np.take(pieces, end, axis) for axis in range(3) for end in (0, -1)]
        open_ones = np.unique(np.concatenate([face.ravel() for face in faces]))
        closed = np.setdiff1d(np.arange(1, count + 1), open_ones)
        enclosed[box] = np.isin(pieces, closed)
    return enclosed


def _box(mask: Mask) -> tuple[slice, ...]:
    """The part of the grid that holds `mask` and its neighbours."""
    found = ndimage.find_objects(mask.astype(np.uint8))[0]
    return tuple(slice(max(0, side.start - 1), side.stop + 1) for side in found)

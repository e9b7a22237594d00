"""Regions in which attention is measured: liver, its surface shell, its core, spleen, and the rest of the body."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from fibrolens.volume import Triple, Volume

#: Thickness of the shell below the liver's surface, in millimetres.
SHELL_MM = 10.0

LIVER, SPLEEN = 1, 2


def regions(
    labels: Volume, body: Bool[np.ndarray, "d h w"], shell_mm: float = SHELL_MM
) -> dict[str, Bool[np.ndarray, "d h w"]]:
    """Masks by name; ``liver_surface`` and ``liver_core`` divide ``liver``; an organ that is not there is left out.

    Args:
        labels: 1 liver, 2 spleen.
        body: the patient without the table, on the same grid.
        shell_mm: depth of the surface shell.
    """
    liver, spleen = labels.array == LIVER, labels.array == SPLEEN
    masks = {"elsewhere": body & ~liver & ~spleen}
    if liver.any():
        surface = liver & (depth_mm(liver, labels.geometry.spacing) <= shell_mm)
        masks |= {"liver": liver, "liver_surface": surface, "liver_core": liver & ~surface}
    if spleen.any():
        masks["spleen"] = spleen
    return masks


def depth_mm(mask: Bool[np.ndarray, "d h w"], spacing: Triple) -> Float[np.ndarray, "d h w"]:
    """How far each voxel centre of `mask` lies below its surface, in true millimetres; 0 outside.

    The distance to the nearest voxel centre outside is half a voxel too long below a flat face and right on average
    below a curved one; a quarter of a voxel is taken off, which leaves a ball's core right within 2 % on grids of up
    to 5 x 1.5 x 1.5 mm. An edge of the scan is no surface: a mask that is cut there goes on in the patient.
    """
    depth = np.zeros(mask.shape, np.float32)
    if not mask.any():
        return depth
    box = tuple(slice(max(0, s.start - 1), s.stop + 1) for s in ndimage.find_objects(mask.astype(np.uint8))[0])
    inside = mask[box]
    if inside.all():
        depth[box] = np.inf
        return depth
    distance = ndimage.distance_transform_edt(inside, spacing) - 0.25 * np.cbrt(np.prod(spacing))
    depth[box] = np.maximum(distance, 0)
    return depth

"""The patient's body on a CT, without the table."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool
from scipy import ndimage

from fibrolens.volume import Volume

#: Anything denser than this is not air or lung (Hounsfield units).
BODY_HU = -300.0
#: What is thinner than this in the axial plane (table top, sheets, tubing) is not the body.
THIN_MM = 9.0

#: Neighbours within the axial slice only.
IN_SLICE = np.array([[[0] * 3] * 3, [[0, 1, 0], [1, 1, 1], [0, 1, 0]], [[0] * 3] * 3], dtype=bool)


def body_mask(volume: Volume, minimum: float = BODY_HU) -> Bool[np.ndarray, "d h w"]:
    """The body: the largest connected part above `minimum`, filled in each axial slice, table removed.

    Args:
        volume: a CT in Hounsfield units on any grid.
        minimum: threshold in Hounsfield units.

    Returns:
        A mask on the volume's own grid; empty where nothing exceeds `minimum`.
    """
    # The axis nearest to the patient's long axis is the one that axial slices are stacked along.
    axis = int(np.abs(np.asarray(volume.geometry.direction)[:, 2]).argmax())
    rows, columns = (s for a, s in enumerate(volume.geometry.spacing) if a != axis)
    solid = _without_thin(np.moveaxis(volume.array, axis, 0) > minimum, (rows, columns))
    return np.ascontiguousarray(np.moveaxis(_filled(_largest(solid)), 0, axis))


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

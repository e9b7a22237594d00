"""Width of the portal vein, where somebody has drawn it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt

from fibrolens.markers.sampling import box_of
from fibrolens.volume import Volume

#: On wider pixels a vein of 12 to 20 mm is too few pixels across.
MAX_PIXEL_MM = 2.0
#: Less than this of the vein is no trunk.
MIN_ML = 0.5


@dataclass(frozen=True)
class VeinWidth:
    """Diameter in millimetres, or the reason why there is none."""

    diameter_mm: float | None
    reason: str | None = None


def portal_vein_width(vein: Volume) -> VeinWidth:
    """Diameter of the largest ball that fits into the portal vein, which lies in its trunk.

    Args:
        vein: not 0 inside the trunk outside the liver; splenic and mesenteric vein, being narrower, may be in it.

    Returns:
        The diameter, which on pixels of 0.8 to 1.5 mm is right within about a millimetre, or why there is none.
    """
    pixel = sorted(vein.geometry.spacing)[1]
    if pixel > MAX_PIXEL_MM:
        return VeinWidth(None, f"pixels of {pixel:.2f} mm are wider than {MAX_PIXEL_MM:g} mm")
    mask = vein.array != 0
    box = box_of(mask)
    if box is None or np.count_nonzero(mask[box]) * vein.geometry.voxel_ml < MIN_ML:
        return VeinWidth(None, f"the mask of the portal vein holds less than {MIN_ML:g} mL")
    distance = distance_transform_edt(np.pad(mask[box], 1), vein.geometry.spacing)
    # The centre of the ball lies up to half a pixel off a voxel's centre, and its surface half a pixel inside the next.
    return VeinWidth(float(2 * distance.max()) - 0.25 * pixel)

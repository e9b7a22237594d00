"""Splenic index: length x width x thickness, as one measures a spleen by hand, but in the mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from scipy.ndimage import distance_transform_edt

from fibrolens.markers.sampling import cropped, thinned, where_set
from fibrolens.transforms import Orient
from fibrolens.volume import Volume

#: In-plane millimetres that are enough to find extents.
PIXEL_MM = 1.0
#: Thickness is looked for in the slices of at least this share of the largest area.
THICK_AREA = 0.8


@dataclass(frozen=True)
class SpleenSize:
    """Extents of the spleen in millimetres.

    Args:
        length_mm: along the body.
        width_mm: the largest diameter in any axial slice.
        thickness_mm: of the widest circle that fits into the larger axial slices.
    """

    length_mm: float
    width_mm: float
    thickness_mm: float

    @property
    def index_cm3(self) -> float:
        """Product of the three, in cubic centimetres."""
        return self.length_mm * self.width_mm * self.thickness_mm / 1000.0


def spleen_size(spleen: Volume) -> SpleenSize | None:
    """Extents of a spleen, in any orientation of the grid.

    After Prassopoulos et al. (Eur Radiol 1997;7:246-248), who measure by hand. Theirs is the thickness at the hilum;
    ours is that of the widest circle that fits, which is the same for a spleen of even thickness.

    Args:
        spleen: not 0 inside the spleen.

    Returns:
        The extents; None where the mask is empty.
    """
    turned = Orient.fit(spleen.geometry).forward(spleen)
    if not turned.array.any():
        return None
    mask, spacing = thinned(cropped(where_set(turned)), turned.geometry.spacing, PIXEL_MM)
    pixel = (spacing[1], spacing[2])
    areas = mask.sum(axis=(1, 2))
    thick = np.flatnonzero(areas >= THICK_AREA * areas.max())
    return SpleenSize(
        length_mm=float(mask.shape[0] * spacing[0]),
        width_mm=max(_diameter(plane, pixel) for plane in mask),
        thickness_mm=max(_thickness(mask[k], pixel) for k in thick),
    )


def _diameter(plane: Bool[np.ndarray, "h w"], pixel: tuple[float, float]) -> float:
    """The largest distance between two corners of pixels of `plane`, in millimetres.

    Of two lines between rows it lies between the leftmost corner on one and the rightmost on the other, so neither a
    hull nor other corners are needed.
    """
    rows = np.flatnonzero(plane.any(axis=1))
    if not rows.size:
        return 0.0
    first, last = plane[rows].argmax(axis=1), plane.shape[1] - plane[rows][:, ::-1].argmax(axis=1)
    # A row's corners lie on the line before it and on the one behind.
    lines = np.concatenate([rows, rows + 1]) * pixel[0]
    left, right = np.tile(first, 2) * pixel[1], np.tile(last, 2) * pixel[1]
    square = (lines[:, None] - lines) ** 2 + (left[:, None] - right) ** 2
    return float(np.sqrt(square.max()))


def _thickness(plane: Bool[np.ndarray, "h w"], pixel: tuple[float, float]) -> float:
    """Diameter of the widest circle inside `plane`, in millimetres.

    From the middle of a strip of n pixels to the next pixel outside it is (n + 1) / 2 pixels where n is odd, and half a
    pixel less where it is even; what is taken off is right between the two.
    """
    distance = distance_transform_edt(np.pad(plane, 1), pixel)
    return float(2 * distance.max() - 0.5 * np.mean(pixel))

"""How much brighter the liver is than the spleen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.ndimage import distance_transform_edt

from fibrolens.markers.sampling import box_of, thinned, where_set
from fibrolens.transforms import Orient
from fibrolens.volume import Volume

#: Kept clear below the surface of either organ.
EROSION_MM = 5.0
#: Millimetres in the plane and across slices that are enough for a mean.
PIXEL_MM, SLICE_MM = 3.0, 4.0
#: A region of interest of fewer millilitres says nothing of its organ.
MIN_ML = 1.0


@dataclass(frozen=True)
class Attenuation:
    """Mean attenuation of liver and spleen, Hounsfield units; None where there is too little of the organ."""

    liver_hu: float | None
    spleen_hu: float | None

    @property
    def difference_hu(self) -> float | None:
        """Liver minus spleen."""
        return None if self.liver_hu is None or self.spleen_hu is None else self.liver_hu - self.spleen_hu


def attenuation(ct: Volume, liver: Volume, spleen: Volume) -> Attenuation:
    """Robust means of both organs, 5 mm below their surfaces.

    The mean of the middle half of the values: vessels, lesions, clips and gas lie in the quarters that are left out.

    Args:
        ct: Hounsfield units.
        liver: not 0 inside the liver, on the CT's grid.
        spleen: not 0 inside the spleen, on the CT's grid.

    Raises:
        GeometryError: a mask lies on another grid.
    """
    ct.require_grid(liver)
    ct.require_grid(spleen)
    return Attenuation(_mean_hu(ct, liver), _mean_hu(ct, spleen))


def _mean_hu(ct: Volume, organ: Volume) -> float | None:
    turn = Orient.fit(ct.geometry)
    mask, hu = where_set(turn.forward(organ)), turn.forward(ct).array
    box = box_of(mask)
    if box is None:
        return None
    step = max(1, int(SLICE_MM / turn.target.spacing[0]))
    inside, (between, *pixel) = thinned(mask[box][::step], turn.target.spacing, PIXEL_MM)
    values = thinned(hu[box][::step], turn.target.spacing, PIXEL_MM)[0]
    spacing = (between * step, *pixel)
    deep = distance_transform_edt(np.pad(inside, 1), spacing)[1:-1, 1:-1, 1:-1] > EROSION_MM
    if np.count_nonzero(deep) * np.prod(spacing) / 1000.0 < MIN_ML:
        return None
    return middle_mean(values[deep].astype(np.float64))


def middle_mean(values: Float[np.ndarray, " n"]) -> float:
    """Mean of the values between the quartiles."""
    low, high = np.percentile(values, (25, 75))
    return float(values[(values >= low) & (values <= high)].mean())

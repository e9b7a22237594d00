"""How much of a location map falls into each region of the abdomen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Shaped

from fibrolens.segment.regions import regions
from fibrolens.volume import Volume

NAMES = ("liver", "liver_surface", "liver_core", "spleen", "elsewhere")


@dataclass(frozen=True)
class RegionAttention:
    """The map inside one region.

    Args:
        mean: mean map value (1.0 is an even share on the ``mean1`` scale); None where the map is zero everywhere.
        share: fraction of the map's sum inside the body that lies here; None where the map is zero everywhere.
        voxels: how many voxels were averaged.
    """

    mean: float | None
    share: float | None
    voxels: int


def attention(
    location_map: Volume,
    labels: Volume,
    body: Bool[np.ndarray, "d h w"],
    coverage: Shaped[np.ndarray, " d"],
) -> dict[str, RegionAttention | None]:
    """Mean and share of a location map per region.

    All three arrays lie on one grid. The network grid serves: it is where the map was made, and its regions are
    measured in millimetres there as well as on the CT's grid, in a fraction of the time.

    Args:
        location_map: scale ``mean1``, not negative.
        labels: 1 liver, 2 spleen, on the map's grid.
        body: the patient without the table; an organ's voxels count as body.
        coverage: how many windows covered each slice; slices without any are ignored.

    Returns:
        Every name of `NAMES`; None where the region has no covered voxel. The shares of liver, spleen and elsewhere
        sum to 1, those of surface and core to the liver's.

    Raises:
        GeometryError: the labels lie on another grid.
    """
    location_map.require_grid(labels)
    covered = np.asarray(coverage) > 0
    # The depth below the surface needs the whole liver, also where no window looked.
    masks = {name: mask[covered] for name, mask in regions(labels, body).items()}
    values = location_map.array[covered]
    total = sum(
        float(values[masks[name]].sum(dtype=np.float64)) for name in ("liver", "spleen", "elsewhere") if name in masks
    )
    return {name: _measure(values, masks.get(name), total) for name in NAMES}


def _measure(
    values: Shaped[np.ndarray, "d h w"], mask: Bool[np.ndarray, "d h w"] | None, total: float
) -> RegionAttention | None:
    inside = values[mask] if mask is not None else values[:0]
    if not inside.size:
        return None
    if total <= 0:
        return RegionAttention(None, None, inside.size)
    amount = float(inside.sum(dtype=np.float64))
    return RegionAttention(amount / inside.size, amount / total, inside.size)

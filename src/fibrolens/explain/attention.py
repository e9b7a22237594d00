"""How much of a location map falls into each region of the abdomen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped

from fibrolens.regions import LIVER, SPLEEN, capsule_depth_mm, regions
from fibrolens.volume import Volume

#: Thickness of the layers of the depth profile, in millimetres.
LAYER_MM = 5.0

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


@dataclass(frozen=True)
class DepthLayer:
    """The map in one layer of the liver, deeper than `from_mm` and not deeper than `to_mm` below the capsule.

    Args:
        from_mm: upper face; the first layer begins at the capsule.
        to_mm: lower face.
        inside: the map there; None where no covered voxel lies that deep.
    """

    from_mm: float
    to_mm: float
    inside: RegionAttention | None


def attention(
    location_map: Volume,
    labels: Volume,
    body: Bool[np.ndarray, "d h w"],
    coverage: Shaped[np.ndarray, " d"],
    depth: Float[np.ndarray, "d h w"] | None = None,
) -> dict[str, RegionAttention | None]:
    """Mean and share of a location map per region.

    All arrays lie on one grid. The network grid serves: it is where the map was made, and its regions are
    measured in millimetres there as well as on the CT's grid, in a fraction of the time.

    Args:
        location_map: scale ``mean1``, not negative.
        labels: 1 liver, 2 spleen, on the map's grid.
        body: the patient without the table; an organ's voxels count as body.
        coverage: how many windows covered each slice; slices without any are ignored.
        depth: of each liver voxel below the capsule, mm, as `capsule_depth_at` measures it on the CT's own grid; None
            measures it on the map's grid, whose voxels tear thin layers.

    Returns:
        Every name of `NAMES`; None where the region has no covered voxel. The shares of liver, spleen and elsewhere
        sum to 1, those of surface and core to the liver's.

    Raises:
        GeometryError: the labels lie on another grid.
    """
    location_map.require_grid(labels)
    covered = np.asarray(coverage) > 0
    # The depth below the surface needs the whole liver, also where no window looked.
    masks = {name: mask[covered] for name, mask in regions(labels, body, depth=depth).items()}
    values = location_map.array[covered]
    total = sum(_sum(values[masks[name]]) for name in ("liver", "spleen", "elsewhere") if name in masks)
    return {name: _measure(values, masks.get(name), total) for name in NAMES}


def depth_profile(
    location_map: Volume,
    labels: Volume,
    body: Bool[np.ndarray, "d h w"],
    coverage: Shaped[np.ndarray, " d"],
    depth: Float[np.ndarray, "d h w"] | None = None,
) -> tuple[DepthLayer, ...]:
    """The location map in layers of `LAYER_MM` below the liver's capsule, to the deepest covered voxel.

    The first two layers make up the surface shell, the others the core. Arguments as for `attention`.

    Returns:
        Layers from the capsule inward; none where there is no liver, or no surface of it in the scan.

    Raises:
        GeometryError: the labels lie on another grid.
    """
    location_map.require_grid(labels)
    covered = np.asarray(coverage) > 0
    liver = labels.array == LIVER
    inside = liver & covered[:, None, None]
    below = (capsule_depth_mm(liver, labels.geometry.spacing) if depth is None else depth)[inside]
    values = location_map.array[inside]
    if not below.size or not np.isfinite(below).all():
        return ()
    in_body = (body | liver | (labels.array == SPLEEN)) & covered[:, None, None]
    total = _sum(location_map.array[in_body])
    layer = np.maximum(np.ceil(below / LAYER_MM).astype(int) - 1, 0)
    return tuple(
        DepthLayer(n * LAYER_MM, (n + 1) * LAYER_MM, _measure(values, layer == n, total))
        for n in range(int(layer.max()) + 1)
    )


def centroid_mm(location_map: Volume, inside: Bool[np.ndarray, "d h w"]) -> tuple[float, float, float] | None:
    """Centre of gravity of a map in the patient's coordinates (LPS: left, posterior, superior), millimetres.

    Args:
        location_map: not negative.
        inside: voxels that count: the body on covered slices.

    Returns:
        None where the map is zero inside.
    """
    weights = location_map.array[inside].astype(np.float64)
    if not weights.sum() > 0:
        return None
    index = np.average(np.argwhere(inside), axis=0, weights=weights)
    left, posterior, superior = (float(n) for n in location_map.geometry.to_world(index[None])[0])
    return left, posterior, superior


def _measure(
    values: Shaped[np.ndarray, "*n"], mask: Bool[np.ndarray, "*n"] | None, total: float
) -> RegionAttention | None:
    inside = values[mask] if mask is not None else values[:0]
    if not inside.size:
        return None
    if total <= 0:
        return RegionAttention(None, None, inside.size)
    amount = _sum(inside)
    return RegionAttention(amount / inside.size, amount / total, inside.size)


def _sum(values: Shaped[np.ndarray, "*n"]) -> float:
    return float(values.sum(dtype=np.float64))

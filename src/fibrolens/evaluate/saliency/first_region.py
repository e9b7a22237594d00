"""Which of several named regions a map names first, where regions may be parts of one another.

A region's density is the mean of the map over its voxels. The density of a region that others divide (the liver: its
surface and its core) lies between theirs, so it can never be the highest of all. Whether a region *ranks first* is
therefore asked of the regions that are no part of it and do not hold it: what the map does beside it. For the liver
these are the spleen and the rest; for the liver's surface its core, the spleen and the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from jaxtyping import Bool, Shaped

#: The parts of each region that has some, by the names of `fibrolens.explain.attention.NAMES`.
PARTS: Mapping[str, Collection[str]] = {"liver": ("liver_surface", "liver_core")}


def region_means(
    array: Shaped[np.ndarray, "d h w"],
    masks: Mapping[str, Bool[np.ndarray, "d h w"]],
    inside: Bool[np.ndarray, "d h w"] | None = None,
) -> dict[str, float | None]:
    """Density of each region, in the map's unit; None where a region has no voxel inside.

    Args:
        array: the map.
        masks: the regions by name.
        inside: voxels that count, such as those on covered slices; None is all.
    """
    kept = {name: mask if inside is None else mask & inside for name, mask in masks.items()}
    return {name: float(array[mask].mean(dtype=np.float64)) if mask.any() else None for name, mask in kept.items()}


def ranks_first(
    means: Mapping[str, float | None], region: str, parts: Mapping[str, Collection[str]] = PARTS
) -> bool | None:
    """Whether a region is denser than every other that is no part of it and does not hold it.

    A tie is no first place, so a constant map, or one of zeros, names no region.

    Args:
        means: density of each region; None where it is empty, which is then no rival.
        region: the region that should be first.
        parts: the parts of each region that has some.

    Returns:
        None where the region has no density, or no rival has one.
    """
    own = means.get(region)
    rivals = [means[name] for name in rivals_of(means, region, parts)]
    known = [mean for mean in rivals if mean is not None]
    return own > max(known) if own is not None and known else None


def rivals_of(names: Collection[str], region: str, parts: Mapping[str, Collection[str]] = PARTS) -> tuple[str, ...]:
    """The other regions that are no part of `region` and do not hold it.

    Args:
        names: every region.
        region: the region that should be first.
        parts: the parts of each region that has some.
    """
    own = parts.get(region, ())
    return tuple(name for name in names if name != region and name not in own and region not in parts.get(name, ()))


def chance_first(names: Collection[str], region: str, parts: Mapping[str, Collection[str]] = PARTS) -> float:
    """How often a map without knowledge puts `region` first, all orders of the regions being equally likely.

    A rival that others of them divide is never the highest, and does not count. Arguments as for `rivals_of`.
    """
    rivals = rivals_of(names, region, parts)
    return 1 / (1 + sum(not any(part in rivals for part in parts.get(name, ())) for name in rivals))

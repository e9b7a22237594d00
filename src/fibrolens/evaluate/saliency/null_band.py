"""What a map's region figures are without any training: the band in which those of randomised networks lie.

A region mean inside the band is no finding, however bright the map looks: a network that has learnt nothing shows as
much there. The band is kept with the weights, as JSON.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

SCHEMA_VERSION = 1
#: The band holds 95 % of the randomised networks' figures.
QUANTILES = (0.025, 0.5, 0.975)
#: Half the width, in standard deviations, of 95 % of a normal distribution.
Z = 1.96


@dataclass(frozen=True)
class Band:
    """Where the means of one region lie in maps of randomised networks.

    Args:
        region: its name.
        low: 2.5th percentile; median; high: 97.5th percentile, on the map's scale.
        seed_sd: standard deviation of a scan's mean over networks trained with other seeds; 0 where none were.
    """

    region: str
    low: float
    median: float
    high: float
    seed_sd: float = 0.0

    def __post_init__(self) -> None:
        ordered = math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.median <= self.high
        if not ordered:
            raise ValueError(f"low, median and high of {self.region} must be numbers in ascending order")
        if not (math.isfinite(self.seed_sd) and self.seed_sd >= 0):
            raise ValueError(f"seed_sd of {self.region} must be a number of at least 0")

    @property
    def limits(self) -> tuple[float, float]:
        """The band, made wider by `Z` seed standard deviations on both sides.

        A figure beyond them would most likely lie outside the band by a network of another seed as well.
        """
        return self.low - Z * self.seed_sd, self.high + Z * self.seed_sd


@dataclass(frozen=True)
class NullBand:
    """The bands of one kind of map.

    Args:
        method, layer, target: of the map, for example ``gradcam``, ``conv4`` and ``predicted``.
        networks: randomised networks whose maps were measured.
        scans: on how many scans.
        bands: one per region, without regions that no map has.
        scale: of the figures.
        seeds: trained networks of other seeds that gave `Band.seed_sd`; 0 for none.
    """

    method: str
    layer: str
    target: str
    networks: int
    scans: int
    bands: tuple[Band, ...]
    scale: str = "mean1"
    seeds: int = 0
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        if self.schema_version != SCHEMA_VERSION:
            raise ValueError(f"schema_version is {self.schema_version}; this version reads {SCHEMA_VERSION}")
        if min(self.networks, self.scans) < 1 or self.seeds < 0:
            raise ValueError("networks and scans must be at least 1, and seeds at least 0")
        if len({band.region for band in self.bands}) < len(self.bands):
            raise ValueError("a region has two bands")

    def band(self, region: str) -> Band | None:
        """The band of a region; None where there is none."""
        return next((band for band in self.bands if band.region == region), None)


def inside(value: float, band: Band) -> bool:
    """Whether a figure lies within the band's limits, ends included: no finding."""
    low, high = band.limits
    return low <= value <= high


def beside(value: float, band: Band) -> str:
    """A figure and its band as readers see them: ``liver 1.3, null 0.7 to 1.2``."""
    low, high = band.limits
    return f"{band.region.replace('_', ' ')} {value:.1f}, null {max(low, 0.0):.1f} to {high:.1f}"


def null_bands(means: Mapping[str, Float[np.ndarray, "networks scans"]]) -> tuple[Band, ...]:
    """Bands from the region means of maps of randomised networks.

    Networks and scans are pooled: a report shows one scan's figure of one network, and asks where such a figure lies
    without training.

    Args:
        means: of each region, the mean of every network's map of every scan; NaN where there is none (an empty region,
            or a map of zeros).

    Returns:
        One band per region with a figure.
    """
    known = {region: values[~np.isnan(values)] for region, values in means.items()}
    return tuple(
        Band(region, *(float(q) for q in np.quantile(values, QUANTILES)))
        for region, values in known.items()
        if values.size
    )


def with_seeds(null: NullBand, means: Mapping[str, Float[np.ndarray, "seeds scans"]]) -> NullBand:
    """The null band with what another training seed changes, so that a chance result of one seed is no finding either.

    Networks that were trained with other seeds do not belong into the null band itself: they have learnt. What they
    tell is how far a scan's figure moves from one training to another; the band's limits are made wider by it.

    Args:
        null: the band of randomised networks.
        means: of each region, the mean of each trained network's map of every scan; NaN where there is none. A region
            that is absent, or in no scan known by two networks, keeps its band.

    Returns:
        The same bands with ``seed_sd``: the root of the mean, over scans, of the variance (n - 1) over the seeds.
    """
    spread = {region: _within_scan_sd(values) for region, values in means.items()}
    bands = tuple(replace(band, seed_sd=spread.get(band.region, band.seed_sd)) for band in null.bands)
    return replace(null, bands=bands, seeds=max((len(values) for values in means.values()), default=0))


def _within_scan_sd(values: Float[np.ndarray, "seeds scans"]) -> float:
    twice = (~np.isnan(values)).sum(axis=0) > 1
    return float(np.sqrt(np.nanvar(values[:, twice], axis=0, ddof=1).mean())) if twice.any() else 0.0

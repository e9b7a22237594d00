"""Named scales of a location map.

========================  ==================================================  =================================
name                      what a value says                                   comparable across patients
========================  ==================================================  =================================
``raw``                   as the method computed it                           no: the unit is the network's own
``mean1``                 times an even share of the attention in the body    yes
``cohort_quantile``       share of a cohort's body voxels with less attention yes, within one cohort's knots
``min_max``               place between the map's own ends                    no: for display only
========================  ==================================================  =================================
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Shaped

from fibrolens.errors import ExplanationError, ModelError
from fibrolens.jsonfile import read_json
from fibrolens.output import write_json
from fibrolens.plan import from_plain

#: Knots of a cohort's distribution; each scan enters it by as many of its own quantiles.
KNOTS = 1001


class Scaled(NamedTuple):
    """A map on the scale ``mean1``.

    Args:
        array: the map, float32; 1.0 is an even share of the attention.
        mean: what it was divided by; None where the map is zero inside the body, so that no figure can be read off it.
    """

    array: Float[np.ndarray, "*space"]
    mean: float | None


def mean1(array: Shaped[np.ndarray, "*space"], inside: Bool[np.ndarray, "*space"]) -> Scaled:
    """`array` divided by its own mean over `inside` (the body on covered slices).

    A map that is zero all over `inside` has no such scale: it comes back as zeros, with None for the mean.

    Raises:
        ExplanationError: the map is negative or not finite somewhere inside.
    """
    values = array[inside].astype(np.float64)
    if not np.isfinite(values).all() or (values < 0).any():
        raise ExplanationError("The location map has negative or non-finite values; check the weights of the network.")
    mean = float(values.mean()) if values.size else 0.0
    if mean == 0.0:
        return Scaled(np.zeros(array.shape, np.float32), None)
    return Scaled((array / mean).astype(np.float32), mean)


def combine_layers(arrays: Sequence[Shaped[np.ndarray, "*space"]], inside: Bool[np.ndarray, "*space"]) -> Scaled:
    """The layer named ``mean``: the mean of the layers' ``mean1`` maps, itself on that scale.

    A layer whose map is all zero says nothing about where, so it does not dim the others.
    """
    scaled = [mean1(array, inside).array for array in arrays]
    return mean1(np.mean(scaled, axis=0), inside)


@dataclass(frozen=True)
class CohortQuantile:
    """The scale ``cohort_quantile``: the share of a cohort's body voxels that have less attention, every scan alike.

    Args:
        values: ``mean1`` values, ascending without repeats.
        levels: share of the cohort below each; from 0 to 1, ascending.
        scans: how many scans the knots are of.
    """

    values: tuple[float, ...]
    levels: tuple[float, ...]
    scans: int

    def __post_init__(self) -> None:
        if not (len(self.values) == len(self.levels) > 0 and self.scans > 0):
            raise ValueError("values and levels must be equally many, of at least one scan")
        values, levels = np.array(self.values), np.array(self.levels)
        if not (np.isfinite(values).all() and (np.diff(values) > 0).all()):
            raise ValueError("values must be numbers in ascending order")
        if not ((np.diff(levels) >= 0).all() and levels[0] >= 0 and levels[-1] <= 1):
            raise ValueError("levels must be numbers from 0 to 1 in ascending order")

    @classmethod
    def fit(cls, scans: Iterable[Shaped[np.ndarray, " _"]]) -> CohortQuantile:
        """The scale of a cohort.

        Each scan enters by `KNOTS` quantiles of its own, so that large bodies weigh no more than small ones, and one
        scan at a time is held.

        Args:
            scans: of each scan the ``mean1`` values inside the body, on covered slices; a map of zeros says nothing and
                should not be among them.

        Raises:
            ExplanationError: there is no scan, or one has no voxel or values that are not finite.
        """
        own = [_quantiles(values) for values in scans]
        if not own:
            raise ExplanationError("The cohort scale needs at least one scan with a map.")
        everyone = np.sort(np.concatenate(own))
        knots = np.unique(everyone[np.linspace(0, len(everyone) - 1, KNOTS).round().astype(int)])
        levels = np.searchsorted(everyone, knots) / len(everyone)
        # Nothing lies above the highest value; a single value that all voxels share has none below it.
        levels[-1] = 1.0 if len(knots) > 1 else 0.0
        return cls(tuple(knots.tolist()), tuple(levels.tolist()), len(own))

    def apply(self, array: Shaped[np.ndarray, "*space"]) -> Float[np.ndarray, "*space"]:
        """A map on the scale ``mean1`` brought to this one, 0 to 1 (float32); beyond the cohort's values 0 or 1."""
        return np.interp(array, self.values, self.levels).astype(np.float32)

    def write(self, path: Path) -> None:
        """Write the knots as JSON."""
        write_json(asdict(self), path)

    @classmethod
    def read(cls, path: Path) -> CohortQuantile:
        """Read what `write` wrote.

        Raises:
            ModelError: the file cannot be read, or holds no such knots.
        """
        try:
            content: Any = read_json(path)
            return from_plain(cls, content, path.name)
        except (OSError, TypeError, ValueError) as error:
            raise ModelError(
                f"The cohort scale {path} cannot be used ({error}); restore it or make it again."
            ) from None


def min_max(array: Shaped[np.ndarray, "*space"], inside: Bool[np.ndarray, "*space"]) -> Float[np.ndarray, "*space"]:
    """**For display only**: 0 at the map's lowest value inside, 1 at its highest (float32), cut off beyond them.

    Two maps on this scale cannot be compared, and a map that says nothing looks as bright as any. A map that is
    constant inside, or has nothing inside, becomes zeros.
    """
    values = array[inside].astype(np.float64)
    extent = float(np.ptp(values)) if values.size else 0.0
    if extent == 0.0:
        return np.zeros(array.shape, np.float32)
    return np.clip((array - values.min()) / extent, 0.0, 1.0).astype(np.float32)


def _quantiles(values: Shaped[np.ndarray, " _"]) -> Float[np.ndarray, " _"]:
    """`KNOTS` values of a scan at even shares of its voxels, the lowest and the highest among them."""
    if not values.size or not np.isfinite(values).all():
        raise ExplanationError("A scan of the cohort scale has no voxel in the body, or values that are not finite.")
    return np.quantile(values, np.linspace(0, 1, KNOTS), method="inverted_cdf").astype(np.float64)

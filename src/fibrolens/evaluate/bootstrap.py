"""Percentile intervals from drawing patients, not scans, within strata."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from fibrolens.evaluate.intervals import CONFIDENCE, Interval, auc

REPLICATES = 2000
#: Counts held at a time, which bounds the memory.
CELLS = 4_000_000
#: Percentiles of the ends of an interval.
TAILS = (50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE))
#: Replicates that differ by less do not differ: weights are no whole numbers.
ROUNDING = 1e-9

#: From the weight of each scan in each replicate to the figure, or to the curve, of each replicate.
Statistic = Callable[[Float[np.ndarray, "r n"]], Float[np.ndarray, " r"]]
Curve = Callable[[Float[np.ndarray, "r n"]], Float[np.ndarray, "r m"]]


def bootstrap_auc(
    positive: Bool[np.ndarray, " n"],
    score: Float[np.ndarray, " n"],
    patient: Int[np.ndarray, " n"],
    generator: np.random.Generator,
    replicates: int = REPLICATES,
) -> Interval:
    """AUC with a percentile interval; strata are the patients with and without a positive scan.

    Args:
        positive: whether a scan is positive by the reference.
        score: the higher, the more positive.
        patient: number of the patient of each scan; all scans of a drawn patient are drawn together.
        generator: source of the draws.
        replicates: number of draws of the whole cohort.
    """
    low, high = bootstrap(resampled_auc(positive, score), positive.astype(int), patient, generator, replicates)
    return Interval(auc(positive, score), low, high)


def bootstrap(
    statistic: Statistic,
    stratum: Int[np.ndarray, " n"],
    patient: Int[np.ndarray, " n"],
    generator: np.random.Generator,
    replicates: int = REPLICATES,
) -> tuple[float, float]:
    """Percentile interval of a figure (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13).

    From a stratum of n patients n - 1 are drawn, each with weight n / (n - 1), which makes the variance right in small
    strata too (Rao and Wu, J Am Stat Assoc 1988;83:231).

    Args:
        statistic: the figure of each replicate, between 0 and 1; NaN where a replicate does not give it.
        stratum: class of each scan; a patient stands in the highest of his scans, and every replicate has as much
            weight of each stratum as the cohort.
        patient: number of the patient of each scan.
        generator: source of the draws.
        replicates: number of draws of the whole cohort.

    Returns:
        Both ends; NaN where a class or a stratum has fewer than two patients, or no replicate differs from another,
        since an interval of no width would claim certainty.
    """
    values = _replicated(statistic, stratum, patient, generator, replicates)
    known = np.empty(0) if values is None else values[~np.isnan(values)]
    if not known.size or np.ptp(known) < ROUNDING:
        return float("nan"), float("nan")
    # Weights that are no whole numbers may also carry a figure a hair beyond 0 or 1.
    low, high = np.percentile(known, TAILS).clip(0.0, 1.0)
    return float(low), float(high)


def bootstrap_curve(
    curve: Curve,
    stratum: Int[np.ndarray, " n"],
    patient: Int[np.ndarray, " n"],
    generator: np.random.Generator,
    replicates: int = REPLICATES,
) -> Float[np.ndarray, "2 m"] | None:
    """Pointwise percentile intervals of a curve, of any range, by the draws of `bootstrap`.

    Args:
        curve: the points of each replicate.
        stratum: class of each scan, as for `bootstrap`.
        patient: number of the patient of each scan.
        generator: source of the draws.
        replicates: number of draws of the whole cohort.

    Returns:
        The lower and the upper ends, NaN at points where no replicate differs from another; None where a class or a
        stratum has fewer than two patients.
    """
    values = _replicated(curve, stratum, patient, generator, replicates)
    if values is None:
        return None
    still = np.ptp(values, axis=0) < ROUNDING
    return np.where(still, np.nan, np.percentile(values, TAILS, axis=0))


def resampled_auc(positive: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"]) -> Statistic:
    """The statistic that `bootstrap` needs for an AUC; ranks are looked up once for all replicates."""
    up, down = np.flatnonzero(positive), np.flatnonzero(~positive)
    down = down[np.argsort(score[down], kind="stable")]
    below, up_to = (np.searchsorted(score[down], score[up], side=side) for side in ("left", "right"))

    def statistic(weights: Float[np.ndarray, "r n"]) -> Float[np.ndarray, " r"]:
        ours = weights[:, up]
        lower = np.zeros((len(weights), len(down) + 1))
        np.cumsum(weights[:, down], axis=1, out=lower[:, 1:])
        # A tie counts half: the mean of the negatives below and of those not above.
        wins = (ours * (lower[:, below] + lower[:, up_to])).sum(axis=1) / 2
        pairs = ours.sum(axis=1) * lower[:, -1]
        return np.divide(wins, pairs, out=np.full(len(wins), np.nan), where=pairs > 0)

    return statistic


def _replicated(
    figure: Callable[[Float[np.ndarray, "r n"]], Float[np.ndarray, "r ..."]],
    stratum: Int[np.ndarray, " n"],
    patient: Int[np.ndarray, " n"],
    generator: np.random.Generator,
    replicates: int,
) -> Float[np.ndarray, "r ..."] | None:
    """The figure of every replicate; None where a class or a stratum has fewer than two patients."""
    strata, index = _strata(stratum, patient)
    owners = [np.unique(index[stratum == name]) for name in np.unique(stratum)]
    if min(map(len, [*owners, *strata])) < 2:
        return None
    rows = max(CELLS // len(stratum), 1)
    sizes = [min(rows, replicates - start) for start in range(0, replicates, rows)]
    return np.concatenate([figure(_draws(strata, generator, size)[:, index]) for size in sizes])


def _strata(
    stratum: Int[np.ndarray, " n"], patient: Int[np.ndarray, " n"]
) -> tuple[list[Int[np.ndarray, " _"]], Int[np.ndarray, " n"]]:
    """The patients of each stratum, as numbers from 0, and the patient of each scan."""
    names, index = np.unique(patient, return_inverse=True)
    highest = np.full(len(names), stratum.min())
    np.maximum.at(highest, index, stratum)
    return [np.flatnonzero(highest == name) for name in np.unique(highest)], index


def _draws(
    strata: Sequence[Int[np.ndarray, " _"]], generator: np.random.Generator, replicates: int
) -> Float[np.ndarray, "r patients"]:
    """The weight of each patient in each replicate."""
    weights = np.zeros((replicates, sum(map(len, strata))))
    first = np.arange(replicates)[:, None]
    for members in strata:
        count = len(members)
        drawn = generator.integers(0, count, size=(replicates, count - 1)) + first * count
        times = np.bincount(drawn.ravel(), minlength=replicates * count).reshape(replicates, count)
        weights[:, members] = times * (count / (count - 1))
    return weights

"""Percentile intervals from drawing patients, not scans, within strata."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int

from fibrolens.evaluate.intervals import CONFIDENCE, Interval, auc

REPLICATES = 2000
#: Counts held at a time, which bounds the memory.
CELLS = 4_000_000

#: From how often each scan occurs in each replicate to the figure of each replicate.
Statistic = Callable[[Int[np.ndarray, "r n"]], Float[np.ndarray, " r"]]


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

    Args:
        statistic: the figure of each replicate; NaN where a replicate does not give it.
        stratum: class of each scan; a patient stands in the highest of his scans, and every replicate has as many
            patients of each stratum as the cohort.
        patient: number of the patient of each scan.
        generator: source of the draws.
        replicates: number of draws of the whole cohort.

    Returns:
        Both ends; NaN where a class has fewer than two patients, who would be drawn alike each time, or no replicate
        differs from another, since an interval of no width would claim certainty.
    """
    nothing = float("nan"), float("nan")
    if any(len(np.unique(patient[stratum == name])) < 2 for name in np.unique(stratum)):
        return nothing
    rows = max(CELLS // len(stratum), 1)
    sizes = [min(rows, replicates - start) for start in range(0, replicates, rows)]
    values = np.concatenate([statistic(_draws(stratum, patient, generator, size)) for size in sizes])
    known = values[~np.isnan(values)]
    if not known.size or np.ptp(known) == 0:
        return nothing
    low, high = np.percentile(known, [50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)])
    return float(low), float(high)


def resampled_auc(positive: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"]) -> Statistic:
    """The statistic that `bootstrap` needs for an AUC; ranks are looked up once for all replicates."""
    up, down = np.flatnonzero(positive), np.flatnonzero(~positive)
    down = down[np.argsort(score[down], kind="stable")]
    below, up_to = (np.searchsorted(score[down], score[up], side=side) for side in ("left", "right"))

    def statistic(weights: Int[np.ndarray, "r n"]) -> Float[np.ndarray, " r"]:
        ours = weights[:, up]
        lower = np.zeros((len(weights), len(down) + 1), dtype=np.int64)
        np.cumsum(weights[:, down], axis=1, out=lower[:, 1:])
        # A tie counts half: the mean of the negatives below and of those not above.
        wins = (ours * (lower[:, below] + lower[:, up_to])).sum(axis=1) / 2
        pairs = ours.sum(axis=1) * lower[:, -1]
        return np.divide(wins, pairs, out=np.full(len(wins), np.nan), where=pairs > 0)

    return statistic


def _draws(
    stratum: Int[np.ndarray, " n"], patient: Int[np.ndarray, " n"], generator: np.random.Generator, replicates: int
) -> Int[np.ndarray, "r n"]:
    """How often each scan occurs in each replicate."""
    names, index = np.unique(patient, return_inverse=True)
    highest = np.full(len(names), stratum.min())
    np.maximum.at(highest, index, stratum)
    counts = np.zeros((replicates, len(names)), dtype=np.int64)
    first = np.arange(replicates)[:, None]
    for name in np.unique(highest):
        members = np.flatnonzero(highest == name)
        drawn = generator.integers(0, len(members), size=(replicates, len(members))) + first * len(members)
        counts[:, members] = np.bincount(drawn.ravel(), minlength=replicates * len(members)).reshape(replicates, -1)
    return counts[:, index]

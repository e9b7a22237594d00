"""AUC with 95 % confidence intervals (DeLong, bootstrap) and Wilson intervals of proportions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import norm, rankdata

CONFIDENCE = 0.95
REPLICATES = 2000
#: Replicates whose scores are ranked at a time, which bounds the memory.
CHUNK = 500


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval; `low` and `high` are NaN where the interval cannot be known."""

    estimate: float
    low: float
    high: float


def auc(positive: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"]) -> float:
    """Area under the ROC curve: the share of pairs in which the positive case scores higher, ties counting half."""
    ranks = rankdata(score)
    m = int(positive.sum())
    return float((ranks[positive].sum() - m * (m + 1) / 2) / (m * (len(score) - m)))


def delong(positive: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"]) -> Interval:
    """AUC with DeLong's interval, clipped to [0, 1], in O(n log n).

    DeLong et al., Biometrics 1988;44:837; the placements come from mid-ranks (Sun and Xu, IEEE Signal Process Lett
    2014;21:1389). Cases must be independent: one scan per patient.

    Returns:
        The interval; its ends are NaN with fewer than two cases of either class.
    """
    area = auc(positive, score)
    half = float(norm.ppf(0.5 + CONFIDENCE / 2)) * delong_variance(positive, score) ** 0.5
    low, high = np.clip([area - half, area + half], 0.0, 1.0)
    return Interval(area, float(low), float(high))


def delong_variance(positive: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"]) -> float:
    """DeLong's variance of the AUC; NaN with fewer than two cases of either class."""
    if min(int(positive.sum()), int((~positive).sum())) < 2:
        return float("nan")
    up, down = placements(positive, score)
    return float(up.var(ddof=1) / len(up) + down.var(ddof=1) / len(down))


def placements(
    positive: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, " p"], Float[np.ndarray, " q"]]:
    """Each case's share of won comparisons with the other class, of the positive and of the negative cases."""
    up, down = score[positive], score[~positive]
    ranks = rankdata(score)
    # Rank among all minus rank among the own class counts the other class below.
    return (ranks[positive] - rankdata(up)) / len(down), 1.0 - (ranks[~positive] - rankdata(down)) / len(up)


def bootstrap_auc(
    positive: Bool[np.ndarray, " n"],
    score: Float[np.ndarray, " n"],
    patient: Int[np.ndarray, " n"],
    generator: np.random.Generator,
    replicates: int = REPLICATES,
) -> Interval:
    """AUC with a percentile interval from drawing patients, not scans, within strata.

    Args:
        positive: whether a scan is positive by the reference.
        score: the higher, the more positive.
        patient: number of the patient of each scan; all scans of a drawn patient are drawn together.
        generator: source of the draws.
        replicates: number of draws of the whole cohort.

    Returns:
        The interval. Strata are the patients with and without a positive scan, so every replicate has both classes.
    """
    weights = _patient_draws(positive, patient, generator, replicates)
    chunks = np.array_split(weights, max(replicates // CHUNK, 1))
    values = np.concatenate([_weighted_auc(positive, score, chunk) for chunk in chunks])
    low, high = np.nanpercentile(values, [50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)])
    return Interval(auc(positive, score), float(low), float(high))


def wilson(successes: int, trials: int) -> Interval:
    """Proportion with Wilson's score interval (Wilson, J Am Stat Assoc 1927;22:209); NaN without trials."""
    if trials == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    z = float(norm.ppf(0.5 + CONFIDENCE / 2))
    share = successes / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * (share * (1 - share) / trials + z**2 / (4 * trials**2)) ** 0.5
    # At 0 and at all of the trials the formula ends at 0 and 1 but for rounding.
    return Interval(share, max(centre - half, 0.0), min(centre + half, 1.0))


def _patient_draws(
    positive: Bool[np.ndarray, " n"], patient: Int[np.ndarray, " n"], generator: np.random.Generator, replicates: int
) -> Int[np.ndarray, "r n"]:
    """How often each scan occurs in each replicate."""
    _, index = np.unique(patient, return_inverse=True)
    ever_positive = np.bincount(index, weights=positive) > 0
    counts = np.zeros((replicates, len(ever_positive)), dtype=np.int64)
    for stratum in (np.flatnonzero(ever_positive), np.flatnonzero(~ever_positive)):
        if len(stratum):
            shares = np.full(len(stratum), 1 / len(stratum))
            counts[:, stratum] = generator.multinomial(len(stratum), shares, size=replicates)
    return counts[:, index]


def _weighted_auc(
    positive: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"], weights: Int[np.ndarray, "r n"]
) -> Float[np.ndarray, " r"]:
    """AUC of each row of `weights`, which counts how often a case occurs."""
    levels, level = np.unique(score, return_inverse=True)
    order = np.argsort(level, kind="stable")
    starts = np.searchsorted(level[order], np.arange(len(levels)))
    up = np.add.reduceat((weights * positive)[:, order], starts, axis=1)
    down = np.add.reduceat((weights * ~positive)[:, order], starts, axis=1)
    wins = (up * (np.cumsum(down, axis=1) - 0.5 * down)).sum(axis=1)
    pairs = up.sum(axis=1) * down.sum(axis=1)
    shares: Float[np.ndarray, " r"] = np.divide(wins, pairs, out=np.full(len(wins), np.nan), where=pairs > 0)
    return shares

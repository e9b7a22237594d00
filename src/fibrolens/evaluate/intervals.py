"""AUC with DeLong's 95 % confidence interval and Wilson's interval of proportions; both know whose scan is whose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import expit, logit
from scipy.stats import norm, rankdata

CONFIDENCE = 0.95


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


def delong(
    positive: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"], patient: Int[np.ndarray, " n"] | None = None
) -> Interval:
    """AUC with an interval from DeLong's variance on the logit scale, in O(n log n).

    DeLong et al., Biometrics 1988;44:837; the placements come from mid-ranks (Sun and Xu, IEEE Signal Process Lett
    2014;21:1389). The logit (Pepe, The Statistical Evaluation of Medical Tests, 2003) keeps the ends between 0 and 1,
    and holds the truth where the plain interval is too narrow: at high AUCs with few cases (docs/statistics.md).

    Args:
        positive: whether a scan is positive by the reference.
        score: the higher, the more positive.
        patient: number of the patient of each scan; None means that every scan is another patient's.

    Returns:
        The interval; its ends are NaN with fewer than two patients on either side, and where no case varies (the sides
        are wholly separated, or all scores equal), since an interval of no width would claim certainty.
    """
    area = auc(positive, score)
    variance = delong_variance(positive, score, patient)
    if not variance > 0:
        return Interval(area, float("nan"), float("nan"))
    half = float(norm.ppf(0.5 + CONFIDENCE / 2)) * variance**0.5 / (area * (1 - area))
    low, high = expit(logit(area) + np.array([-half, half]))
    return Interval(area, float(low), float(high))


def delong_variance(
    positive: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"], patient: Int[np.ndarray, " n"] | None = None
) -> float:
    """DeLong's variance of the AUC, with the scans of a patient as a cluster; NaN with fewer than two per side.

    Obuchowski, Biometrics 1997;53:567: the placements of a patient's scans are summed before they are squared, and a
    patient with scans on both sides adds a covariance. With one scan per patient this is DeLong's own formula.
    """
    return clustered_variance(positive, *placements(positive, score), patient)


def clustered_variance(
    positive: Bool[np.ndarray, " n"],
    up: Float[np.ndarray, " p"],
    down: Float[np.ndarray, " q"],
    patient: Int[np.ndarray, " n"] | None = None,
) -> float:
    """Variance of an AUC, or of a difference of AUCs, by the placements of its cases; NaN with fewer than two per side.

    Args:
        positive: whether a scan is positive by the reference.
        up: placements of the positive scans, or their differences.
        down: of the negative scans.
        patient: number of the patient of each scan; None means that every scan is another patient's.
    """
    index = np.arange(len(positive)) if patient is None else np.unique(patient, return_inverse=True)[1]
    owners = index[positive], index[~positive]
    counts = [len(np.unique(owner)) for owner in owners]
    if min(counts) < 2:
        return float("nan")
    patients = int(index.max()) + 1
    above, below = (
        np.bincount(owner, weights=placement - placement.mean(), minlength=patients) / len(placement)
        for owner, placement in zip(owners, (up, down), strict=True)
    )
    own = sum(float(side @ side) * n / (n - 1) for side, n in zip((above, below), counts, strict=True))
    return own + 2 * float(above @ below) * patients / (patients - 1)


def placements(
    positive: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, " p"], Float[np.ndarray, " q"]]:
    """Each case's share of won comparisons with the other class, of the positive and of the negative cases."""
    up, down = score[positive], score[~positive]
    ranks = rankdata(score)
    # Rank among all minus rank among the own class counts the other class below.
    return (ranks[positive] - rankdata(up)) / len(down), 1.0 - (ranks[~positive] - rankdata(down)) / len(up)


def wilson(success: Bool[np.ndarray, " n"], patient: Int[np.ndarray, " n"]) -> Interval:
    """Share of scans, with Wilson's score interval as wide as if the scans of one patient always agreed.

    Scans that agree make the share's variance grow from p(1 - p) / n to p(1 - p) * sum of n_i^2 / n^2, n_i being the
    scans of patient i; so n^2 / sum of n_i^2 trials are counted. With one scan per patient this is the interval of
    Wilson, J Am Stat Assoc 1927;22:209; with several it is not too narrow, however alike they are.

    Args:
        success: whether a scan counts.
        patient: number of the patient of each scan.

    Returns:
        The interval; all of it is NaN without a scan.
    """
    scans = np.unique(patient, return_counts=True)[1]
    if not len(scans):
        return Interval(float("nan"), float("nan"), float("nan"))
    share, trials = float(success.mean()), float(scans.sum() ** 2 / (scans**2).sum())
    z = float(norm.ppf(0.5 + CONFIDENCE / 2))
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * (share * (1 - share) / trials + z**2 / (4 * trials**2)) ** 0.5
    # At 0 and at all of the trials the formula ends at 0 and 1 but for rounding.
    return Interval(share, max(centre - half, 0.0), min(centre + half, 1.0))

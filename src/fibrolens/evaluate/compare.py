"""Whether two scores of the same cases differ in their AUC."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import norm

from fibrolens.evaluate.intervals import CONFIDENCE, Interval, auc, clustered_variance, placements


@dataclass(frozen=True)
class Difference:
    """AUC of one score minus that of another on the same cases.

    Args:
        interval: the difference with its 95 % interval; the ends are NaN where the variance cannot be known.
        p_value: two-sided, of no difference; NaN where the variance cannot be known.
    """

    interval: Interval
    p_value: float


def delong_difference(
    positive: Bool[np.ndarray, " n"],
    score: Float[np.ndarray, " n"],
    other: Float[np.ndarray, " n"],
    patient: Int[np.ndarray, " n"] | None = None,
) -> Difference:
    """Paired test of DeLong et al. (Biometrics 1988;44:837) for the AUC of `score` minus that of `other`.

    The scans of a patient are a cluster (Obuchowski, Biometrics 1997;53:567).

    Args:
        positive: whether a case is positive by the reference.
        score: the higher, the more positive.
        other: another score of the same cases in the same order.
        patient: number of the patient of each scan; None means that every scan is another patient's.

    Returns:
        The difference. Scores that rank all cases alike have the interval [0, 0] and p = 1; where scores differ but no
        case varies (one separates the classes wholly, the other is constant), nothing is known of the variance.
    """
    difference = auc(positive, score) - auc(positive, other)
    # The placements' differences hold the covariance of the two scores.
    apart = [a - b for a, b in zip(placements(positive, score), placements(positive, other), strict=True)]
    variance = clustered_variance(positive, apart[0], apart[1], patient)
    if np.isnan(variance) or (variance == 0 and difference != 0):
        return Difference(Interval(difference, float("nan"), float("nan")), float("nan"))
    deviation = variance**0.5
    half = float(norm.ppf(0.5 + CONFIDENCE / 2)) * deviation
    p_value = 2 * float(norm.sf(abs(difference) / deviation)) if deviation > 0 else 1.0
    return Difference(Interval(difference, difference - half, difference + half), p_value)

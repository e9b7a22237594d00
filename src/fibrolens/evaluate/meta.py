"""Random-effects meta-analysis: one figure from several hospitals, and how much they differ.

Each hospital gives an estimate and its variance, on a scale where estimates are about normal (of an AUC: the logit).
Hospitals are taken as drawn from many: theta_i ~ N(mu, tau2), estimate_i ~ N(theta_i, variance_i).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq
from scipy.stats import chi2, t

from fibrolens.evaluate.intervals import CONFIDENCE, Interval

METHOD = (
    "random effects: tau2 by restricted maximum likelihood, interval by Hartung and Knapp with t of k - 1 degrees of "
    "freedom, never narrower than tau2 and the variances ask for; prediction interval with t of k - 2 (Higgins 2009); "
    "I2 and the test of heterogeneity from Cochran's Q"
)


@dataclass(frozen=True)
class Pooled:
    """What several hospitals say together, on the scale of their estimates.

    Args:
        mean: the mean of the hospitals' true values, with its 95 % interval (NaN of one hospital).
        standard_error: of the mean; NaN of one hospital.
        tau2: variance of the true values between hospitals.
        q: Cochran's Q; p_value: of no heterogeneity at all; NaN of one hospital.
        i2: share of the spread that is not chance, 0 to 1 (Higgins and Thompson 2002).
        prediction: where the true value of a further hospital lies, with 95 %; NaN with fewer than three hospitals.
        weights: of each hospital in the mean; they sum to 1.
    """

    mean: Interval
    standard_error: float
    tau2: float
    q: float
    p_value: float
    i2: float
    prediction: Interval
    weights: tuple[float, ...]


def random_effects(estimate: Float[np.ndarray, " k"], variance: Float[np.ndarray, " k"]) -> Pooled:
    """Pool the estimates of `k` hospitals.

    The variance of the mean is that of Hartung and Knapp (Stat Med 2001;20:3875). It can come out below the usual one
    where hospitals happen to agree; the larger of both is taken (Roever et al., BMC Med Res Methodol 2015;15:99).

    Args:
        estimate: of each hospital, one at least.
        variance: of each estimate, above zero.
    """
    between = tau2_reml(estimate, variance)
    weight = 1 / (variance + between)
    mean = float(weight @ estimate / weight.sum())
    count = len(estimate)
    if count < 2:
        nothing = Interval(mean, float("nan"), float("nan"))
        return Pooled(nothing, float("nan"), 0.0, float("nan"), float("nan"), float("nan"), nothing, (1.0,))
    usual = 1 / weight.sum()
    error = float(max(usual * (weight @ (estimate - mean) ** 2) / (count - 1), usual)) ** 0.5
    q = cochran_q(estimate, variance)
    return Pooled(
        mean=_interval(mean, error, count - 1),
        standard_error=error,
        tau2=between,
        q=q,
        p_value=float(chi2.sf(q, count - 1)),
        i2=max(0.0, (q - (count - 1)) / q) if q > 0 else 0.0,
        prediction=_interval(mean, (between + error**2) ** 0.5, count - 2),
        weights=tuple((weight / weight.sum()).tolist()),
    )


def cochran_q(estimate: Float[np.ndarray, " k"], variance: Float[np.ndarray, " k"]) -> float:
    """Weighted squares of the distances from the common mean (Cochran, Biometrics 1954;10:101)."""
    weight = 1 / variance
    return float(weight @ (estimate - weight @ estimate / weight.sum()) ** 2)


def tau2_reml(estimate: Float[np.ndarray, " k"], variance: Float[np.ndarray, " k"]) -> float:
    """Variance between hospitals by restricted maximum likelihood; 0 of one hospital.

    The root of the restricted score, P being the projection that takes the weighted mean out:
    (P y)'(P y) - tr(P) = 0 (Viechtbauer, J Educ Behav Stat 2005;30:261). Below its root the score is above zero; where
    it is not above zero at 0, the likelihood is highest there.
    """

    def score(between: float) -> float:
        weight = 1 / (variance + between)
        apart = weight * (estimate - weight @ estimate / weight.sum())
        return float(apart @ apart - (weight.sum() - (weight @ weight) / weight.sum()))

    if len(estimate) < 2 or score(0.0) <= 0:
        return 0.0
    top = float(np.ptp(estimate) ** 2 + variance.max())
    while score(top) > 0:
        top *= 2
    return float(brentq(score, 0.0, top, xtol=1e-14, rtol=1e-12))


def _interval(middle: float, deviation: float, degrees: int) -> Interval:
    if degrees < 1:
        return Interval(middle, float("nan"), float("nan"))
    half = float(t.ppf(0.5 + CONFIDENCE / 2, degrees)) * deviation
    return Interval(middle, middle - half, middle + half)

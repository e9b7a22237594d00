"""Logistic recalibration: slope and intercept of the outcome on the logit of the probability, patients as clusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import expit, logit
from scipy.stats import norm

from fibrolens.evaluate.intervals import CONFIDENCE, Interval

#: Probabilities are taken to lie between this and 1 minus this, since the logit of 0 is infinite.
LEAST = 1e-6
STEPS = 50
NOTHING = Interval(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class Recalibration:
    """What would make probabilities p right: logit P(yes) = intercept + slope * logit p (Cox, Biometrika 1958;45:562).

    Args:
        slope: 1 is right; below 1 the probabilities are too extreme, above 1 too timid.
        intercept: beside that slope; 0 is right.
        in_the_large: the intercept beside a slope of 1; below 0 the probabilities are too high on the whole.
    """

    slope: Interval
    intercept: Interval
    in_the_large: Interval


def recalibrate(
    positive: Bool[np.ndarray, " n"], probability: Float[np.ndarray, " n"], patient: Int[np.ndarray, " n"]
) -> Recalibration:
    """Slope, intercept and calibration-in-the-large with intervals from the cluster-robust variance.

    Van Calster et al., BMC Med 2019;17:230, name the measures; the variance is Liang and Zeger's (Biometrika
    1986;73:13) times P / (P - 1) for P patients, with the scans of a patient as a cluster.

    Args:
        positive: whether a scan is positive by the reference.
        probability: P(positive), within 0 and 1 but for rounding.
        patient: number of the patient of each scan.

    Returns:
        NaN throughout where one side has no case; the slope and its intercept NaN too where the scores of the sides do
        not overlap, for then the likelihood has no maximum, or are all equal. Ends NaN with fewer than two patients on
        a side.
    """
    if positive.all() or not positive.any():
        return Recalibration(NOTHING, NOTHING, NOTHING)
    x = logit(probability.clip(LEAST, 1 - LEAST))
    index = np.unique(patient, return_inverse=True)[1]
    ones = np.ones((len(x), 1))
    (large,) = _fit(ones, x, positive, index)
    up, down = x[positive], x[~positive]
    if not (up.min() < down.max() and down.min() < up.max()):
        return Recalibration(NOTHING, NOTHING, large)
    intercept, slope = _fit(np.column_stack([ones, x]), np.zeros(len(x)), positive, index)
    return Recalibration(slope, intercept, large)


def _fit(
    design: Float[np.ndarray, "n c"],
    offset: Float[np.ndarray, " n"],
    positive: Bool[np.ndarray, " n"],
    index: Int[np.ndarray, " n"],
) -> list[Interval]:
    """Coefficients of a logistic regression with an offset, which scikit-learn's does not take."""
    coefficients = np.zeros(design.shape[1])
    for _ in range(STEPS):
        gradient, hessian = _slopes(design, offset, positive, coefficients)
        step = np.linalg.solve(hessian, gradient)
        # Full steps overshoot where all probabilities are far off.
        coefficients = coefficients + step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-10:
            break
    residual = positive - expit(design @ coefficients + offset)
    patients = int(index.max()) + 1
    sums = np.stack([np.bincount(index, weights=column * residual, minlength=patients) for column in design.T], axis=1)
    bread = np.linalg.inv(_slopes(design, offset, positive, coefficients)[1])
    few = min(len(np.unique(index[side])) for side in (positive, ~positive)) < 2
    scale = float("nan") if few else patients / (patients - 1)
    errors = np.sqrt(np.diag(bread @ (sums.T @ sums) @ bread) * scale)
    half = float(norm.ppf(0.5 + CONFIDENCE / 2)) * errors
    return [Interval(float(b), float(b - h), float(b + h)) for b, h in zip(coefficients, half, strict=True)]


def _slopes(
    design: Float[np.ndarray, "n c"],
    offset: Float[np.ndarray, " n"],
    positive: Bool[np.ndarray, " n"],
    coefficients: Float[np.ndarray, " c"],
) -> tuple[Float[np.ndarray, " c"], Float[np.ndarray, "c c"]]:
    """Gradient of the log-likelihood, and minus its second derivative."""
    expected = expit(design @ coefficients + offset)
    return design.T @ (positive - expected), (design * (expected * (1 - expected))[:, None]).T @ design

"""The proportional-odds model of a few measured numbers, fitted on stages or sets of stages.

P(F >= k) is the logistic function of one weighted sum less the cut of k (McCullagh, J R Stat Soc B 1980;42:109). A set
of stages counts with the summed probability of its stages.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin

STAGES = 5
#: No probability counts as less.
LEAST = 1e-12
#: The logarithm of the distance of two cuts stays in this range, also where no case has the stage between them.
GAPS = (-8.0, 5.0)


class ProportionalOdds(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Stages by a proportional-odds model with a ridge on the standardised weights.

    Args:
        penalty: half of it times the sum of the squared weights is added to the summed loss: as if each weight had
            been drawn with a variance of 1 / `penalty`, so that a handful of cases cannot separate the stages wholly.
    """

    def __init__(self, penalty: float = 1.0) -> None:
        self.penalty = penalty

    def fit(self, X: Float[np.ndarray, "n p"], y: Sequence[tuple[int, ...]]) -> ProportionalOdds:  # noqa: N803  (scikit-learn)
        """Fit weights and cuts.

        Args:
            X: a row per case; NaN is filled with the column's median.
            y: the stages that each case's reference allows.

        Raises:
            ValueError: a column has no number at all.
        """
        if np.isnan(X).all(axis=0).any():
            raise ValueError("every column must have a number; one has none")
        self.median_ = np.nanmedian(X, axis=0)
        filled = self._filled(X)
        self.mean_, self.scale_ = filled.mean(axis=0), filled.std(axis=0)
        self.scale_[self.scale_ == 0] = 1.0
        allowed = np.zeros((len(y), STAGES))
        for row, stages in zip(allowed, y, strict=True):
            row[list(stages)] = 1.0
        columns = X.shape[1]
        start = np.concatenate([np.zeros(columns), [-1.0], np.full(STAGES - 2, -1.0)])
        limits = [(None, None)] * (columns + 1) + [GAPS] * (STAGES - 2)
        known = (self._standard(X), allowed, self.penalty)
        found = minimize(_loss, start, known, jac=True, bounds=limits, method="L-BFGS-B", options={"maxiter": 1000})
        self.coef_, self.cuts_ = found.x[:columns], _cuts(found.x[columns:])
        self.classes_ = np.arange(STAGES)
        return self

    def decision_function(self, X: Float[np.ndarray, "n p"]) -> Float[np.ndarray, " n"]:  # noqa: N803
        """The weighted sum of each case."""
        return self._standard(X) @ self.coef_

    def predict_proba(self, X: Float[np.ndarray, "n p"]) -> Float[np.ndarray, "n 5"]:  # noqa: N803
        """P(F0) to P(F4) of each case."""
        return _probabilities(self.decision_function(X), self.cuts_)

    def predict(self, X: Float[np.ndarray, "n p"]) -> np.ndarray:  # noqa: N803
        """The most probable stage of each case."""
        return self.predict_proba(X).argmax(axis=1)

    def _filled(self, table: Float[np.ndarray, "n p"]) -> Float[np.ndarray, "n p"]:
        return np.where(np.isnan(table), self.median_, table)

    def _standard(self, table: Float[np.ndarray, "n p"]) -> Float[np.ndarray, "n p"]:
        return (self._filled(table) - self.mean_) / self.scale_


def _cuts(free: Float[np.ndarray, " 4"]) -> Float[np.ndarray, " 4"]:
    """The first cut and the logarithms of the distances to the next ones, as cuts."""
    return free[0] + np.concatenate([[0.0], np.cumsum(np.exp(free[1:]))])


def _probabilities(total: Float[np.ndarray, " n"], cuts: Float[np.ndarray, " 4"]) -> Float[np.ndarray, "n 5"]:
    above = expit(total[:, None] - cuts)
    ends = np.ones((len(total), 1)), np.zeros((len(total), 1))
    return -np.diff(np.concatenate([ends[0], above, ends[1]], axis=1), axis=1)


def _loss(
    free: Float[np.ndarray, " m"], table: Float[np.ndarray, "n p"], allowed: Float[np.ndarray, "n 5"], penalty: float
) -> tuple[float, Float[np.ndarray, " m"]]:
    """Minus the log-likelihood with the ridge, and its gradient."""
    columns = table.shape[1]
    weights, cuts = free[:columns], _cuts(free[columns:])
    total = table @ weights
    likelihood = np.maximum((_probabilities(total, cuts) * allowed).sum(axis=1), LEAST)
    above = expit(total[:, None] - cuts)
    # P(F >= k) counts for stage k and against stage k - 1; its derivative by the sum is above (1 - above).
    slope = above * (1 - above) * (allowed[:, 1:] - allowed[:, :-1]) / likelihood[:, None]
    by_cut = slope.sum(axis=0)
    gaps = np.exp(free[columns + 1 :]) * np.cumsum(by_cut[::-1])[::-1][1:]
    by_weight = -slope.sum(axis=1) @ table + penalty * weights
    gradient = np.concatenate([by_weight, [by_cut.sum()], gaps])
    return float(-np.log(likelihood).sum() + penalty / 2 * weights @ weights), gradient

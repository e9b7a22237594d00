"""ROC curves of the at-least-stage questions (F >= k) and of the stages themselves (micro, macro).

Scores are P(F >= k), the sum of the softmax over the stages from k on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.metrics import auc, roc_curve


@dataclass(frozen=True)
class RocCurve:
    """One ROC curve.

    Args:
        name: what is told apart, for example ``F>=2``.
        false_positive_rate: 1 - specificity, ascending from 0 to 1.
        true_positive_rate: sensitivity at the same cuts.
        auc: area under the curve by the trapezoidal rule.
        positives: number of positive cases; for micro and macro, decisions.
        negatives: number of negative cases.
    """

    name: str
    false_positive_rate: Float[np.ndarray, " n"]
    true_positive_rate: Float[np.ndarray, " n"]
    auc: float
    positives: int
    negatives: int


def at_least(probabilities: Float[np.ndarray, "n stages"]) -> Float[np.ndarray, "n thresholds"]:
    """P(F >= k) for k = 1, 2, ... as columns."""
    return np.cumsum(probabilities[:, ::-1], axis=1)[:, ::-1][:, 1:]


def binary_curve(name: str, positive: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"]) -> RocCurve:
    """ROC curve of one yes/no question; both classes must be present."""
    false_positive_rate, true_positive_rate, _ = roc_curve(positive, score)
    area = float(auc(false_positive_rate, true_positive_rate))
    count = int(positive.sum())
    return RocCurve(name, false_positive_rate, true_positive_rate, area, count, len(positive) - count)


def micro_curve(stage: Int[np.ndarray, " n"], probabilities: Float[np.ndarray, "n stages"]) -> RocCurve:
    """All stages one against the rest, every decision of every case pooled."""
    hot = np.eye(probabilities.shape[1], dtype=bool)[stage]
    return binary_curve("micro", hot.ravel(), probabilities.ravel())


def macro_curve(stage: Int[np.ndarray, " n"], probabilities: Float[np.ndarray, "n stages"]) -> RocCurve:
    """Mean of the one-against-rest curves of the stages that occur; its area is the mean of their areas."""
    present = [k for k in range(probabilities.shape[1]) if 0 < (stage == k).sum() < len(stage)]
    curves = [binary_curve(f"F{k}", stage == k, probabilities[:, k]) for k in present]
    grid = np.unique(np.concatenate([curve.false_positive_rate for curve in curves]))
    # A step has two sensitivities at one false positive rate; keeping both keeps the area exact.
    mean = np.mean([np.stack(_both_sides(curve, grid), axis=1).ravel() for curve in curves], axis=0)
    grid = np.repeat(grid, 2)
    return RocCurve("macro", grid, mean, float(auc(grid, mean)), len(stage), len(stage) * (len(present) - 1))


def _both_sides(
    curve: RocCurve, grid: Float[np.ndarray, " m"]
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """Sensitivity of `curve` just left and just right of each false positive rate of `grid`."""
    x, y = curve.false_positive_rate, curve.true_positive_rate
    return np.interp(-grid, -x[::-1], y[::-1]), np.interp(grid, x, y)

"""Figures of scores that are known by their bins alone: calls at 0.5 and calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

from fibrolens.evaluate.entries import THIN, proportion
from fibrolens.evaluate.packet import TENTHS
from fibrolens.evaluate.scoregrid import ScoreGrid, expand
from fibrolens.evaluate.sealed import Side

Counts = Int[np.ndarray, " bins"]
#: The largest logit of a probability below 1 in double precision.
FARTHEST = 36.0


def sides(positive: Side, negative: Side, grid: ScoreGrid) -> dict[str, Any]:
    """Counts, and sensitivity and specificity at 0.5.

    Args:
        positive: the scans at or above the threshold.
        negative: those below.
        grid: what their bins are.
    """
    scans = positive.scans, negative.scans
    return {
        "positives": scans[0],
        "negatives": scans[1],
        "thin": min(scans) < THIN,
        "sensitivity_at_half": _share(int(positive.bins[grid.half :].sum()), positive),
        "specificity_at_half": _share(int(negative.bins[: grid.half].sum()), negative),
    }


def _share(count: int, side: Side) -> dict[str, Any]:
    """The share with an interval as if the patients had equally many scans, which always agree."""
    success = np.arange(side.scans) < count
    return proportion(success, np.arange(side.scans) % side.patients)


def calibration(above: Counts, below: Counts, grid: ScoreGrid) -> dict[str, Any]:
    """Tenths of the scale, slope and intercept, and the shares expected and observed.

    Args:
        above: positive scans per bin.
        below: negative scans per bin.
        grid: what the bins are.
    """
    positive, score = expand(above, below, grid)
    tenth = np.minimum((score * TENTHS).astype(int), TENTHS - 1)
    slope, intercept = recalibration(positive, score) or (None, None)
    return {
        "expected_share": float(score.mean()),
        "observed_share": float(positive.mean()),
        "slope": slope,
        "intercept": intercept,
        "bins": [
            _tenth(number, positive[tenth == number], score[tenth == number]) for number in np.unique(tenth).tolist()
        ],
    }


def _tenth(number: int, positive: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"]) -> dict[str, Any]:
    ranges = {"from": number / TENTHS, "to": (number + 1) / TENTHS, "mean_score": float(score.mean())}
    return ranges | {"observed": proportion(positive, np.arange(len(positive)))}


def recalibration(positive: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"]) -> tuple[float, float] | None:
    """Slope and intercept of the logistic regression of the outcome on the score's logit (Cox, Biometrika 1958;45:562).

    Returns:
        Both; None where the sides do not overlap or all scores are equal, for then there is no such line.
    """
    up, down = score[positive], score[~positive]
    if up.min() >= down.max() or down.min() >= up.max():
        return None
    # Scores that double precision cannot tell from 1 have no logit.
    logits = np.clip(logit(score), -FARTHEST, FARTHEST)[:, None]
    fitted = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8).fit(logits, positive)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])

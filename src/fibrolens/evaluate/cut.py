"""The cut above which a case is called positive, chosen on scores that the network was not fitted on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

#: The cut where nothing can be chosen: positive is what is more probable than not.
HALF = 0.5
YOUDEN = (
    "Youden's index (sensitivity + specificity - 1) at its highest: the middle of the stretch of cuts that reach it; "
    "of several stretches the one whose middle is nearest to 0.5, then the lower"
)
FALLBACK = "0.5"
#: Why there is no better cut.
NO_INNER = "the fold has no inner split, the patients are too few"
NO_PREDICTIONS = "there are no predictions of the fold's inner split"


@dataclass(frozen=True)
class Cut:
    """A cut and where it comes from.

    Args:
        value: a case is positive where its score is at least this.
        rule: ``youden`` (see `YOUDEN`) or ``0.5``.
        positives: positive cases that it was chosen on.
        negatives: negative cases that it was chosen on.
        reason: why it was not chosen, for the rule ``0.5``.
    """

    value: float
    rule: str
    positives: int
    negatives: int
    reason: str | None = None


def fixed_cut(reason: str, positives: int = 0, negatives: int = 0) -> Cut:
    """The cut at 0.5, for want of a better one."""
    return Cut(HALF, FALLBACK, positives, negatives, reason)


def youden_cut(positive: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"]) -> Cut:
    """The cut of the highest Youden index (Youden, Cancer 1950;3:32), by the rule of `YOUDEN`.

    Args:
        positive: whether a case is positive by the reference.
        score: a probability; the higher, the more positive.

    Returns:
        The cut; 0.5 with a reason where one side has no case or no cut does better than chance.
    """
    up, down = int(positive.sum()), int((~positive).sum())
    if not (up and down):
        side = "positive" if not up else "negative"
        return fixed_cut(f"the inner split has no {side} case", up, down)
    # All cuts between two neighbouring scores call the same cases; counts keep equal indices exactly equal.
    levels = np.unique(score)
    above, others = (len(s) - np.searchsorted(np.sort(s), levels[1:]) for s in (score[positive], score[~positive]))
    index = above * down - others * up
    if not len(index) or index.max() <= 0:
        return fixed_cut("no cut on the inner split does better than chance", up, down)
    best = index == index.max()
    firsts = np.flatnonzero(best & ~np.concatenate([[False], best[:-1]]))
    lasts = np.flatnonzero(best & ~np.concatenate([best[1:], [False]]))
    middles = (levels[firsts] + levels[lasts + 1]) / 2
    return Cut(float(middles[np.argmin(np.abs(middles - HALF))]), "youden", up, down)

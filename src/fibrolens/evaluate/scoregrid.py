"""The grid on which every hospital counts its scores: the same edges everywhere, so that histograms can be added.

Scores of a network crowd near 0 and 1, so the bins are equally wide on the logit scale. What lies in one bin counts as
tied; `tie_bound` says how much of an AUC that can hide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import expit

#: Logits beyond which all scores share a bin; no softmax in single precision gives a smaller one, short of 0.
END = 104
FINE, COARSE = 128, 8


@dataclass(frozen=True)
class ScoreGrid:
    """Bins of equal width on the logit scale, and one more at either end.

    A bin holds its lower edge; 0.5 is an edge. The bins of a coarser grid are made of whole bins of a finer one.

    Args:
        per_unit: bins per unit of the logit.
    """

    per_unit: int = FINE

    @property
    def bins(self) -> int:
        """How many bins there are; the first and the last reach to 0 and 1."""
        return 2 * END * self.per_unit + 2

    @property
    def half(self) -> int:
        """The first bin at or above a score of 0.5."""
        return END * self.per_unit + 1

    @property
    def centres(self) -> Float[np.ndarray, " bins"]:
        """The score that stands for each bin: the middle on the logit scale; of both ends, their inner edge."""
        logits = (np.arange(self.bins) - 0.5) / self.per_unit - END
        return expit(np.clip(logits, -END, END))

    def place(self, score: Float[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
        """The bin of each score.

        Args:
            score: probabilities; what rounding put outside 0 to 1 is taken for 0 or 1.
        """
        probability = np.clip(score, 0.0, 1.0)
        with np.errstate(divide="ignore"):
            logits = np.log(probability) - np.log1p(-probability)
        return (np.floor(np.clip(logits, -END - 1, END) * self.per_unit).astype(int) + self.half).clip(0, self.bins - 1)

    def count(self, score: Float[np.ndarray, " n"]) -> Int[np.ndarray, " bins"]:
        """How many scores lie in each bin."""
        return np.bincount(self.place(score), minlength=self.bins)

    def coarser(self, counts: Int[np.ndarray, " bins"], grid: ScoreGrid) -> Int[np.ndarray, " fewer"]:
        """These counts on a coarser grid whose bins are made of whole bins of this one."""
        factor = self.per_unit // grid.per_unit
        inner = counts[1:-1].reshape(-1, factor).sum(axis=1)
        return np.concatenate([counts[:1], inner, counts[-1:]])


def sparse(counts: Int[np.ndarray, " bins"]) -> dict[str, int]:
    """The bins that hold anything, by number, for JSON."""
    return {str(number): int(counts[number]) for number in np.flatnonzero(counts)}


def dense(content: Mapping[str, Any], grid: ScoreGrid) -> Int[np.ndarray, " bins"]:
    """The counts behind `sparse`.

    Raises:
        ValueError: a bin that the grid does not have, or a count that is none.
    """
    counts = np.zeros(grid.bins, dtype=int)
    for number, count in content.items():
        whole = isinstance(count, int) and count > 0
        if not (whole and number.isascii() and number.isdigit() and int(number) < grid.bins):
            raise ValueError(f"bin {number} cannot hold {count}")
        counts[int(number)] = count
    return counts


def expand(
    above: Int[np.ndarray, " bins"], below: Int[np.ndarray, " bins"], grid: ScoreGrid
) -> tuple[Bool[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Binned cases written out: whether each is positive, and the score that stands for its bin."""
    positive = np.repeat([True, False], [above.sum(), below.sum()])
    centres = grid.centres
    return positive, np.concatenate([np.repeat(centres, above), np.repeat(centres, below)])


def binned_auc(above: Int[np.ndarray, " bins"], below: Int[np.ndarray, " bins"]) -> float:
    """AUC of binned scores: pairs in one bin count half.

    Args:
        above: positive cases per bin.
        below: negative cases per bin.
    """
    beaten = np.concatenate([[0], np.cumsum(below)[:-1]])
    return float(above @ (beaten + below / 2) / (above.sum() * below.sum()))


def tie_bound(above: Int[np.ndarray, " bins"], below: Int[np.ndarray, " bins"]) -> float:
    """How far `binned_auc` can be from the AUC of the scores themselves: half the share of pairs in one bin."""
    return float(above @ below / (2 * above.sum() * below.sum()))


def added(parts: Sequence[tuple[ScoreGrid, Int[np.ndarray, " _"]]]) -> tuple[ScoreGrid, Int[np.ndarray, " _"]]:
    """The sum of counts, on the coarsest of their grids."""
    grid = ScoreGrid(min(own.per_unit for own, _ in parts))
    return grid, np.sum([own.coarser(counts, grid) for own, counts in parts], axis=0)

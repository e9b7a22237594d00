"""How much of a score's spread groups of measurements explain: R² shared out by Shapley values, exact over groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import factorial

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import norm, rankdata

from fibrolens.evaluate.bootstrap import REPLICATES, bootstrap_curve
from fibrolens.evaluate.intervals import Interval

#: Replicates at a time, which bounds the memory.
ROWS = 500
#: Added to the diagonal of a correlation matrix, so that columns that say the same do no harm.
JITTER = 1e-9
#: Cross-validation of the whole model: folds of patients, and how often they are drawn.
FOLDS, REPEATS = 5, 10


@dataclass(frozen=True)
class Share:
    """What one group explains.

    Args:
        share: its Shapley value; the shares of all groups add up to the whole.
        alone: R² of the group by itself.
        unique: what the whole loses without it.
    """

    share: Interval
    alone: float
    unique: float


@dataclass(frozen=True)
class Shares:
    """R² of a score on groups of measurements, everything adjusted for the number of columns.

    Args:
        groups: each group's part.
        whole: all groups together.
        out_of_fold: R² of all groups on patients that the regression was not fitted to.
    """

    groups: Mapping[str, Share]
    whole: Interval
    out_of_fold: float


@dataclass(frozen=True, eq=False)
class _Game:
    """The regressions on all subsets of the groups.

    Args:
        table: all columns, the score last.
        members: columns of each group.
        subsets: of the groups, none first and all last.
    """

    table: Float[np.ndarray, "n p"]
    members: tuple[Int[np.ndarray, " _"], ...]
    subsets: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, score: Float[np.ndarray, " n"], groups: Sequence[Float[np.ndarray, "n _"]]) -> _Game:
        edges = np.cumsum([0, *(columns.shape[1] for columns in groups)])
        members = tuple(np.arange(first, last) for first, last in pairwise(edges))
        subsets = tuple(s for size in range(len(groups) + 1) for s in combinations(range(len(groups)), size))
        return cls(np.column_stack([*groups, score]), members, subsets)

    def columns(self, subset: tuple[int, ...]) -> Int[np.ndarray, " k"]:
        return np.concatenate([self.members[group] for group in subset])

    def explained(self, weight: Float[np.ndarray, "r n"]) -> Float[np.ndarray, "r s"]:
        """Plain R² of every subset where each scan has the given weight."""
        found = np.zeros((len(weight), len(self.subsets)))
        for start in range(0, len(weight), ROWS):
            matrix = _correlations(self.table, weight[start : start + ROWS])
            for number, subset in enumerate(self.subsets[1:], start=1):
                found[start : start + ROWS, number] = _explained(matrix, self.columns(subset))
        return found

    def adjusted(self, explained: Float[np.ndarray, "r s"]) -> Float[np.ndarray, "r s"]:
        """Ezekiel's R²."""
        n = len(self.table)
        widths = np.array([sum(len(self.members[group]) for group in subset) for subset in self.subsets])
        return 1 - (1 - explained) * (n - 1) / (n - widths - 1)

    def parts(self, explained: Float[np.ndarray, "r s"]) -> Float[np.ndarray, "r g"]:
        """The Shapley value of each group, and the whole."""
        weights = _shapley(len(self.members), self.subsets)
        return np.column_stack([explained @ weights.T, explained[:, -1]])


def shares(
    score: Float[np.ndarray, " n"],
    groups: Mapping[str, Float[np.ndarray, "n _"]],
    patient: Int[np.ndarray, " n"],
    generator: np.random.Generator,
    replicates: int = REPLICATES,
) -> Shares:
    """Linear regression of `score` on every subset of the groups, and the mean gain of adding each one.

    The mean over all orders is the method of Lindeman, Merenda and Gold (1980; Grömping, Am Stat 2007;61:139), for
    groups the value of Shapley and Owen. R² is Ezekiel's adjusted one, 1 - (1 - R²)(n - 1)/(n - columns - 1), since the
    plain one grows with every column of noise; so a share may be a little below 0. A replicate of the bootstrap repeats
    patients, which adds that growth once more; its spread is taken around the adjusted figure.

    Args:
        score: what is explained.
        groups: columns of each group; every column must vary.
        patient: number of the patient of each scan; the bootstrap draws patients.
        generator: source of the draws.
        replicates: number of draws of the whole cohort.

    Raises:
        ValueError: there are as many columns as scans.
    """
    game, n = _Game.of(score, list(groups.values())), len(score)
    if n <= game.table.shape[1]:
        raise ValueError(f"a regression on {game.table.shape[1] - 1} columns needs more scans than {n}")
    plain = game.explained(np.ones((1, n)))
    each = game.adjusted(plain)
    found = game.parts(each)[0]
    ends = bootstrap_curve(
        lambda weight: game.parts(game.adjusted(game.explained(weight))),
        np.zeros(n, dtype=int),
        patient,
        generator,
        replicates,
    )
    inflated = game.parts(plain)[0] - found
    ends = np.full((2, len(found)), np.nan) if ends is None else ends - inflated
    intervals = [Interval(float(v), float(low), float(high)) for v, low, high in zip(found, *ends, strict=True)]
    by_subset = dict(zip(game.subsets, each[0].tolist(), strict=True))
    whole = game.subsets[-1]
    parts = {
        name: Share(intervals[g], by_subset[g,], by_subset[whole] - by_subset[tuple(k for k in whole if k != g)])
        for g, name in enumerate(groups)
    }
    return Shares(parts, intervals[-1], _out_of_fold(game.table, patient, generator))


def normal_scores(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Ranks as quantiles of the normal distribution (van der Waerden); an unknown value is put in the middle, at 0."""
    known = ~np.isnan(values)
    scores = np.zeros(len(values))
    scores[known] = norm.ppf(rankdata(values[known]) / (known.sum() + 1))
    return scores


def _shapley(groups: int, subsets: Sequence[tuple[int, ...]]) -> Float[np.ndarray, "g s"]:
    """The weight of each subset's figure in each group's Shapley value."""
    weights = np.zeros((groups, len(subsets)))
    for column, subset in enumerate(subsets):
        size = len(subset)
        for group in range(groups):
            if group in subset:
                weights[group, column] = factorial(size - 1) * factorial(groups - size) / factorial(groups)
            else:
                weights[group, column] = -factorial(size) * factorial(groups - size - 1) / factorial(groups)
    return weights


def _correlations(table: Float[np.ndarray, "n p"], weight: Float[np.ndarray, "r n"]) -> Float[np.ndarray, "r p p"]:
    """Weighted correlations of the columns, the score's last."""
    share = weight / weight.sum(axis=1, keepdims=True)
    mean = share @ table
    products = (table[:, :, None] * table[:, None, :]).reshape(len(table), -1)
    matrix = (share @ products).reshape(len(weight), table.shape[1], -1) - mean[:, :, None] * mean[:, None, :]
    deviation = np.sqrt(np.maximum(np.diagonal(matrix, axis1=1, axis2=2), 1e-12))
    return matrix / deviation[:, :, None] / deviation[:, None, :]


def _explained(matrix: Float[np.ndarray, "r p p"], columns: Int[np.ndarray, " k"]) -> Float[np.ndarray, " r"]:
    """R² of the last column on `columns`."""
    among = matrix[:, columns[:, None], columns[None, :]] + JITTER * np.eye(len(columns))
    wanted = matrix[:, columns, -1]
    return (wanted * np.linalg.solve(among, wanted[:, :, None])[:, :, 0]).sum(axis=1)


def _out_of_fold(
    table: Float[np.ndarray, "n p"], patient: Int[np.ndarray, " n"], generator: np.random.Generator
) -> float:
    """R² of predictions of the last column by a regression fitted to other patients, mean of the repeats."""
    index = np.unique(patient, return_inverse=True)[1]
    design, score = np.column_stack([np.ones(len(table)), table[:, :-1]]), table[:, -1]
    found = []
    for _ in range(REPEATS):
        fold = generator.permutation(np.arange(index.max() + 1) % FOLDS)[index]
        predicted = np.zeros(len(score))
        for k in np.unique(fold):
            kept = fold == k
            predicted[kept] = design[kept] @ np.linalg.lstsq(design[~kept], score[~kept], rcond=None)[0]
        found.append(1 - ((score - predicted) ** 2).sum() / ((score - score.mean()) ** 2).sum())
    return float(np.mean(found))

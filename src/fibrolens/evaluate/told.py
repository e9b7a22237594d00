"""Whether facts of a scan tell its stage: a score out of fold, and a permutation test over patients.

The score is a ridge regression on all facts. It is linear in the labels that it is fitted to, so that it can be fitted
anew to thousands of permuted labels at the price of a matrix product, which a logistic regression cannot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import rankdata

#: Permutations of the patients' stages; with the true ones 10,000.
DRAWS = 9999
#: Cross-validation: folds, and how often they are drawn anew. Their mean is the score.
FOLDS, REPEATS = 5, 5
#: Shrinkage of the ridge regression per scan that it is fitted to: with standardised facts as strong as the data.
SHRINKAGE = 1.0
#: Standardised facts are cut here, so that no odd scan decides.
CLIP = 3.0
#: Labels held at a time, which bounds the memory.
CELLS = 4_000_000
THRESHOLDS = (2, 3, 4)
ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Scans:
    """Scans with what is known of how they were made.

    Args:
        stages: the stages that the reference allows of each.
        patient: number of the patient of each, from 0 on.
        words: facts that name something; an empty text where unknown.
        numbers: facts that are a number; NaN where unknown.
    """

    stages: Sequence[tuple[int, ...]]
    patient: Int[np.ndarray, " n"]
    words: Mapping[str, Sequence[str]]
    numbers: Mapping[str, Float[np.ndarray, " n"]]


@dataclass(frozen=True)
class Column:
    """A column that facts become: a number, one of its words, or that it is unknown."""

    fact: str
    value: str = ""


@dataclass(frozen=True, eq=False)
class Told:
    """What the facts tell.

    Args:
        score: of each scan and threshold, out of fold; the higher, the more it looks positive.
        columns: what the facts became.
        correlation: of each column and threshold with being positive: of its values or its ranks, the stronger one.
        column_p: of each column's strongest correlation, adjusted for all columns and thresholds.
        p_value: of the score and the strongest column together, over all thresholds.
        draws: permutations.
    """

    score: Float[np.ndarray, "n thresholds"]
    columns: tuple[Column, ...]
    correlation: Float[np.ndarray, "columns thresholds"]
    column_p: Float[np.ndarray, " columns"]
    p_value: float
    draws: int


def told(scans: Scans, generator: np.random.Generator, draws: int = DRAWS) -> Told | None:
    """Score the scans by their facts and test whether these facts go with the stage at all.

    Two statistics, each the largest over F>=2, F>=3 and F4: the correlation of the score out of fold with being
    positive, and the absolute correlation of the single column that goes with it best, by its values (which see two
    separate clusters) or by its ranks (which see more where values are skewed). Stages are permuted among patients (of
    as many scans), and each statistic gets its p-value; the smaller of the two is compared with the smaller of each
    permutation (min-p; Westfall and Young, Resampling-Based Multiple Testing, 1993), so that the p-value holds for all
    thresholds, columns and both statistics together. The folds are drawn without a look at stage or site: in
    folds balanced by both, a chance agreement would hold in every fold and be taken for a true one.

    Returns:
        What was found; None where no fact varies.
    """
    columns, design = _design(scans)
    if not columns:
        return None
    smooth = _operator(design, scans.patient, generator)
    share = np.array([[np.mean([stage >= k for stage in own]) for k in THRESHOLDS] for own in scans.stages])
    unit = _unit(np.column_stack([design, rankdata(design, axis=0)]))
    overall, single = [], []
    for labels in _permuted(share, scans.patient, generator, draws):
        flat = labels.reshape(len(share), -1)
        found, wanted = _unit(smooth @ flat), _unit(flat)
        overall.append((found * wanted).sum(axis=0).reshape(-1, len(THRESHOLDS)).max(axis=1))
        single.append(np.abs(unit.T @ wanted).max(axis=0).reshape(-1, len(THRESHOLDS)).max(axis=1))
    all_facts, best = np.concatenate(overall), np.concatenate(single)
    smaller = np.minimum(_p_values(all_facts), _p_values(best))
    by_value, by_rank = np.split(unit.T @ _unit(share), 2)
    correlation = np.where(np.abs(by_value) >= np.abs(by_rank), by_value, by_rank)
    strongest = np.abs(correlation).max(axis=1)
    column_p = (best[None, :] >= strongest[:, None] - ROUNDING).mean(axis=1)
    p_value = float((smaller <= smaller[0] + ROUNDING).mean())
    return Told(smooth @ (share - share.mean(axis=0)), columns, correlation, column_p, p_value, draws)


def _design(scans: Scans) -> tuple[tuple[Column, ...], Float[np.ndarray, "n columns"]]:
    """The facts as columns that vary: numbers with the median for unknown ones, a column per word, one per unknown."""
    found: list[tuple[Column, Float[np.ndarray, " n"]]] = []
    for name, numbers in scans.numbers.items():
        unknown = np.isnan(numbers)
        if not unknown.all():
            found.append((Column(name), np.where(unknown, np.median(numbers[~unknown]), numbers)))
            found.append((Column(name, "unknown"), unknown.astype(float)))
    for name, words in scans.words.items():
        found += [
            (Column(name, word or "unknown"), np.array([own == word for own in words], dtype=float))
            for word in sorted(set(words))
        ]
    kept = [(column, values) for column, values in found if np.ptp(values) > ROUNDING]
    if not kept:
        return (), np.zeros((len(scans.stages), 0))
    return tuple(column for column, _ in kept), np.stack([_standard(values) for _, values in kept], axis=1)


def _standard(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    return np.clip((values - values.mean()) / values.std(), -CLIP, CLIP)


def _operator(
    design: Float[np.ndarray, "n columns"], patient: Int[np.ndarray, " n"], generator: np.random.Generator
) -> Float[np.ndarray, "n n"]:
    """The matrix that makes scores out of fold of labels: row i holds 0 for every scan of scan i's fold.

    Facts are standardised over all scans, which looks at no label. The intercept is left out: it is the mean label of
    the other folds, which is lower where a fold has more positive scans.
    """
    from sklearn.linear_model import Ridge  # noqa: PLC0415  (a slow import that `evaluate` needs only here)

    total = np.zeros((len(design), len(design)))
    for fold in _folds(patient, generator):
        kept, others = np.flatnonzero(fold), np.flatnonzero(~fold)
        ridge = Ridge(alpha=SHRINKAGE * len(others)).fit(design[others], np.eye(len(others)))
        total[np.ix_(kept, others)] += (design[kept] - design[others].mean(axis=0)) @ ridge.coef_.T / REPEATS
    return total


def _folds(patient: Int[np.ndarray, " n"], generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Which scans are in each fold, `REPEATS` times; all scans of a patient are in one."""
    patients = int(patient.max()) + 1
    for _ in range(REPEATS):
        number = generator.permutation(np.arange(patients) % FOLDS)[patient]
        yield from (number == fold for fold in range(min(FOLDS, patients)))


def _permuted(
    share: Float[np.ndarray, "n thresholds"], patient: Int[np.ndarray, " n"], generator: np.random.Generator, draws: int
) -> Iterator[Float[np.ndarray, "n draws thresholds"]]:
    """The labels, the true ones first, then permuted among patients of as many scans; some draws at a time."""
    scans = np.bincount(patient)
    order = np.argsort(patient, kind="stable")
    starts = np.cumsum(scans) - scans
    blocks = [order[starts[scans == size][:, None] + np.arange(size)] for size in np.unique(scans)]
    source = np.arange(len(share))[:, None]
    size = max(CELLS // share.size, 1)
    for first in range(0, draws + 1, size):
        count = min(size, draws + 1 - first)
        index = np.repeat(source, count, axis=1)
        for block in blocks:
            drawn = generator.permuted(np.tile(np.arange(len(block)), (count, 1)), axis=1)
            index[block.ravel()] = block[drawn].reshape(count, -1).T
        if first == 0:
            index[:, 0] = source[:, 0]
        yield share[index]


def _unit(values: Float[np.ndarray, "n m"]) -> Float[np.ndarray, "n m"]:
    """Columns of mean 0 and length 1; what does not vary is 0."""
    centred = values - values.mean(axis=0)
    length = np.linalg.norm(centred, axis=0)
    return np.divide(centred, length, out=np.zeros_like(centred), where=length > ROUNDING)


def _p_values(statistic: Float[np.ndarray, " draws"]) -> Float[np.ndarray, " draws"]:
    """Of each draw, the share of draws that are as large or larger."""
    return (len(statistic) - rankdata(statistic.round(12), method="min") + 1) / len(statistic)

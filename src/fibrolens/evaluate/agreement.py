"""Agreement of readers on unordered categories: Fleiss' kappa, Gwet's AC1, Cohen's kappa, percent agreement.

Readers need not have read every item. Observed agreement is the mean, over the items with two readings at least, of the
share of pairs of readings that agree; the prevalence of a category is the mean, over all items that were read, of its
share of the item's readings (Gwet, Handbook of Inter-Rater Reliability, 4th ed. 2014, sections 2.3 and 3.5). Where all
items have equally many readings this is Fleiss, Psychol Bull 1971;76:378.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

#: Stands for a reading that is missing.
MISSING = -1
#: Agreement by chance that differs from 1 by less is 1: everything was put into one category.
CERTAIN = 1e-12

Weights = Float[np.ndarray, "r n"]


@dataclass(frozen=True, eq=False)
class Agreement:
    """Agreement of one sample, or of each replicate of a bootstrap.

    Args:
        value: the coefficient, 1 for full agreement and 0 for that of chance; NaN where chance alone agrees fully, or
            no item was read twice.
        observed: share of pairs of readings that agree.
        chance: the share that chance alone would give.
    """

    value: Float[np.ndarray, " r"]
    observed: Float[np.ndarray, " r"]
    chance: Float[np.ndarray, " r"]


#: From the weight of each item in each replicate to the agreement of each replicate.
Coefficient = Callable[[Weights], Agreement]


def counts_of(ratings: Int[np.ndarray, "n readers"], categories: int) -> Int[np.ndarray, "n k"]:
    """How many readers put each item into each category.

    Args:
        ratings: category of each item by each reader, from 0; `MISSING` where there is none.
        categories: how many there are.
    """
    return (ratings[:, :, None] == np.arange(categories)).sum(axis=1)


def fleiss_kappa(counts: Int[np.ndarray, "n k"]) -> Coefficient:
    """Fleiss' kappa: by chance two readings agree with the sum of the squared prevalences.

    Args:
        counts: how many readers put each item into each category, see `counts_of`.
    """
    return _of_prevalence(counts, lambda prevalence: (prevalence**2).sum(axis=1))


def gwet_ac1(counts: Int[np.ndarray, "n k"]) -> Coefficient:
    """Gwet's AC1 (Br J Math Stat Psychol 2008;61:29), which does not fall where one category is by far the commonest.

    By chance two readings agree with the sum of p (1 - p) over all k categories, used or not, divided by k - 1.

    Args:
        counts: how many readers put each item into each category; two categories at least.
    """
    others = counts.shape[1] - 1
    return _of_prevalence(counts, lambda prevalence: (prevalence * (1 - prevalence)).sum(axis=1) / others)


def cohen_kappa(first: Int[np.ndarray, " n"], second: Int[np.ndarray, " n"], categories: int) -> Coefficient:
    """Cohen's kappa (Educ Psychol Meas 1960;20:37): by chance two readers agree by the product of their prevalences.

    Args:
        first: category of each item by one reader, from 0; an item that is `MISSING` in either has no weight.
        second: by the other.
        categories: how many there are.
    """
    both = (first != MISSING) & (second != MISSING)
    own, other = (((read[:, None] == np.arange(categories)) & both[:, None]).astype(float) for read in (first, second))
    same = (own * other).sum(axis=1)

    def coefficient(weights: Weights) -> Agreement:
        total = weights @ both.astype(float)
        chance = _divided(((weights @ own) * (weights @ other)).sum(axis=1), total**2)
        return _corrected(_divided(weights @ same, total), chance)

    return coefficient


def plain(coefficient: Coefficient, items: int) -> tuple[float, float, float]:
    """Value, observed agreement and agreement by chance of a sample of `items` items, each of weight 1."""
    found = coefficient(np.ones((1, items)))
    return float(found.value[0]), float(found.observed[0]), float(found.chance[0])


def _of_prevalence(
    counts: Int[np.ndarray, "n k"], chance: Callable[[Float[np.ndarray, "r k"]], Float[np.ndarray, " r"]]
) -> Coefficient:
    """The coefficient whose agreement by chance depends on the prevalence of the categories."""
    readings = counts.sum(axis=1).astype(float)
    read, twice = (readings >= 1).astype(float), (readings >= 2).astype(float)
    agreeing = _divided((counts * (counts - 1.0)).sum(axis=1), readings * (readings - 1)) * twice
    shares = counts / np.maximum(readings, 1)[:, None]

    def coefficient(weights: Weights) -> Agreement:
        observed = _divided(weights @ np.nan_to_num(agreeing), weights @ twice)
        prevalence = _divided(weights @ shares, (weights @ read)[:, None])
        return _corrected(observed, chance(prevalence))

    return coefficient


def _corrected(observed: Float[np.ndarray, " r"], chance: Float[np.ndarray, " r"]) -> Agreement:
    room = np.where(1 - chance > CERTAIN, 1 - chance, 0.0)
    return Agreement(_divided(observed - chance, room), observed, chance)


def _divided(above: Float[np.ndarray, "*s"], below: Float[np.ndarray, "*t"]) -> Float[np.ndarray, "*s"]:
    """The quotient, NaN where nothing is below."""
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)

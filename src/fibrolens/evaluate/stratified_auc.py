"""AUC among cases that are alike in something else: only pairs of one stratum are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from fibrolens.evaluate.bootstrap import REPLICATES, bootstrap
from fibrolens.evaluate.entries import ends
from fibrolens.evaluate.intervals import Interval, delong
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.roc import at_least
from fibrolens.evaluate.study import decided

#: Fewer pairs than this within the strata are too few for a figure.
FEWEST_PAIRS = 30
#: Strata of scans alike in how they were made: quarters of the acquisition score.
QUARTERS = 4


@dataclass(frozen=True)
class AlikeAuc:
    """AUC of the pairs within strata.

    Args:
        interval: with percentiles of a bootstrap of patients; NaN with fewer than `FEWEST_PAIRS` pairs.
        pairs: positive with negative scan of the same stratum.
    """

    interval: Interval
    pairs: int


def auc_within(
    positive: Bool[np.ndarray, " n"],
    score: Float[np.ndarray, " n"],
    stratum: Int[np.ndarray, " n"],
    patient: Int[np.ndarray, " n"],
    generator: np.random.Generator,
    replicates: int = REPLICATES,
) -> AlikeAuc:
    """Share of the pairs of one stratum in which the positive scan scores higher, ties half.

    The strata count by their pairs (the covariate-adjusted AUC of Janes and Pepe, Biometrika 2009;96:371, with pairs
    for weights). A score that tells nothing but the stratum has 0.5.

    Args:
        positive: whether a scan is positive by the reference.
        score: the higher, the more positive.
        stratum: number of the stratum of each scan.
        patient: number of the patient of each scan; all scans of a drawn patient are drawn together.
        generator: source of the draws.
        replicates: number of draws of the whole cohort.
    """
    same = (stratum[positive][:, None] == stratum[~positive][None, :]).astype(float)
    pairs = int(same.sum())
    if pairs < FEWEST_PAIRS:
        return AlikeAuc(Interval(float("nan"), float("nan"), float("nan")), pairs)
    ahead = score[positive][:, None] - score[~positive][None, :]
    won = same * np.where(ahead > 0, 1.0, np.where(ahead == 0, 0.5, 0.0))

    def statistic(weights: Float[np.ndarray, "r n"]) -> Float[np.ndarray, " r"]:
        up, down = weights[:, positive], weights[:, ~positive]
        all_pairs = ((up @ same) * down).sum(axis=1)
        wins = ((up @ won) * down).sum(axis=1)
        return np.divide(wins, all_pairs, out=np.full(len(wins), np.nan), where=all_pairs > 0)

    low, high = bootstrap(statistic, positive.astype(int), patient, generator, replicates)
    return AlikeAuc(Interval(float(won.sum() / pairs), low, high), pairs)


def compare_alike(
    cases: Sequence[Predicted],
    k: int,
    scans: tuple[Sequence[str], Float[np.ndarray, " n"] | None],
    generator: np.random.Generator,
    replicates: int = REPLICATES,
) -> dict[str, Any]:
    """The network's AUC of F>=k over all pairs, over pairs of a site, and over pairs alike in how they were made.

    Args:
        cases: out-of-fold predictions.
        k: the threshold.
        scans: site of each scan, and its acquisition score for this threshold, None where there is none.
        generator: source of the draws.
        replicates: number of draws.

    Returns:
        ``all``, ``within_site`` and ``within_acquisition``, each with ``value``, ``interval`` and ``pairs``; None where
        there are no strata.
    """
    kept, positive = decided(cases, k)
    if not 0 < positive.sum() < len(positive):
        return dict.fromkeys(("all", "within_site", "within_acquisition")) | {"reason": "no scan on one side"}
    index = {case.scan_id: number for number, case in enumerate(cases)}
    order = np.array([index[case.scan_id] for case in kept])
    own = at_least(np.array([case.probabilities for case in kept], dtype=float))[:, k - 1]
    patient = np.unique([case.patient_id for case in kept], return_inverse=True)[1]
    area = delong(positive, own, patient)
    sites = np.unique([scans[0][number] for number in order], return_inverse=True)[1]
    quarters = None if scans[1] is None else _quarters(scans[1][order])
    draws = generator, replicates
    return {
        "all": {"value": area.estimate, "interval": ends(area), "pairs": int(positive.sum() * (~positive).sum())},
        "within_site": _within(positive, own, sites, patient, draws),
        "within_acquisition": None if quarters is None else _within(positive, own, quarters, patient, draws),
    }


def _within(
    positive: Bool[np.ndarray, " n"],
    score: Float[np.ndarray, " n"],
    stratum: Int[np.ndarray, " n"],
    patient: Int[np.ndarray, " n"],
    draws: tuple[np.random.Generator, int],
) -> dict[str, Any] | None:
    """The AUC of pairs of a stratum; None with a single one, which is all pairs."""
    strata = len(np.unique(stratum))
    if strata < 2:
        return None
    found = auc_within(positive, score, stratum, patient, *draws)
    entry = {"pairs": found.pairs, "strata": strata}
    if found.pairs < FEWEST_PAIRS:
        return entry | {"value": None, "interval": None, "reason": f"fewer than {FEWEST_PAIRS} pairs of one stratum"}
    return entry | {"value": found.interval.estimate, "interval": ends(found.interval)}


def _quarters(score: Float[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    cuts = np.quantile(score, np.arange(1, QUARTERS) / QUARTERS)
    return np.searchsorted(cuts, score, side="right")

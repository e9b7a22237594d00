"""Does a map agree with what happens to the score? Per scan: the map's densities against the changes by replacement.

Organ ablation replaces a region by neutral tissue and looks how far the score of the map's target falls; the
counterfactual twins of a simulated patient lack one sign (surface, spleen, texture, lobes), and the "regions" are the
places of these signs. In both, a map that says what the network used is dense where the score falls most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from fibrolens.evaluate.attention import summarise
from fibrolens.evaluate.bootstrap import REPLICATES
from fibrolens.evaluate.entries import proportion
from fibrolens.evaluate.saliency.means import patient_mean
from fibrolens.evaluate.saliency.similarity import rank_correlation

#: Regions that a rank correlation needs; with two it is always -1 or 1.
FEWEST_REGIONS = 3
#: Where the changes of a scan differ by less (of a probability), their order says nothing.
LEAST_CHANGE = 1e-3
TOO_FEW = f"fewer than {FEWEST_REGIONS} regions have both a density and a change"
NO_CHANGE = f"the changes of the score differ by less than {LEAST_CHANGE:g}"


@dataclass(frozen=True)
class ScanAgreement:
    """How a scan's map agrees with the changes of its score.

    Args:
        regions: regions with both figures.
        rank: Spearman's correlation of densities and changes; 0 for a map that is equally dense everywhere, which ranks
            nothing; None beside a `reason` where the changes have no order.
        top1: whether the densest region is one whose replacement lets the score fall most; a map without a single
            densest region names none and is wrong. None as `rank`.
        chance: of `top1`, for a map without knowledge.
        reason: why there are no figures.
    """

    regions: int
    rank: float | None = None
    top1: bool | None = None
    chance: float | None = None
    reason: str | None = None


def scan_agreement(density: Float[np.ndarray, " regions"], change: Float[np.ndarray, " regions"]) -> ScanAgreement:
    """Agreement of one scan.

    Args:
        density: mean of the map in each region; NaN is unknown.
        change: how far the score falls when the region is replaced, before less after; NaN is unknown.
    """
    known = ~(np.isnan(density) | np.isnan(change))
    ours, falls = density[known], change[known]
    count = len(ours)
    if count < FEWEST_REGIONS:
        return ScanAgreement(count, reason=TOO_FEW)
    if np.ptp(falls) < LEAST_CHANGE:
        return ScanAgreement(count, reason=NO_CHANGE)
    named, right = ours == ours.max(), falls == falls.max()
    top1 = bool(named.sum() == 1 and right[named][0])
    return ScanAgreement(count, rank_correlation(ours, falls) or 0.0, top1, float(right.mean()))


def effects(
    regions: Sequence[str],
    density: Float[np.ndarray, "n regions"],
    change: Float[np.ndarray, "n regions"],
    patient: Int[np.ndarray, " n"],
    generator: np.random.Generator,
    share: Float[np.ndarray, "n regions"] | None = None,
    replicates: int = REPLICATES,
) -> dict[str, Any]:
    """Agreement of maps and changes over scans, ready for JSON.

    A map without knowledge gets a mean rank correlation of 0, for every order of its densities is then equally likely,
    whatever ties; a single scan of k regions scatters about it with a standard deviation of 1 / sqrt(k - 1). So few
    regions say little of one scan, and much only of many.

    Args:
        regions: names; they should not hold one another, or their figures hang together.
        density: mean of each scan's map in each region; NaN is unknown.
        change: how far each scan's score falls when the region is replaced; NaN is unknown.
        patient: number of the patient of each scan.
        generator: source of the draws.
        share: part of each map's sum that lies in each region; None leaves it out.
        replicates: bootstrap replicates.

    Returns:
        ``rank`` (mean over scans, interval, quartiles, and what is ``random``), ``top1`` (see `proportion`, and what is
        ``random``), ``regions`` (means of ``density``, ``change`` and ``share``), ``left_out`` (scans by reason) and
        ``per_scan``.
    """
    found = [scan_agreement(*rows) for rows in zip(density, change, strict=True)]
    ranked = np.array([one.rank is not None for one in found], dtype=bool)
    ranks = np.array([np.nan if one.rank is None else one.rank for one in found])
    rank = patient_mean(ranks, patient, generator, replicates)
    columns = {"density": density, "change": change} | ({} if share is None else {"share": share})
    return {
        "rank": rank | {"spread": summarise(ranks), "random": _random_rank(found)},
        "top1": _top1(found, ranked, patient),
        "regions": {
            name: {key: patient_mean(values[:, k], patient, generator, replicates) for key, values in columns.items()}
            for k, name in enumerate(regions)
        },
        "left_out": dict(Counter(one.reason for one in found if one.reason)),
        "per_scan": [asdict(one) for one in found],
    }


def _random_rank(found: Sequence[ScanAgreement]) -> dict[str, float | None]:
    spread = [1 / (one.regions - 1) for one in found if one.rank is not None]
    return {"mean": 0.0, "sd_of_a_scan": float(np.sqrt(np.mean(spread))) if spread else None}


def _top1(
    found: Sequence[ScanAgreement], ranked: Bool[np.ndarray, " n"], patient: Int[np.ndarray, " n"]
) -> dict[str, Any]:
    right = np.array([bool(one.top1) for one in found], dtype=bool)[ranked]
    chances = [one.chance for one in found if one.chance is not None]
    return proportion(right, patient[ranked]) | {"random": float(np.mean(chances)) if chances else None}

"""What a hospital may hand out of its predictions: sums that name nobody.

A packet holds counts of scans and patients, histograms of scores, DeLong's components, calibration bins and moments of
markers, each of a group of patients: no scan, no patient, no date, no site unless it is given. No distribution is given
of fewer than `least` patients. What that protects and what it does not stands in docs/packet.md.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float

from fibrolens.evaluate.intervals import auc, delong_variance, placements
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.scoregrid import ScoreGrid, sparse
from fibrolens.evaluate.study import THRESHOLDS, decided, scores_of, threshold_name

KIND = "fibrolens validation packet"
SCHEMA_VERSION = 1
LEAST = 5
#: Calibration bins of the probability.
TENTHS = 10
FIXED, CROSS_VALIDATION = "fixed weights", "own cross-validation"
Stages = tuple[int, ...]


@dataclass(frozen=True)
class Origin:
    """Which weights predicted.

    Args:
        kind: the same weights everywhere, or networks that the hospital trained on its own patients, each predicting
            those that it had not seen.
        weights: SHA-256 of each weights file.
    """

    kind: Literal["fixed weights", "own cross-validation"]
    weights: tuple[str, ...]


@dataclass(frozen=True)
class Disclosure:
    """What leaves the hospital.

    Args:
        least: no distribution is given of fewer patients; 1 at least.
        grid: of the histograms.
        site: the hospital's name, where it wants to be named.
    """

    least: int = LEAST
    grid: ScoreGrid = field(default_factory=ScoreGrid)
    site: str | None = None


def make_packet(
    cases: Sequence[Predicted], origin: Origin, disclosure: Disclosure, markers: Mapping[str, Mapping[str, float]]
) -> dict[str, Any]:
    """The content of a packet, but for what its source adds and for its seal.

    Args:
        cases: predictions by networks that had not seen these patients.
        origin: which networks.
        disclosure: what leaves the hospital.
        markers: by name, the value of each scan id that has one.
    """
    return {
        "kind": KIND,
        "schema_version": SCHEMA_VERSION,
        "model": {"kind": origin.kind, "weights_sha256": sorted(set(origin.weights))},
        "site": disclosure.site,
        "least": disclosure.least,
        "grid": {"scale": "logit", "bins_per_unit": disclosure.grid.per_unit},
        "counts": _counts(cases, disclosure.least),
        "thresholds": {threshold_name(k): _threshold(cases, k, disclosure) for k in THRESHOLDS},
        "markers": {name: moments(cases, values, disclosure.least) for name, values in sorted(markers.items())},
    }


def stage_set(stages: Stages) -> str:
    """``F2``, or ``F2|F3``."""
    return "|".join(f"F{k}" for k in stages)


def patients_of(cases: Sequence[Predicted]) -> int:
    """How many patients these scans are of."""
    return len({case.patient_id for case in cases})


def grouped(cases: Sequence[Predicted], least: int) -> list[tuple[tuple[Stages, ...], list[Predicted]]]:
    """The cases by stage set, sets of too few patients merged with the one nearest in stage.

    Args:
        cases: of one side of a threshold, so that a merger costs its AUC nothing.
        least: patients of each group, unless all cases together are fewer.
    """
    sets: dict[Stages, list[Predicted]] = {}
    for case in cases:
        sets.setdefault(case.stages, []).append(case)
    groups: list[tuple[tuple[Stages, ...], list[Predicted]]] = [
        ((stages,), members) for stages, members in sorted(sets.items(), key=lambda item: _middle(item[0]))
    ]
    while len(groups) > 1 and (few := [n for n, group in enumerate(groups) if patients_of(group[1]) < least]):
        one = min(few, key=lambda n: patients_of(groups[n][1]))
        near = [n for n in (one - 1, one + 1) if 0 <= n < len(groups)]
        other = min(near, key=lambda n: abs(_centre(groups[n][0]) - _centre(groups[one][0])))
        first, second = sorted((one, other))
        groups[first : second + 1] = [(groups[first][0] + groups[second][0], groups[first][1] + groups[second][1])]
    return groups


def moments(cases: Sequence[Predicted], values: Mapping[str, float], least: int) -> dict[str, Any]:
    """Scans, mean and standard deviation (n - 1) of a value by stage set; sets of too few patients are left out.

    There is no row of all stages: less the others it would tell of the one that was left out.
    """
    found = {}
    for stages in sorted({case.stages for case in cases}):
        known = [case for case in cases if case.stages == stages and case.scan_id in values]
        if known and patients_of(known) >= least:
            numbers = np.array([values[case.scan_id] for case in known])
            spread = float(numbers.std(ddof=1)) if len(numbers) > 1 else 0.0
            found[stage_set(stages)] = {"scans": len(known), "mean": _six(float(numbers.mean())), "sd": _six(spread)}
    return found


def _counts(cases: Sequence[Predicted], least: int) -> dict[str, Any]:
    patients: dict[str, set[str]] = {}
    for case in cases:
        patients.setdefault(stage_set(case.stages), set()).add(case.patient_id)
    scans = Counter(stage_set(case.stages) for case in cases)
    sets = {name: scans[name] if len(patients[name]) >= least else None for name in sorted(scans)}
    return {"scans": len(cases), "patients": patients_of(cases), "stage_sets": sets}


def _threshold(cases: Sequence[Predicted], k: int, disclosure: Disclosure) -> dict[str, Any]:
    """Histograms, DeLong's components and calibration of one threshold, or the reason why there are none."""
    kept, positive = decided(cases, k)
    sides = {side: [case for case, up in zip(kept, positive, strict=True) if up == side] for side in (True, False)}
    if min(patients_of(side) for side in sides.values()) < disclosure.least:
        return {"given": False, "reason": f"fewer than {disclosure.least} patients on one side"}
    grid, score = disclosure.grid, scores_of(kept, k)
    groups = [
        {
            "stage_sets": [stage_set(stages) for stages in names],
            "positive": side,
            "scans": len(members),
            "patients": patients_of(members),
            "bins": sparse(grid.count(scores_of(members, k))),
        }
        for side, members_of in sides.items()
        for names, members in grouped(members_of, disclosure.least)
    ]
    return {
        "given": True,
        "groups": groups,
        "delong": _delong(kept, positive, score),
        "calibration": calibration_bins(positive, grid.centres[grid.place(score)]),
    }


def _delong(cases: Sequence[Predicted], positive: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"]) -> Any:
    """AUC, its variance with patients as clusters, and the variance of the placements of either side."""
    patient = np.unique([case.patient_id for case in cases], return_inverse=True)[1]
    variance = delong_variance(positive, score, patient)
    up, down = (float(side.var(ddof=1)) if len(side) > 1 else None for side in placements(positive, score))
    return {
        "auc": auc(positive, score),
        "variance": variance if variance > 0 else None,
        "placements_variance": {"positive": up, "negative": down},
        "patients": {"positive": len(np.unique(patient[positive])), "negative": len(np.unique(patient[~positive]))},
    }


def calibration_bins(positive: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"]) -> list[dict[str, Any]]:
    """Scans, positive scans and summed scores in each tenth of the scale that holds any.

    Args:
        positive: whether a case is positive by the reference.
        score: the score that stands for each case's bin of the histogram, so that a sum tells no more than that.
    """
    tenth = np.minimum((score * TENTHS).astype(int), TENTHS - 1)
    return [
        {
            "from": number / TENTHS,
            "to": (number + 1) / TENTHS,
            "scans": int((tenth == number).sum()),
            "positives": int(positive[tenth == number].sum()),
            "sum_of_scores": _six(float(score[tenth == number].sum())),
        }
        for number in np.unique(tenth).tolist()
    ]


def _middle(stages: Stages) -> tuple[float, Stages]:
    return sum(stages) / len(stages), stages


def _centre(names: Sequence[Stages]) -> float:
    return sum(_middle(stages)[0] for stages in names) / len(names)


def _six(value: float) -> float:
    """Six digits: enough to pool, too few to be anybody's own."""
    return value if value == 0 else round(value, 5 - math.floor(math.log10(abs(value))))

"""What the stage sets of a study hold: each fold's threshold from its inner split, for the scans it never saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from fibrolens.evaluate.entries import proportion
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.stage_sets import CLAIM, CLAIMS, CONFIDENCE, Threshold, calibrate, label_scores
from fibrolens.plan import STAGES

METHODS = {
    "conformal": "contiguous stage sets (ordinal adaptive prediction sets, Lu 2022); each fold's threshold from its "
    "inner split, at the rank that reaches the claim in two of three calibration cohorts (Vovk 2012); a label "
    "of several stages is covered where the set holds one of them; coverage: 95 % Wilson interval; unit: patient",
}


def conformal(cases: Sequence[Predicted], inner: Mapping[int, Sequence[Predicted]]) -> dict[str, Any]:
    """What the sets of a study hold, at every claim of `CLAIMS`.

    Args:
        cases: out-of-fold predictions, pooled over the folds.
        inner: of each fold, its network's predictions of its inner split, which give its threshold.

    Returns:
        ``claim``, ``confidence``, ``claims`` (per claim ``coverage``, ``mean_size``, ``per_stage``, ``per_size`` and
        ``folds``) and ``methods``; ready for JSON.
    """
    return {
        "claim": CLAIM,
        "confidence": CONFIDENCE,
        "claims": [_at(cases, inner, claim) for claim in CLAIMS],
        "methods": METHODS,
    }


def stage_sets(
    cases: Sequence[Predicted], inner: Mapping[int, Sequence[Predicted]], claim: float = CLAIM
) -> Bool[np.ndarray, "n stages"]:
    """Each case's set, by the threshold of its fold; arguments as for `conformal`."""
    found = np.ones((len(cases), len(STAGES)), bool)
    for fold in sorted({case.fold for case in cases}):
        own = np.array([case.fold == fold for case in cases])
        found[own] = _threshold(inner, fold, claim).sets(_probabilities(cases)[own])
    return found


def covered(cases: Sequence[Predicted], sets: Bool[np.ndarray, "n stages"]) -> Bool[np.ndarray, " n"]:
    """Whether each set holds a stage that its case's reference allows."""
    return np.asarray((sets & _allowed(cases)).any(axis=1))


def _at(cases: Sequence[Predicted], inner: Mapping[int, Sequence[Predicted]], claim: float) -> dict[str, Any]:
    sets = stage_sets(cases, inner, claim)
    hit, size = covered(cases, sets), sets.sum(axis=1)
    patient = np.unique([case.patient_id for case in cases], return_inverse=True)[1]
    exact = {name: np.array([case.stages == (k,) for case in cases], bool) for k, name in enumerate(STAGES)}
    sizes = {str(n): size == n for n in range(1, len(STAGES) + 1)}
    return {
        "claim": claim,
        "coverage": proportion(hit, patient),
        "mean_size": _mean(size),
        "per_stage": {
            name: {"coverage": proportion(hit[own], patient[own]), "mean_size": _mean(size[own])}
            for name, own in exact.items()
        },
        "per_size": {name: proportion(hit[own], patient[own]) for name, own in sizes.items()},
        "folds": [_fold(inner, fold, claim) for fold in sorted({case.fold for case in cases})],
    }


def _threshold(inner: Mapping[int, Sequence[Predicted]], fold: int, claim: float) -> Threshold:
    own = inner.get(fold, ())
    return calibrate(label_scores(_probabilities(own), _allowed(own)), claim)


def _fold(inner: Mapping[int, Sequence[Predicted]], fold: int, claim: float) -> dict[str, Any]:
    found = _threshold(inner, fold, claim)
    entry: dict[str, Any] = {"fold": fold, "cases": found.cases, "rank": found.rank, "threshold": found.value}
    if found.value is None:
        entry["reason"] = f"{found.cases} cases of the inner split are too few for this claim; a set holds all stages"
    return entry


def _probabilities(cases: Sequence[Predicted]) -> Float[np.ndarray, "n stages"]:
    return np.array([case.probabilities for case in cases], dtype=float).reshape(-1, len(STAGES))


def _allowed(cases: Sequence[Predicted]) -> Bool[np.ndarray, "n stages"]:
    return np.array([[k in case.stages for k in range(len(STAGES))] for case in cases], bool).reshape(-1, len(STAGES))


def _mean(size: Int[np.ndarray, " n"]) -> float | None:
    return float(size.mean()) if len(size) else None

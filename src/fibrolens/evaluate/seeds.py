"""How much of a study is chance of the training: the same folds trained again with other seeds.

The first seed is the result. It was named before anything was trained, and nothing is chosen among the others: they
only show how far the result might have lain from where it does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from fibrolens.evaluate.areas import ONE_SIDE
from fibrolens.evaluate.intervals import auc
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.roc import at_least
from fibrolens.evaluate.study import THRESHOLDS, decided, scores_of, threshold_name

METHODS = {
    "seed_spread": "the same folds trained anew with other seeds (initial weights of layers that are new, slabs, "
    "augmentation, dropout); the first seed was named before and is the result, the others only show the spread: AUC "
    "of each with mean, standard deviation (n - 1) and range; per scan the standard deviation over the seeds. It holds "
    "the chance of the training on these patients, not that of the patients, which the intervals hold"
}


def seed_spread(by_seed: Mapping[int, Sequence[Predicted]]) -> dict[str, Any]:
    """The spread of a study's figures over the seeds of its training.

    Args:
        by_seed: out-of-fold predictions of the same scans by each seed, the study's own first; at least two.

    Returns:
        ``result`` (the first seed), ``seeds``, ``thresholds`` (of F>=1 to F4: ``positives``, ``negatives``, and ``auc``
        with ``per_seed``, ``mean``, ``sd``, ``low``, ``high``; None beside a ``reason`` where one side is empty),
        ``same_stage`` (share of scans whose most probable stage is the same by every seed), ``typical`` (median and
        largest SD of the scans) and ``scans`` (of each its SD of the expected stage and of P(F>=k)).

    Raises:
        ValueError: there are fewer than two seeds, or they are not of the same scans.
    """
    seeds = list(by_seed)
    cases = by_seed[seeds[0]]
    order = [case.scan_id for case in cases]
    known = {seed: {case.scan_id: case for case in found} for seed, found in by_seed.items()}
    if len(seeds) < 2 or any(set(found) != set(order) for found in known.values()):
        raise ValueError("the spread over seeds needs two seeds or more, each with the same scans")
    aligned = {seed: [found[scan] for scan in order] for seed, found in known.items()}
    scans = _scans(cases, aligned)
    stages = np.array([[case.predicted for case in found] for found in aligned.values()])
    return {
        "result": seeds[0],
        "seeds": seeds,
        "thresholds": {threshold_name(k): _threshold(aligned, k) for k in THRESHOLDS},
        "same_stage": float((stages == stages[0]).all(axis=0).mean()),
        "typical": {key: _typical([scan[key] for scan in scans]) for key in ("expected_sd", *_keys())},
        "scans": scans,
    }


def _threshold(aligned: Mapping[int, Sequence[Predicted]], k: int) -> dict[str, Any]:
    """The AUC of each seed."""
    _, positive = decided(next(iter(aligned.values())), k)
    counts = {"positives": int(positive.sum()), "negatives": int((~positive).sum())}
    if not (counts["positives"] and counts["negatives"]):
        return counts | {"auc": None, "reason": ONE_SIDE}
    areas = [auc(positive, scores_of(decided(cases, k)[0], k)) for cases in aligned.values()]
    values = np.array(areas)
    spread = {"mean": float(values.mean()), "sd": float(values.std(ddof=1))}
    return counts | {"auc": {"per_seed": areas, **spread, "low": float(values.min()), "high": float(values.max())}}


def _scans(cases: Sequence[Predicted], aligned: Mapping[int, Sequence[Predicted]]) -> list[dict[str, Any]]:
    """Of each scan: its own expected stage, and the standard deviations over the seeds."""
    chances = np.array([[case.probabilities for case in found] for found in aligned.values()], dtype=float)
    expected: Float[np.ndarray, "s n"] = chances @ np.arange(chances.shape[-1])
    above = np.array([at_least(found) for found in chances])
    columns = {"expected_sd": expected.std(axis=0, ddof=1)}
    columns |= {key: above[..., k - 1].std(axis=0, ddof=1) for key, k in zip(_keys(), THRESHOLDS, strict=True)}
    return [
        {"scan_id": case.scan_id, "patient_id": case.patient_id, "expected": float(expected[0, n])}
        | {"expected_mean": float(expected[:, n].mean())}
        | {key: float(values[n]) for key, values in columns.items()}
        for n, case in enumerate(cases)
    ]


def _keys() -> tuple[str, ...]:
    return tuple(f"{threshold_name(k)}_sd" for k in THRESHOLDS)


def _typical(values: Sequence[float]) -> dict[str, float]:
    return {"median": float(np.median(values)), "most": float(max(values))}

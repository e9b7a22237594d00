"""How well the stages themselves are told apart: micro and macro AUC, one stage against the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from fibrolens.evaluate.bootstrap import REPLICATES, Statistic, bootstrap, resampled_auc
from fibrolens.evaluate.entries import THIN, fold_spread
from fibrolens.evaluate.roc import RocCurve, macro_curve, micro_curve

NO_INTERVAL = "an interval needs two patients of each stage, and a figure that varies with who is drawn"
#: From stages and probabilities to the averaged curve.
Average = Callable[[Int[np.ndarray, " n"], Float[np.ndarray, "n stages"]], RocCurve]


@dataclass(frozen=True, eq=False)
class Staged:
    """Scans whose reference is a single stage.

    Args:
        stage: the true stage, 0 to 4.
        probabilities: P(F0) to P(F4), out of fold.
        patient: number of the patient of each scan.
        fold: the fold that predicted each scan.
    """

    stage: Int[np.ndarray, " n"]
    probabilities: Float[np.ndarray, "n stages"]
    patient: Int[np.ndarray, " n"]
    fold: Int[np.ndarray, " n"]


def averages(staged: Staged, generator: np.random.Generator, replicates: int = REPLICATES) -> dict[str, Any]:
    """``micro`` and ``macro``, each with counts, interval and per fold, ready for JSON.

    Args:
        staged: the scans.
        generator: source of the bootstrap's draws; strata are the stages, a patient standing in the highest of his.
        replicates: bootstrap replicates.
    """
    micro, macro = _figures(staged, micro_curve), _figures(staged, macro_curve)
    if micro["auc"] is not None:
        resampled = resampled_micro, resampled_macro
        for entry, statistic in zip((micro, macro), resampled, strict=True):
            drawn = statistic(staged.stage, staged.probabilities)
            low, high = bootstrap(drawn, staged.stage, staged.patient, generator, replicates)
            known = not np.isnan(low)
            entry.update({"bootstrap": [low, high]} if known else {"reason": NO_INTERVAL})
    return {"micro": micro, "macro": macro}


def resampled_micro(stage: Int[np.ndarray, " n"], probabilities: Float[np.ndarray, "n stages"]) -> Statistic:
    """The statistic that `bootstrap` needs for the micro AUC; every decision of a scan is drawn with the scan."""
    stages = probabilities.shape[1]
    pooled = resampled_auc(np.eye(stages, dtype=bool)[stage].ravel(), probabilities.ravel())
    return lambda weights: pooled(np.repeat(weights, stages, axis=1))


def resampled_macro(stage: Int[np.ndarray, " n"], probabilities: Float[np.ndarray, "n stages"]) -> Statistic:
    """The statistic that `bootstrap` needs for the macro AUC: the mean over the stages that occur."""
    rest = [resampled_auc(stage == k, probabilities[:, k]) for k in np.unique(stage)]
    return lambda weights: np.mean([one(weights) for one in rest], axis=0)


def _figures(staged: Staged, curve: Average) -> dict[str, Any]:
    counts = np.bincount(staged.stage, minlength=staged.probabilities.shape[1])
    area = _area(staged.stage, staged.probabilities, curve)
    per_fold = []
    for number in np.unique(staged.fold):
        mine = staged.fold == number
        fold_area = _area(staged.stage[mine], staged.probabilities[mine], curve)
        per_fold.append({"fold": int(number), "cases": int(mine.sum()), "auc": fold_area})
    entry = {
        "auc": area,
        "cases": len(staged.stage),
        "stages": {f"F{k}": int(count) for k, count in enumerate(counts)},
        "thin": bool(counts[counts > 0].min(initial=THIN) < THIN),
        "bootstrap": None,
        "per_fold": per_fold,
        "fold_spread": fold_spread([row["auc"] for row in per_fold]),
    }
    return entry if area is not None else entry | {"reason": "fewer than two stages occur"}


def _area(stage: Int[np.ndarray, " n"], probabilities: Float[np.ndarray, "n stages"], curve: Average) -> float | None:
    return curve(stage, probabilities).auc if len(np.unique(stage)) > 1 else None

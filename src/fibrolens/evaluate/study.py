"""The figures of a study: `evaluate_predictions` makes ``evaluation.json`` of the out-of-fold predictions."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from fibrolens.evaluate.intervals import REPLICATES, Interval, bootstrap_auc, delong, wilson
from fibrolens.evaluate.roc import RocCurve, at_least, binary_curve, macro_curve, micro_curve, operating_point

#: A case is called F >= k when P(F >= k) is at least this; fixed beforehand, fitted on nothing.
CUT = 0.5
#: Fewer cases than this on either side make a figure thin.
THIN = 10
THRESHOLDS = (1, 2, 3, 4)


@dataclass(frozen=True)
class Predicted:
    """One scan's out-of-fold prediction.

    Args:
        scan_id: which scan.
        patient_id: whose scan.
        fold: the fold that had not seen the patient.
        stages: the stages that the reference allows, one or several.
        probabilities: P(F0) to P(F4).
    """

    scan_id: str
    patient_id: str
    fold: int
    stages: tuple[int, ...]
    probabilities: tuple[float, ...]

    @property
    def predicted(self) -> int:
        """The most probable stage."""
        return int(np.argmax(self.probabilities))


def evaluate_predictions(
    cases: Sequence[Predicted], generator: np.random.Generator, replicates: int = REPLICATES
) -> dict[str, Any]:
    """Every figure of the predictions with its counts, ready for JSON.

    Args:
        cases: out-of-fold predictions, pooled over the folds.
        generator: source of the bootstrap's draws.
        replicates: bootstrap replicates.

    Returns:
        ``cases``, ``patients``, ``stages``, ``thresholds`` (F>=1 to F4), ``averages`` (micro, macro), ``confusion``
        and ``methods``. A figure that the cases cannot give is None beside its ``reason``.
    """
    stages = Counter("|".join(f"F{k}" for k in case.stages) for case in cases)
    exact = [case for case in cases if len(case.stages) == 1]
    return {
        "cases": len(cases),
        "patients": len({case.patient_id for case in cases}),
        "stages": {name: stages[name] for name in sorted(stages)},
        "thresholds": {threshold_name(k): _threshold(cases, k, generator, replicates) for k in THRESHOLDS},
        "averages": {"micro": _average(exact, micro_curve), "macro": _average(exact, macro_curve)},
        "confusion": _confusion(exact),
        "methods": {
            "score": "P(F>=k), the sum of the out-of-fold softmax over F_k to F4; folds pooled",
            "auc_delong": "95 % interval, DeLong 1988; cases taken as independent",
            "auc_bootstrap": f"95 % percentile interval, {replicates} draws of patients within the two groups",
            "operating_point": f"positive where P(F>=k) >= {CUT}, fixed beforehand",
            "proportions": "95 % Wilson interval; unit: scan",
            "thin": f"fewer than {THIN} cases on one side",
        },
    }


def threshold_name(k: int) -> str:
    """``F>=k``, and ``F4`` for the last."""
    return "F4" if k == 4 else f"F>={k}"


def decided(cases: Sequence[Predicted], k: int) -> tuple[list[Predicted], Bool[np.ndarray, " n"]]:
    """The cases whose allowed stages all lie on one side of F >= k, and whether they lie above."""
    kept = [case for case in cases if min(case.stages) >= k or max(case.stages) < k]
    return kept, np.array([min(case.stages) >= k for case in kept], dtype=bool)


def curves(cases: Sequence[Predicted], thresholds: Sequence[int] = (2, 3, 4)) -> list[RocCurve]:
    """The ROC curves of the paper's figure that the cases can give: the thresholds, then micro and macro."""
    found = []
    for k in thresholds:
        kept, positive = decided(cases, k)
        if 0 < positive.sum() < len(positive):
            found.append(binary_curve(threshold_name(k), positive, _scores(kept, k)))
    stage, probabilities = _arrays([case for case in cases if len(case.stages) == 1])
    if len(set(stage.tolist())) > 1:
        found += [micro_curve(stage, probabilities), macro_curve(stage, probabilities)]
    return found


def _threshold(cases: Sequence[Predicted], k: int, generator: np.random.Generator, replicates: int) -> dict[str, Any]:
    kept, positive = decided(cases, k)
    positives, negatives = int(positive.sum()), int((~positive).sum())
    result: dict[str, Any] = {
        "positives": positives,
        "negatives": negatives,
        "undecided": len(cases) - len(kept),
        "thin": min(positives, negatives) < THIN,
        "auc": None,
        "operating_point": None,
        "per_fold": _per_fold(kept, positive, k),
    }
    if not (positives and negatives):
        return result | {"reason": "no case on one side of the threshold"}
    score = _scores(kept, k)
    patient = np.unique([case.patient_id for case in kept], return_inverse=True)[1]
    by_delong = delong(positive, score)
    by_bootstrap = bootstrap_auc(positive, score, patient, generator, replicates)
    result["auc"] = {"value": by_delong.estimate, "delong": _ends(by_delong), "bootstrap": _ends(by_bootstrap)}
    result["operating_point"] = _operating_figures(positive, score)
    return result


def _operating_figures(positive: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"]) -> dict[str, Any]:
    point = operating_point(positive, score, CUT)
    called = point.true_positives + point.false_positives
    return {
        "cut": CUT,
        "sensitivity": _proportion(point.true_positives, point.positives),
        "specificity": _proportion(point.true_negatives, point.negatives),
        "accuracy": _proportion(point.correct, len(positive)),
        "ppv": _proportion(point.true_positives, called),
        "npv": _proportion(point.true_negatives, len(positive) - called),
    }


def _per_fold(kept: Sequence[Predicted], positive: Bool[np.ndarray, " n"], k: int) -> list[dict[str, Any]]:
    folds = np.array([case.fold for case in kept], dtype=int)
    score = _scores(kept, k)
    rows: list[dict[str, Any]] = []
    for fold in sorted(set(folds.tolist())):
        mine = folds == fold
        up, down = int((positive & mine).sum()), int((~positive & mine).sum())
        area = binary_curve("", positive[mine], score[mine]).auc if up and down else None
        rows.append({"fold": fold, "positives": up, "negatives": down, "auc": area})
    return rows


def _average(
    exact: Sequence[Predicted], curve: Callable[[Int[np.ndarray, " n"], Float[np.ndarray, "n stages"]], RocCurve]
) -> dict[str, Any]:
    stage, probabilities = _arrays(exact)
    if len(set(stage.tolist())) < 2:
        return {"auc": None, "cases": len(exact), "reason": "fewer than two stages occur"}
    return {"auc": curve(stage, probabilities).auc, "cases": len(exact)}


def _confusion(exact: Sequence[Predicted]) -> dict[str, Any]:
    counts = np.zeros((5, 5), dtype=int)
    for case in exact:
        counts[case.stages[0], case.predicted] += 1
    return {"rows": "true stage F0 to F4", "columns": "predicted stage F0 to F4", "counts": counts.tolist()}


def _arrays(exact: Sequence[Predicted]) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, "n 5"]]:
    stage = np.array([case.stages[0] for case in exact], dtype=int)
    return stage, np.array([case.probabilities for case in exact], dtype=float).reshape(-1, 5)


def _scores(cases: Sequence[Predicted], k: int) -> Float[np.ndarray, " n"]:
    return at_least(np.array([case.probabilities for case in cases], dtype=float).reshape(-1, 5))[:, k - 1]


def _proportion(successes: int, trials: int) -> dict[str, Any]:
    interval = wilson(successes, trials)
    value = interval.estimate if trials else None
    return {"value": value, "interval": _ends(interval), "count": successes, "of": trials}


def _ends(interval: Interval) -> list[float] | None:
    return None if math.isnan(interval.low) else [interval.low, interval.high]

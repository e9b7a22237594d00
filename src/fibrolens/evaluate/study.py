"""The figures of a study: `evaluate_predictions` makes ``evaluation.json`` of the out-of-fold predictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from fibrolens.evaluate.averages import Staged, averages
from fibrolens.evaluate.bootstrap import REPLICATES
from fibrolens.evaluate.cut import NO_INNER, YOUDEN, Cut, fixed_cut, youden_cut
from fibrolens.evaluate.entries import THIN, proportion
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.roc import RocCurve, at_least, binary_curve, macro_curve, micro_curve
from fibrolens.evaluate.threshold import Question, figures

THRESHOLDS = (1, 2, 3, 4)
#: How each figure was made; what an interval covers stands in docs/statistics.md.
METHODS = {
    "score": "P(F>=k), the sum of the out-of-fold softmax over F_k to F4; folds pooled, and each fold alone",
    "sets": "a stage set counts at a threshold only where all its stages lie on one side; elsewhere it counts nowhere",
    "auc_delong": "95 % interval from DeLong's variance with patients as clusters (Obuchowski 1997), on the logit "
    "scale; unit: patient",
    "auc_bootstrap": "95 % percentile interval, {replicates} draws of patients (unit) within those with and without a "
    "positive scan; for micro and macro within the stages",
    "operating_point": "each fold's test scans are called at that fold's cut, chosen on its inner split; at 0.5 where "
    f"that gives none (cuts: reason). youden: {YOUDEN}",
    "proportions": "95 % Wilson interval, scans of a patient taken to agree always; unit: patient, which is the scan "
    "where each patient has one; the cut is taken as given",
    "fold_spread": "mean and standard deviation of the folds' AUCs; the intervals above do not hold the chance of the "
    "training, which this shows",
    "thin": f"fewer than {THIN} scans on one side, or of a stage that occurs",
}


@dataclass(frozen=True)
class _Resampling:
    generator: np.random.Generator
    replicates: int


def evaluate_predictions(
    cases: Sequence[Predicted],
    generator: np.random.Generator,
    replicates: int = REPLICATES,
    *,
    inner: Mapping[int, Sequence[Predicted]] | None = None,
    controls: Collection[str] = (),
) -> dict[str, Any]:
    """Every figure of the predictions with its counts, ready for JSON.

    Args:
        cases: out-of-fold predictions, pooled over the folds.
        generator: source of the bootstrap's draws.
        replicates: bootstrap replicates.
        inner: of each fold, its network's predictions of its inner split, which choose the cuts; of a fold without
            such a split none. A fold that gets no cut calls at 0.5.
        controls: scan ids of the imaging-negative controls.

    Returns:
        ``cases``, ``patients``, ``stages``, ``thresholds`` (F>=1 to F4), ``averages`` (micro, macro), ``confusion``,
        ``controls`` (how many), ``without_controls`` and ``methods``. A figure that the cases cannot give is None
        beside its ``reason`` (``without_controls_reason``).
    """
    cuts = {k: _cuts(inner or {}, k) for k in THRESHOLDS}
    resampling = _Resampling(generator, replicates)
    others = [case for case in cases if case.scan_id not in controls]
    return {
        **_figures(cases, cuts, resampling),
        "confusion": _confusion([case for case in cases if len(case.stages) == 1]),
        "controls": len(cases) - len(others),
        **_without_controls(cases, others, cuts, resampling),
        "methods": {name: text.format(replicates=replicates) for name, text in METHODS.items()},
    }


def threshold_name(k: int) -> str:
    """``F>=k``, and ``F4`` for the last."""
    return "F4" if k == 4 else f"F>={k}"


def decided(cases: Sequence[Predicted], k: int) -> tuple[list[Predicted], Bool[np.ndarray, " n"]]:
    """The cases whose allowed stages all lie on one side of F >= k, and whether they lie above."""
    kept = [case for case in cases if min(case.stages) >= k or max(case.stages) < k]
    return kept, np.array([min(case.stages) >= k for case in kept], dtype=bool)


def question(cases: Sequence[Predicted], k: int) -> Question:
    """Whether F >= k, of the cases that decide it; patients are numbered anew."""
    kept, positive = decided(cases, k)
    return Question(positive, scores_of(kept, k), *_owners(kept))


def staged(cases: Sequence[Predicted]) -> Staged:
    """The cases whose reference is a single stage; patients are numbered anew."""
    exact = [case for case in cases if len(case.stages) == 1]
    return Staged(*_arrays(exact), *_owners(exact))


def curves(cases: Sequence[Predicted], thresholds: Sequence[int] = (2, 3, 4)) -> list[RocCurve]:
    """The ROC curves of the paper's figure that the cases can give: the thresholds, then micro and macro."""
    found = []
    for k in thresholds:
        kept, positive = decided(cases, k)
        if 0 < positive.sum() < len(positive):
            found.append(binary_curve(threshold_name(k), positive, scores_of(kept, k)))
    stage, probabilities = _arrays([case for case in cases if len(case.stages) == 1])
    if len(set(stage.tolist())) > 1:
        found += [micro_curve(stage, probabilities), macro_curve(stage, probabilities)]
    return found


def _figures(cases: Sequence[Predicted], cuts: Mapping[int, Mapping[int, Cut]], draws: _Resampling) -> dict[str, Any]:
    stages = Counter("|".join(f"F{k}" for k in case.stages) for case in cases)
    thresholds = {}
    for k in THRESHOLDS:
        asked = question(cases, k)
        found = figures(asked, cuts[k], draws.generator, draws.replicates)
        thresholds[threshold_name(k)] = {"undecided": len(cases) - len(asked.score), **found}
    return {
        "cases": len(cases),
        "patients": len({case.patient_id for case in cases}),
        "stages": {name: stages[name] for name in sorted(stages)},
        "thresholds": thresholds,
        "averages": averages(staged(cases), draws.generator, draws.replicates),
    }


def _without_controls(
    cases: Sequence[Predicted],
    others: Sequence[Predicted],
    cuts: Mapping[int, Mapping[int, Cut]],
    draws: _Resampling,
) -> dict[str, Any]:
    """The figures of the scans that histology has staged, called at the same cuts."""
    if len(others) == len(cases):
        return {"without_controls": None, "without_controls_reason": "no scan is an imaging-negative control"}
    if not others:
        return {"without_controls": None, "without_controls_reason": "every scan is an imaging-negative control"}
    return {"without_controls": _figures(others, cuts, draws)}


def _cuts(inner: Mapping[int, Sequence[Predicted]], k: int) -> dict[int, Cut]:
    found = {}
    for fold, cases in inner.items():
        kept, positive = decided(cases, k)
        found[fold] = youden_cut(positive, scores_of(kept, k)) if cases else fixed_cut(NO_INNER)
    return found


def _confusion(exact: Sequence[Predicted]) -> dict[str, Any]:
    stage, probabilities = _arrays(exact)
    predicted = probabilities.argmax(axis=1)
    patient, fold = _owners(exact)
    per_fold = [
        {"fold": int(number), "counts": _table(stage[fold == number], predicted[fold == number])}
        for number in np.unique(fold)
    ]
    return {
        "rows": "true stage F0 to F4",
        "columns": "predicted stage F0 to F4",
        "counts": _table(stage, predicted),
        "correct": proportion(stage == predicted, patient),
        "per_fold": per_fold,
    }


def _table(stage: Int[np.ndarray, " n"], predicted: Int[np.ndarray, " n"]) -> list[list[int]]:
    counts = np.zeros((5, 5), dtype=int)
    np.add.at(counts, (stage, predicted), 1)
    return counts.tolist()


def _arrays(exact: Sequence[Predicted]) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, "n 5"]]:
    stage = np.array([case.stages[0] for case in exact], dtype=int)
    return stage, np.array([case.probabilities for case in exact], dtype=float).reshape(-1, 5)


def _owners(cases: Sequence[Predicted]) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """The patient, as a number, and the fold of each scan."""
    return numbered_patients(cases), np.array([case.fold for case in cases], dtype=int)


def numbered_patients(cases: Sequence[Predicted]) -> Int[np.ndarray, " n"]:
    """The patient of each case, as a number."""
    return np.unique([case.patient_id for case in cases], return_inverse=True)[1]


def scores_of(cases: Sequence[Predicted], k: int) -> Float[np.ndarray, " n"]:
    """P(F >= k) of each case."""
    return at_least(np.array([case.probabilities for case in cases], dtype=float).reshape(-1, 5))[:, k - 1]

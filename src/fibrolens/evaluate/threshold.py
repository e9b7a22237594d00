"""Every figure of one question F >= k: AUC, calls at a cut, pooled and per fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from fibrolens.evaluate.bootstrap import REPLICATES, bootstrap_auc
from fibrolens.evaluate.cut import HALF, NO_PREDICTIONS, Cut, fixed_cut
from fibrolens.evaluate.entries import THIN, ends, fold_spread, proportion
from fibrolens.evaluate.intervals import auc, delong

NO_INTERVAL = (
    "an interval needs two patients on each side (bootstrap: two without a positive scan), and sides whose scores "
    "overlap"
)


@dataclass(frozen=True, eq=False)
class Question:
    """A yes/no question that the reference decides for these scans.

    Args:
        positive: whether the reference says yes.
        score: P(yes), out of fold.
        patient: number of the patient of each scan.
        fold: the fold that predicted each scan.
    """

    positive: Bool[np.ndarray, " n"]
    score: Float[np.ndarray, " n"]
    patient: Int[np.ndarray, " n"]
    fold: Int[np.ndarray, " n"]

    @property
    def counts(self) -> tuple[int, int]:
        """Positive and negative scans."""
        positives = int(self.positive.sum())
        return positives, len(self.positive) - positives

    def of_fold(self, number: int) -> Question:
        """The scans that one fold predicted."""
        mine = self.fold == number
        return Question(self.positive[mine], self.score[mine], self.patient[mine], self.fold[mine])


def figures(
    question: Question, cuts: Mapping[int, Cut], generator: np.random.Generator, replicates: int = REPLICATES
) -> dict[str, Any]:
    """The figures of one threshold, ready for JSON.

    Args:
        question: the decided scans; one class may be empty.
        cuts: the cut of each fold; a fold without one calls at 0.5.
        generator: source of the bootstrap's draws.
        replicates: bootstrap replicates.

    Returns:
        ``positives``, ``negatives``, ``thin``, ``auc``, ``operating_point``, ``at_half``, ``per_fold`` and
        ``fold_spread``; ``auc`` is None beside a ``reason`` where one side has no case.
    """
    positives, negatives = question.counts
    folds = [int(number) for number in np.unique(question.fold)]
    used = {number: cuts.get(number) or fixed_cut(NO_PREDICTIONS) for number in folds}
    called = question.score >= np.array([used[int(number)].value for number in question.fold])
    per_fold = [_fold(question, called, number, used[number]) for number in folds]
    result: dict[str, Any] = {
        "positives": positives,
        "negatives": negatives,
        "thin": min(positives, negatives) < THIN,
        "auc": None,
        "operating_point": {"cuts": [_cut(number, used[number]) for number in folds], **calls(question, called)},
        "at_half": {"cut": HALF, **calls(question, question.score >= HALF)},
        "per_fold": per_fold,
        "fold_spread": fold_spread([row["auc"] for row in per_fold]),
    }
    if not (positives and negatives):
        return result | {"reason": "no case on one side of the threshold"}
    return result | {"auc": _auc(question, generator, replicates)}


def calls(question: Question, called: Bool[np.ndarray, " n"]) -> dict[str, Any]:
    """Sensitivity, specificity, accuracy and the predictive values of the calls, with counts and intervals."""
    positive, patient = question.positive, question.patient
    return {
        "sensitivity": proportion(called[positive], patient[positive]),
        "specificity": proportion(~called[~positive], patient[~positive]),
        "accuracy": proportion(called == positive, patient),
        "ppv": proportion(positive[called], patient[called]),
        "npv": proportion(~positive[~called], patient[~called]),
    }


def _auc(question: Question, generator: np.random.Generator, replicates: int) -> dict[str, Any]:
    arrays = (question.positive, question.score, question.patient)
    by_delong, by_bootstrap = delong(*arrays), bootstrap_auc(*arrays, generator, replicates)
    found = {"value": by_delong.estimate, "delong": ends(by_delong), "bootstrap": ends(by_bootstrap)}
    return found | {"reason": NO_INTERVAL} if None in found.values() else found


def _fold(question: Question, called: Bool[np.ndarray, " n"], number: int, cut: Cut) -> dict[str, Any]:
    own, mine = question.of_fold(number), called[question.fold == number]
    positives, negatives = own.counts
    return {
        "fold": number,
        "positives": positives,
        "negatives": negatives,
        "auc": auc(own.positive, own.score) if positives and negatives else None,
        "cut": cut.value,
        "sensitivity": _share(mine[own.positive]),
        "specificity": _share(~mine[~own.positive]),
        "accuracy": _share(mine == own.positive),
    }


def _share(success: Bool[np.ndarray, " n"]) -> float | None:
    return float(success.mean()) if len(success) else None


def _cut(number: int, cut: Cut) -> dict[str, Any]:
    entry: dict[str, Any] = {"fold": number, "cut": cut.value, "rule": cut.rule}
    entry |= {"positives": cut.positives, "negatives": cut.negatives}
    return entry if cut.reason is None else entry | {"reason": cut.reason}

"""Rule-in and rule-out: two cuts of each fold, chosen on its inner split, and what they reach on its test scans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from fibrolens.evaluate.cut import NO_INNER, NO_PREDICTIONS
from fibrolens.evaluate.entries import proportion
from fibrolens.evaluate.threshold import Question, calls

#: Percent of sensitivity for the rule-out cut, and of specificity for the rule-in cut, on the inner split.
TARGET = 90
METHODS = {
    "rule_in_out": f"on each fold's inner split the highest cut with a sensitivity of at least {TARGET} % (below it: "
    f"ruled out) and the lowest with a specificity of at least {TARGET} % (from it on: ruled in), each in the middle "
    "between two neighbouring scores; where one cut gives both, the middle of all such cuts serves for both and no "
    "scan is left between; test scans of folds that give no cuts are left out",
}


@dataclass(frozen=True)
class Rule:
    """Both cuts of a fold.

    Args:
        rule_out: a scan below it is ruled out.
        rule_in: a scan from it on is ruled in; at least `rule_out`.
        positives: positive scans of the inner split.
        negatives: negative ones.
    """

    rule_out: float
    rule_in: float
    positives: int
    negatives: int


def choose_rule(positive: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"], target: int = TARGET) -> Rule | None:
    """The cuts by the rule of `METHODS`; None where one side has no case.

    Args:
        positive: whether a case of the inner split is positive by the reference.
        score: its probability.
        target: percent of sensitivity and of specificity.
    """
    up, down = np.sort(score[positive]), np.sort(score[~positive])[::-1]
    if not (len(up) and len(down)):
        return None
    # Whole numbers: 0.1 times 10 must be one case.
    lowest_kept = up[len(up) * (100 - target) // 100]
    highest_kept = down[len(down) * (100 - target) // 100]
    if highest_kept < lowest_kept:
        both = _above(highest_kept, lowest_kept)
        return Rule(both, both, len(up), len(down))
    below = score[score < lowest_kept].max(initial=0.0)
    above = score[score > highest_kept].min(initial=1.0)
    return Rule(float((below + lowest_kept) / 2), _above(highest_kept, above), len(up), len(down))


def rule_in_out(question: Question, inner: Mapping[int, Question]) -> dict[str, Any]:
    """What the rules reach on the test scans, ready for JSON.

    Args:
        question: the decided test scans.
        inner: the same question of each fold's inner split; a fold without predictions of one is missing.

    Returns:
        ``target``, ``cuts`` per fold, ``scans`` with cuts and ``left_out`` without, ``rule_in`` and ``rule_out``
        (sensitivity, specificity and predictive values of both cuts), ``zones`` (ruled in, between, ruled out: counts
        with and without the finding, share of all scans). Without any cut what follows ``left_out`` is None beside a
        ``reason``.
    """
    folds = [int(number) for number in np.unique(question.fold)]
    rules = {n: choose_rule(inner[n].positive, inner[n].score) if n in inner else None for n in folds}
    mine = np.array([rules[int(number)] is not None for number in question.fold], dtype=bool)
    entry: dict[str, Any] = {
        "target": TARGET / 100,
        "cuts": [_entry(number, rules[number], inner.get(number)) for number in folds],
        "scans": int(mine.sum()),
        "left_out": int((~mine).sum()),
    }
    if not mine.any():
        return entry | {"rule_in": None, "rule_out": None, "zones": None, "reason": "no fold gives both cuts"}
    kept = Question(question.positive[mine], question.score[mine], question.patient[mine], question.fold[mine])
    used = [rule for number in kept.fold if (rule := rules[int(number)]) is not None]
    ruled_in = kept.score >= np.array([rule.rule_in for rule in used])
    ruled_out = kept.score < np.array([rule.rule_out for rule in used])
    zones = {"ruled_in": ruled_in, "between": ~ruled_in & ~ruled_out, "ruled_out": ruled_out}
    return entry | {
        "rule_in": calls(kept, ruled_in),
        "rule_out": calls(kept, ~ruled_out),
        "zones": {name: _zone(kept, zone) for name, zone in zones.items()},
    }


def _above(low: float, high: float) -> float:
    """The middle, but above `low` even where no number lies between."""
    return float(max((low + high) / 2, np.nextafter(low, np.inf)))


def _zone(question: Question, zone: Bool[np.ndarray, " n"]) -> dict[str, Any]:
    positives = int((zone & question.positive).sum())
    share = proportion(zone, question.patient)
    return {"positives": positives, "negatives": share["count"] - positives, "share": share}


def _entry(number: int, rule: Rule | None, inner: Question | None) -> dict[str, Any]:
    if rule is not None:
        return {"fold": number} | vars(rule)
    positives, negatives = (0, 0) if inner is None else inner.counts
    side = "positive" if not positives else "negative"
    reason = f"the inner split has no {side} case" if positives + negatives else NO_INNER
    reason = NO_PREDICTIONS if inner is None else reason
    known = {"fold": number, "rule_out": None, "rule_in": None, "positives": positives, "negatives": negatives}
    return known | {"reason": reason}

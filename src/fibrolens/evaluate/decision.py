"""What a decision by the probabilities is worth: net benefit, rule-in and rule-out, predictive values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from fibrolens.evaluate.bootstrap import REPLICATES, Curve, bootstrap_curve
from fibrolens.evaluate.cut import NO_PREDICTIONS, fixed_cut, youden_cut
from fibrolens.evaluate.population import PREVALENCES
from fibrolens.evaluate.predictive import predictive_values
from fibrolens.evaluate.rule import rule_in_out
from fibrolens.evaluate.threshold import Question, calls

#: Probabilities from which on a reader would treat.
RISKS = np.arange(1, 100) / 100
METHODS = {
    "decision_curve": "net benefit at a threshold probability t: true positives / n - false positives / n * t / (1 - "
    "t) (Vickers and Elkin 2006), t from 1 to 99 %, beside calling all and none positive; band: pointwise 95 % "
    "percentile interval, draws of patients within both sides, the prevalence taken as it is; unit: patient",
}


def decision(
    question: Question,
    inner: Mapping[int, Question],
    generator: np.random.Generator,
    replicates: int = REPLICATES,
    prevalences: Sequence[float] = PREVALENCES,
) -> dict[str, Any]:
    """Every measure of decisions at one threshold, ready for JSON.

    Args:
        question: the decided test scans.
        inner: the same question of each fold's inner split, which chooses the cuts.
        generator: source of the bootstrap's draws.
        replicates: bootstrap replicates.
        prevalences: for which predictive values are wanted.

    Returns:
        ``curve`` (see `decision_curve`), ``rule_in_out`` and ``predictive_values`` of each cut: ``operating_point``,
        ``rule_in``, ``rule_out``.
    """
    ruled = rule_in_out(question, inner)
    points = {"operating_point": _operating_point(question, inner)}
    points |= {name: ruled[name] for name in ("rule_in", "rule_out") if ruled[name] is not None}
    values = {
        name: predictive_values(found["sensitivity"], found["specificity"], prevalences)
        for name, found in points.items()
    }
    curve = decision_curve(question, generator, replicates)
    return {"curve": curve, "rule_in_out": ruled, "predictive_values": values}


def decision_curve(question: Question, generator: np.random.Generator, replicates: int = REPLICATES) -> dict[str, Any]:
    """Net benefit at each threshold probability (Vickers and Elkin, Med Decis Making 2006;26:565).

    Args:
        question: the decided scans.
        generator: source of the draws; strata as for the AUC.
        replicates: bootstrap replicates.

    Returns:
        Lists over the threshold probabilities ``risk``: ``model``, ``low`` and ``high`` (None where no draw differs
        from another) and ``treat_all``; calling none positive is 0 throughout. All but the first are None beside a
        ``reason`` where one side has no case.
    """
    entry: dict[str, Any] = {"risk": RISKS.tolist()}
    if not all(question.counts):
        nothing = dict.fromkeys(("model", "low", "high", "treat_all"))
        return entry | nothing | {"reason": "no case on one side of the threshold"}
    benefit = resampled_benefit(question.positive, question.score)
    whole = np.ones((1, len(question.score)))
    drawn = bootstrap_curve(benefit, question.positive.astype(int), question.patient, generator, replicates)
    low, high = np.full((2, len(RISKS)), np.nan) if drawn is None else drawn
    everyone = resampled_benefit(question.positive, np.ones(len(question.score)))
    return entry | {
        "model": benefit(whole)[0].tolist(),
        "low": _plain(low),
        "high": _plain(high),
        "treat_all": everyone(whole)[0].tolist(),
    }


def resampled_benefit(positive: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"]) -> Curve:
    """The curve that `bootstrap_curve` needs for the net benefit at `RISKS`."""
    called = score[:, None] >= RISKS
    worth = np.where(positive[:, None], 1.0, -RISKS / (1 - RISKS)) * called
    return lambda weights: weights @ worth / weights.sum(axis=1, keepdims=True)


def _operating_point(question: Question, inner: Mapping[int, Question]) -> dict[str, Any]:
    """The calls at each fold's own cut, as in ``thresholds``."""
    cuts = {number: youden_cut(asked.positive, asked.score) for number, asked in inner.items()}
    used = [cuts.get(int(number)) or fixed_cut(NO_PREDICTIONS) for number in question.fold]
    return calls(question, question.score >= np.array([cut.value for cut in used]))


def _plain(values: Float[np.ndarray, " m"]) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]

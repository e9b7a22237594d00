"""Whether probabilities mean what they say: reliability curve, slope and intercept, Brier score, calibration error."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from fibrolens.evaluate.bootstrap import REPLICATES, bootstrap
from fibrolens.evaluate.entries import THIN, estimated, proportion
from fibrolens.evaluate.intervals import Interval, delong
from fibrolens.evaluate.ordinal import resampled_mean
from fibrolens.evaluate.recalibration import NOTHING, recalibrate
from fibrolens.evaluate.threshold import Question

#: Bins of equal width, so that those of several hospitals can be pooled.
BINS = 10
#: Draws of outcomes from the probabilities themselves.
PERFECT = 1000
ONE_SIDE = "no case on one side of the threshold"
NO_SLOPE = "the scores of both sides do not overlap, so no slope is likeliest"
NO_INTERVAL = "an interval needs two patients on each side, and scores that overlap"
METHODS = {
    "calibration": f"of P(F>=k), {BINS} bins of equal width with 95 % Wilson intervals; slope and intercept of the "
    "logistic recalibration, and the intercept at slope 1 (in the large), with 95 % intervals from the variance with "
    "patients as clusters; Brier score with percentile interval (draws of patients within both sides), beside that of "
    "the cohort's prevalence for every scan; expected calibration error (bins weighted by scans), beside its mean and "
    "95th percentile if the probabilities were right, for in few scans it is never 0; unit of the intervals: patient",
}


def calibration(question: Question, generator: np.random.Generator, replicates: int = REPLICATES) -> dict[str, Any]:
    """Every measure of calibration of one threshold, ready for JSON.

    Args:
        question: the decided scans.
        generator: source of the draws; strata as for the AUC.
        replicates: bootstrap replicates.

    Returns:
        ``positives``, ``negatives``, ``thin``, ``auc``, ``mean_probability``, ``prevalence``, ``slope``, ``intercept``,
        ``in_the_large``, ``brier``, ``brier_of_prevalence``, ``ece`` and ``bins``. What the scans cannot give is None
        beside its ``reason``.
    """
    positive, probability, patient = question.positive, question.score.clip(0.0, 1.0), question.patient
    positives, negatives = question.counts
    one_side = not (positives and negatives)
    area = NOTHING if one_side else delong(positive, question.score, patient)
    found = recalibrate(positive, probability, patient) if len(positive) else None
    entry: dict[str, Any] = {
        "positives": positives,
        "negatives": negatives,
        "thin": min(positives, negatives) < THIN,
        "auc": _entry(area, ONE_SIDE),
        "mean_probability": float(probability.mean()) if len(positive) else None,
        "prevalence": float(positive.mean()) if len(positive) else None,
    }
    for name in ("slope", "intercept", "in_the_large"):
        interval = NOTHING if found is None else getattr(found, name)
        entry[name] = _entry(interval, ONE_SIDE if one_side else NO_SLOPE)
    return entry | {
        "brier": _brier(question, probability, generator, replicates),
        "brier_of_prevalence": float(positive.mean() * (1 - positive.mean())) if len(positive) else None,
        "ece": _error(positive, probability, generator),
        "bins": reliability(positive, probability, patient),
    }


def reliability(
    positive: Bool[np.ndarray, " n"], probability: Float[np.ndarray, " n"], patient: Int[np.ndarray, " n"]
) -> list[dict[str, Any]]:
    """The bins of the reliability curve: range, mean probability, and the share that is positive with its interval.

    The lower edge belongs to a bin, the upper one to the next; 1 belongs to the last. Empty bins are there, with None.
    """
    number = _bin(probability)
    return [
        {
            "range": [k / BINS, (k + 1) / BINS],
            "mean_probability": float(probability[number == k].mean()) if (number == k).any() else None,
            "observed": proportion(positive[number == k], patient[number == k]),
        }
        for k in range(BINS)
    ]


def expected_calibration_error(
    positive: Bool[np.ndarray, "r n"], probability: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " r"]:
    """Mean over scans of the distance of a bin's mean probability from its share of positives, per row of outcomes.

    Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
    """
    member = np.eye(BINS)[_bin(probability)]
    return np.abs((positive - probability) @ member).sum(axis=1) / len(probability)


def _bin(probability: Float[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    return np.minimum((probability * BINS).astype(int), BINS - 1)


def _brier(
    question: Question, probability: Float[np.ndarray, " n"], generator: np.random.Generator, replicates: int
) -> dict[str, Any]:
    """Mean squared difference of probability and outcome (Brier, Mon Weather Rev 1950;78:1)."""
    if not len(probability):
        return _entry(NOTHING, ONE_SIDE)
    squares = (probability - question.positive) ** 2
    stratum = question.positive.astype(int)
    drawn = bootstrap(resampled_mean(squares), stratum, question.patient, generator, replicates)
    return estimated(float(squares.mean()), *drawn, NO_INTERVAL)


def _error(
    positive: Bool[np.ndarray, " n"], probability: Float[np.ndarray, " n"], generator: np.random.Generator
) -> dict[str, Any]:
    """The expected calibration error beside what it would be if every probability were right.

    The outcomes of that are drawn scan by scan; scans of a patient that agree would make it larger.
    """
    if not len(positive):
        return {"value": None, "if_right": None, "if_right_95": None, "reason": ONE_SIDE}
    drawn = expected_calibration_error(generator.random((PERFECT, len(positive))) < probability, probability)
    return {
        "value": float(expected_calibration_error(positive[None], probability)[0]),
        "if_right": float(drawn.mean()),
        "if_right_95": float(np.percentile(drawn, 95)),
    }


def _entry(interval: Interval, reason: str) -> dict[str, Any]:
    return estimated(
        interval.estimate, interval.low, interval.high, reason if np.isnan(interval.estimate) else NO_INTERVAL
    )

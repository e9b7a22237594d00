"""Predictive values at a prevalence that is not the cohort's, from sensitivity and specificity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fibrolens.evaluate.entries import estimated
from fibrolens.evaluate.intervals import Interval

NEVER = "no scan is called so, with or without the finding"
NO_CASE = "no case on one side of the threshold"
METHODS = {
    "predictive_values": "PPV and NPV at other prevalences by Bayes' theorem from sensitivity and specificity at the "
    "cut; 95 % interval from that of the likelihood ratio, by MOVER-R (Newcombe 2016) from the Wilson intervals of "
    "both; they hold where patients differ from the cohort's in prevalence alone",
}


def ratio(upper: Interval, lower: Interval) -> Interval:
    """Ratio of two independent proportions with its interval, by MOVER-R.

    Newcombe, Stat Methods Med Res 2016;25:1774 (after Donner and Zou 2012), written so that a zero below does not
    divide: with a lower proportion of 0 the ratio is infinite, and its lower end still finite.

    Args:
        upper: the proportion above the line, with its interval.
        lower: that below.

    Returns:
        The ratio; its estimate is NaN for 0 / 0.
    """
    p, q = upper.estimate, lower.estimate
    product = p * q

    def root(above: float, below: float) -> float:
        return float(np.sqrt(max(product**2 - above * below, 0.0)))

    # The ends solve a quadratic equation; l (2 p - l) belongs to the end l of p.
    above_low, above_high = (end * (2 * p - end) for end in (upper.low, upper.high))
    below_low, below_high = (end * (2 * q - end) for end in (lower.low, lower.high))
    low = above_low / least if (least := product + root(above_low, below_high)) > 0 else 0.0
    high = (product + root(above_high, below_low)) / below_low if below_low > 0 else float("inf")
    estimate = p / q if q > 0 else float("inf") if p > 0 else float("nan")
    return Interval(estimate, low, high)


def predictive_values(
    sensitivity: Mapping[str, Any], specificity: Mapping[str, Any], prevalences: Sequence[float]
) -> list[dict[str, Any]]:
    """PPV and NPV at each prevalence, ready for JSON.

    Args:
        sensitivity: ``value`` and ``interval`` at the cut, as in ``evaluation.json``.
        specificity: the same.
        prevalences: shares of patients with the finding, above 0 and below 1.

    Returns:
        Per prevalence ``ppv`` and ``npv``, each with ``value`` and ``interval``; None beside a ``reason`` where no scan
        is called so.
    """
    if None in (sensitivity["value"], specificity["value"]):
        nothing = estimated(*(float("nan"),) * 3, NO_CASE)
        return [{"prevalence": float(share), "ppv": nothing, "npv": nothing} for share in prevalences]
    with_it, without = _interval(sensitivity), _interval(specificity)
    positive = ratio(with_it, _complement(without))
    negative = ratio(without, _complement(with_it))
    return [
        {
            "prevalence": float(share),
            "ppv": _value(positive, share / (1 - share)),
            "npv": _value(negative, (1 - share) / share),
        }
        for share in prevalences
    ]


def _value(found: Interval, odds: float) -> dict[str, Any]:
    """The probability whose odds are the odds before times the likelihood ratio."""
    if np.isnan(found.estimate):
        return estimated(*(float("nan"),) * 3, NEVER)
    value, low, high = (1 / (1 + 1 / (odds * x)) if x > 0 else 0.0 for x in (found.estimate, found.low, found.high))
    return estimated(value, low, high, NEVER)


def _interval(entry: Mapping[str, Any]) -> Interval:
    return Interval(entry["value"], *entry["interval"])


def _complement(interval: Interval) -> Interval:
    return Interval(1 - interval.estimate, 1 - interval.high, 1 - interval.low)

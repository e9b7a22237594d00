"""Small parts of ``evaluation.json`` that several figures share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from fibrolens.evaluate.intervals import Interval, wilson

#: Fewer cases than this on either side, or of a stage, make a figure thin.
THIN = 10


def ends(interval: Interval) -> list[float] | None:
    """Both ends, or None where the interval cannot be known."""
    return None if math.isnan(interval.low) else [interval.low, interval.high]


def proportion(success: Bool[np.ndarray, " n"], patient: Int[np.ndarray, " n"]) -> dict[str, Any]:
    """``value``, ``interval`` (see `wilson`), ``count`` and ``of``; the first two None of no case.

    Args:
        success: whether a scan counts.
        patient: number of the patient of each scan.
    """
    found = wilson(success, patient)
    value = None if math.isnan(found.estimate) else found.estimate
    return {"value": value, "interval": ends(found), "count": int(success.sum()), "of": len(success)}


def estimated(value: float, low: float, high: float, reason: str) -> dict[str, Any]:
    """``value`` and ``interval``; each None where it is NaN, beside the `reason`."""
    known = None if math.isnan(value) else value
    entry: dict[str, Any] = {"value": known, "interval": ends(Interval(value, low, high))}
    return entry | {"reason": reason} if None in entry.values() else entry


def fold_spread(values: Sequence[float | None]) -> dict[str, Any]:
    """``mean`` and ``sd`` (n - 1) of the folds that give a figure, and how many ``folds`` do."""
    known = [value for value in values if value is not None]
    mean = float(np.mean(known)) if known else None
    return {"mean": mean, "sd": float(np.std(known, ddof=1)) if len(known) > 1 else None, "folds": len(known)}

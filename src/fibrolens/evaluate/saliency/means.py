"""The mean of a figure over scans, with an interval that knows whose scan is whose."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from fibrolens.evaluate.bootstrap import REPLICATES, bootstrap_curve
from fibrolens.evaluate.entries import estimated

NO_SCAN = "no scan gives this figure"
NO_INTERVAL = "an interval needs two patients whose figures differ"


def or_nan(value: float | bool | None) -> float:
    """A figure or an answer as a number: yes is 1 and no 0, and NaN what is not known (None)."""
    return float("nan") if value is None else float(value)


def patient_mean(
    values: Float[np.ndarray, " n"],
    patient: Int[np.ndarray, " n"],
    generator: np.random.Generator,
    replicates: int = REPLICATES,
) -> dict[str, Any]:
    """Mean over the scans that give a figure; percentiles from drawing patients with all their scans.

    Args:
        values: figure of each scan, of any range; NaN is unknown.
        patient: number of the patient of each scan.
        generator: source of the draws.
        replicates: draws of the whole cohort.

    Returns:
        ``value``, its 95 % ``interval``, ``of`` (scans with a figure) and ``patients``; the unknown is None beside a
        ``reason``.
    """
    known = ~np.isnan(values)
    own, owner = values[known], patient[known]
    counts = {"of": len(own), "patients": len(np.unique(owner))}
    if not len(own):
        return counts | {"value": None, "interval": None, "reason": NO_SCAN}
    low, high = mean_ends(own[:, None], owner, generator, replicates)[:, 0]
    return counts | estimated(float(own.mean()), float(low), float(high), NO_INTERVAL)


def mean_ends(
    values: Float[np.ndarray, "n m"],
    patient: Int[np.ndarray, " n"],
    generator: np.random.Generator,
    replicates: int = REPLICATES,
) -> Float[np.ndarray, "2 m"]:
    """Both ends of the interval of each column's mean, every column from the same draws of patients.

    Args:
        values: figures of each scan, all of them known.
        patient: number of the patient of each scan.
        generator: source of the draws.
        replicates: draws of the whole cohort.

    Returns:
        NaN where fewer than two patients are there, or no draw differs from another.
    """
    found = bootstrap_curve(
        lambda weights: weights @ values / weights.sum(axis=1, keepdims=True),
        np.zeros(len(values), int),
        patient,
        generator,
        replicates,
    )
    return np.full((2, values.shape[1]), np.nan) if found is None else found

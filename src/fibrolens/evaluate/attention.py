"""Mean map weight in the liver, F0 against F4: the comparison of the paper's Fig. 5."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import mannwhitneyu


def summarise(values: Sequence[float] | Float[np.ndarray, " n"]) -> dict[str, Any]:
    """Count, median and quartiles of the known values.

    Returns:
        ``n``, ``median``, ``q1``, ``q3``; the last three are None without a known value.
    """
    known = _known(values)
    if not len(known):
        return {"n": 0, "median": None, "q1": None, "q3": None}
    q1, median, q3 = (float(v) for v in np.percentile(known, [25, 50, 75]))
    return {"n": len(known), "median": median, "q1": q1, "q3": q3}


def compare(
    low: Sequence[float] | Float[np.ndarray, " n"], high: Sequence[float] | Float[np.ndarray, " m"]
) -> dict[str, Any]:
    """Two-sided Mann-Whitney test of two groups.

    Args:
        low: values of the first group (F0); NaN is unknown.
        high: values of the second group (F4); NaN is unknown.

    Returns:
        ``p_value``, ``u`` (of `high`) and ``effect``, the share of pairs in which `high` is larger (ties half);
        or None for each and a ``reason`` where a group is empty.
    """
    first, second = _known(low), _known(high)
    if not (len(first) and len(second)):
        return {"p_value": None, "u": None, "effect": None, "reason": "one of the two groups has no case"}
    test = mannwhitneyu(second, first, alternative="two-sided")
    pairs = len(first) * len(second)
    return {"p_value": float(test.pvalue), "u": float(test.statistic), "effect": float(test.statistic / pairs)}


def compare_stages(stage: Sequence[str], values: Sequence[float]) -> dict[str, Any]:
    """Every stage's summary and F0 against F4.

    Args:
        stage: stage of each case, true or predicted; sets such as ``F2|F3`` stand in no group.
        values: mean map weight of each case; NaN is unknown.

    Returns:
        ``stages`` (F0..F4, see `summarise`) and ``F0_against_F4`` (see `compare`).
    """
    groups = {f"F{k}": [v for s, v in zip(stage, values, strict=True) if s == f"F{k}"] for k in range(5)}
    summaries = {name: summarise(group) for name, group in groups.items()}
    return {"stages": summaries, "F0_against_F4": compare(groups["F0"], groups["F4"])}


def _known(values: Sequence[float] | Float[np.ndarray, " n"]) -> Float[np.ndarray, " k"]:
    return np.array([float(v) for v in values if not math.isnan(v)], dtype=float)

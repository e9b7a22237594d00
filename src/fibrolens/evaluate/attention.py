"""Where the maps lie by stage: summaries, F0 against F4 (the paper's Fig. 5), and how frequent the patterns are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import mannwhitneyu

from fibrolens.evaluate.entries import ends, proportion
from fibrolens.evaluate.intervals import delong

NO_INTERVAL = "an interval of the effect needs two patients in each group, and groups that overlap"
NAMES = ("F0", "F1", "F2", "F3", "F4")


def summarise(values: Sequence[float] | Float[np.ndarray, " n"]) -> dict[str, Any]:
    """Count, median and quartiles of the known values.

    Returns:
        ``n``, ``median``, ``q1``, ``q3``; the last three are None without a known value.
    """
    known = np.array([float(v) for v in values if not math.isnan(v)], dtype=float)
    if not len(known):
        return {"n": 0, "median": None, "q1": None, "q3": None}
    q1, median, q3 = (float(v) for v in np.percentile(known, [25, 50, 75]))
    return {"n": len(known), "median": median, "q1": q1, "q3": q3}


def compare(low: Mapping[str, float], high: Mapping[str, float]) -> dict[str, Any]:
    """Two-sided Mann-Whitney test of two groups of patients.

    Args:
        low: value of each patient of the first group (F0), by the patient's id.
        high: value of each patient of the second group (F4).

    Returns:
        ``patients`` of each group that were compared and ``in_both``, patients of both groups, who are left out so
        that the groups are independent; ``p_value``, ``u`` (of `high`), ``effect``, the share of pairs in which `high`
        is larger (ties half), and its 95 % ``effect_interval`` (DeLong). Without two patients in each group, and where
        the groups do not overlap, the interval is None beside a ``reason``; without a patient in each, all figures.
    """
    both = low.keys() & high.keys()
    first, second = ([value for name, value in group.items() if name not in both] for group in (low, high))
    counts: dict[str, Any] = {"patients": [len(first), len(second)], "in_both": len(both)}
    if not (first and second):
        nothing = {"p_value": None, "u": None, "effect": None, "effect_interval": None}
        return counts | nothing | {"reason": "one of the two groups has no case"}
    test = mannwhitneyu(second, first, alternative="two-sided")
    later = np.repeat([False, True], counts["patients"])
    effect = delong(later, np.array(first + second, dtype=float))
    figures = {"p_value": float(test.pvalue), "u": float(test.statistic), "effect": effect.estimate}
    found = counts | figures | {"effect_interval": ends(effect)}
    return found if found["effect_interval"] else found | {"reason": NO_INTERVAL}


def compare_stages(
    stage: Sequence[str], values: Sequence[float], patient: Sequence[str] | None = None
) -> dict[str, Any]:
    """Every stage's summary and F0 against F4.

    Args:
        stage: stage of each scan, true or predicted; sets such as ``F2|F3`` stand in no group.
        values: mean map weight of each scan; NaN is unknown.
        patient: whose scan; None means that every scan is another patient's.

    Returns:
        ``stages`` (F0 to F4, see `summarise`; unit: scan) and ``F0_against_F4`` (see `compare`; unit: patient, by the
        mean of the patient's scans in the group).
    """
    owners = [str(n) for n in range(len(stage))] if patient is None else patient
    known: dict[str, dict[str, list[float]]] = {name: {} for name in NAMES}
    for name, value, owner in zip(stage, values, owners, strict=True):
        if name in known and not math.isnan(value):
            known[name].setdefault(owner, []).append(value)
    summaries = {name: summarise([v for own in group.values() for v in own]) for name, group in known.items()}
    low, high = ({owner: float(np.mean(own)) for owner, own in known[name].items()} for name in ("F0", "F4"))
    return {"stages": summaries, "F0_against_F4": compare(low, high)}


def adjust(tests: Sequence[dict[str, Any]]) -> None:
    """Give each test with a ``p_value`` its ``p_adjusted`` by Holm's rule over all of them (Scand J Stat 1979;6:65)."""
    known = sorted((test for test in tests if test["p_value"] is not None), key=lambda test: test["p_value"])
    reached = 0.0
    for rank, test in enumerate(known):
        reached = max(reached, min(1.0, (len(known) - rank) * test["p_value"]))
        test["p_adjusted"] = reached


def frequencies(
    stage: Sequence[str], found: Sequence[str], names: Sequence[str], patient: Int[np.ndarray, " n"]
) -> dict[str, dict[str, Any]]:
    """Share of each pattern among the scans of each stage F0 to F4, see `proportion`.

    Args:
        stage: stage of each scan, true or predicted; sets stand in no group.
        found: name of each scan's pattern.
        names: every pattern.
        patient: number of the patient of each scan.
    """
    stages, patterns = np.array(stage, dtype=str), np.array(found, dtype=str)
    return {
        own: {name: proportion(patterns[stages == own] == name, patient[stages == own]) for name in names}
        for own in NAMES
    }

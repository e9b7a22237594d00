"""Does a network do as well in every group of patients? Each group's figures, and its AUC against that of the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool
from scipy.stats import norm

from fibrolens.evaluate.areas import area
from fibrolens.evaluate.attention import adjust
from fibrolens.evaluate.entries import THIN, proportion
from fibrolens.evaluate.intervals import CONFIDENCE, auc, delong_variance
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.study import question, threshold_name
from fibrolens.evaluate.threshold import Question, calls

#: The paper's three questions; F>=1 is left out, lest there be too many tests.
THRESHOLDS = (2, 3, 4)
#: Groups with fewer scans than this stand together.
FEWEST = THIN
METHODS = {
    "subgroups": "every figure of the scans of a group alone; sensitivity and specificity at the fold's cut; coverage "
    "of the conformal sets at their claim. Scans without the value stand in no group and in no rest",
    "subgroup_tests": "AUC of the group minus that of all other scans whose group is known, with DeLong's variances "
    "(patients as clusters) and a 95 % normal interval; p_adjusted is Holm's over every test of all groups; no test "
    f"where a side has fewer than {THIN} scans; of two groups one test. A patient with scans in both is taken for two",
}


def subgroups(
    cases: Sequence[Predicted],
    groupings: Mapping[str, Mapping[str, str]],
    cuts: Mapping[int, Mapping[int, float]],
    covered: Bool[np.ndarray, " n"],
) -> dict[str, Any]:
    """Figures of every group of every grouping.

    Args:
        cases: out-of-fold predictions, pooled over the folds.
        groupings: title of a grouping, such as ``sex``, and in it the group of each scan id; a scan whose group is not
            known is left out. Groups come in the order in which the mapping first names them.
        cuts: of each threshold 2, 3, 4 the cut of each fold.
        covered: whether each case's conformal set holds its stage.

    Returns:
        ``groupings`` (title to ``unknown``, the scans without a group, and ``groups``, empty beside a ``reason`` where
        fewer than two are there) and ``methods``; ready for JSON. A group has ``name``, ``scans``, ``patients``,
        ``stages``, ``coverage``, and per threshold ``auc``, ``sensitivity``, ``specificity`` and ``difference``.
    """
    found = {title: _grouping(cases, groups, cuts, covered) for title, groups in groupings.items()}
    tests = [
        threshold["difference"]
        for grouping in found.values()
        for group in grouping["groups"]
        for threshold in group["thresholds"].values()
    ]
    adjust(tests)
    return {"groupings": found, "methods": METHODS}


def gathered(groups: Mapping[str, str], fewest: int = FEWEST) -> dict[str, str]:
    """The groups by size, largest first; those with fewer than `fewest` scans as one, ``3 rarer ones``.

    Args:
        groups: group of each scan id, free text.
        fewest: scans that a group needs to stand alone.
    """
    counts = Counter(groups.values())
    small = sorted(name for name, count in counts.items() if count < fewest)
    # A single small group is not made clearer by another name.
    together = dict.fromkeys(small, f"{len(small)} rarer ones") if len(small) > 1 else {}
    order = sorted(groups, key=lambda scan: (groups[scan] in together, -counts[groups[scan]], groups[scan]))
    return {scan: together.get(groups[scan], groups[scan]) for scan in order}


def _grouping(
    cases: Sequence[Predicted],
    groups: Mapping[str, str],
    cuts: Mapping[int, Mapping[int, float]],
    covered: Bool[np.ndarray, " n"],
) -> dict[str, Any]:
    own = np.array([groups.get(case.scan_id, "") for case in cases], dtype=str)
    names = [name for name in dict.fromkeys(groups.values()) if (own == name).any()]
    result: dict[str, Any] = {"unknown": int((own == "").sum()), "groups": []}
    if len(names) < 2:
        return result | {"reason": f"all scans are {names[0]}" if names else "not known of any scan"}
    for number, name in enumerate(names):
        # Of two groups the second says nothing that the first has not said.
        tested = not (len(names) == 2 and number)
        inside, rest = own == name, (own != name) & (own != "")
        result["groups"].append({"name": name, **_group(cases, inside, rest, cuts, covered, tested)})
    return result


def _group(
    cases: Sequence[Predicted],
    inside: Bool[np.ndarray, " n"],
    rest: Bool[np.ndarray, " n"],
    cuts: Mapping[int, Mapping[int, float]],
    covered: Bool[np.ndarray, " n"],
    tested: bool,
) -> dict[str, Any]:
    mine, others = ([case for case, kept in zip(cases, part, strict=True) if kept] for part in (inside, rest))
    stages = Counter("|".join(f"F{k}" for k in case.stages) for case in mine)
    patient = np.unique([case.patient_id for case in mine], return_inverse=True)[1]
    thresholds = {}
    for k in THRESHOLDS:
        asked = question(mine, k)
        called = calls(asked, asked.score >= np.array([cuts[k][int(fold)] for fold in asked.fold]))
        thresholds[threshold_name(k)] = {
            "auc": area(asked),
            "sensitivity": called["sensitivity"],
            "specificity": called["specificity"],
            "difference": difference(asked, question(others, k))
            if tested
            else _no_test("it is that of the first group"),
        }
    return {
        "scans": len(mine),
        "patients": len(set(patient.tolist())),
        "stages": {name: stages[name] for name in sorted(stages)},
        "coverage": proportion(covered[inside], patient),
        "thresholds": thresholds,
    }


def difference(group: Question, rest: Question) -> dict[str, Any]:
    """AUC of a group minus that of the rest: ``value``, ``interval``, two-sided ``p_value``; or None and a ``reason``.

    The scans are other patients', so the variances add (DeLong et al., Biometrics 1988;44:837).
    """
    if min(*group.counts, *rest.counts) < THIN:
        return _no_test(f"fewer than {THIN} scans on one side, in the group or in the rest")
    parts = [(q.positive, q.score, q.patient) for q in (group, rest)]
    apart = auc(*parts[0][:2]) - auc(*parts[1][:2])
    variance = sum(delong_variance(*part) for part in parts)
    if not variance > 0:
        return _no_test("the variance is not known: sides that are wholly separated, or a single patient on one")
    deviation = float(variance) ** 0.5
    half = float(norm.ppf(0.5 + CONFIDENCE / 2)) * deviation
    p_value = 2 * float(norm.sf(abs(apart) / deviation))
    return {"value": apart, "interval": [apart - half, apart + half], "p_value": p_value}


def _no_test(reason: str) -> dict[str, Any]:
    return {"value": None, "interval": None, "p_value": None, "reason": reason}

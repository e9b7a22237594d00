"""The shortcut audit: can the stage be told from how a scan was made, and how much of the network's AUC may that be?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool

from fibrolens.evaluate.bootstrap import REPLICATES
from fibrolens.evaluate.entries import ends
from fibrolens.evaluate.intervals import auc, delong
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.stratified_auc import compare_alike
from fibrolens.evaluate.study import threshold_name
from fibrolens.evaluate.told import DRAWS, FOLDS, REPEATS, THRESHOLDS, Scans, Told, told

#: The alarm's p-value: so often it is raised where scan and stage have nothing to do with each other.
FALSE_ALARMS = 0.005
#: What is told less well is no alarm, however sure it is: in thousands of scans every trifle is.
LEAST_AUC = 0.6
#: Below this p-value a word is said, but no alarm raised.
HINT = 0.05
#: Fewer patients than this, or on either side of every threshold, tell nothing.
FEWEST_PATIENTS, FEWEST_PER_SIDE = 20, 5
RULE = (
    f"alarm: permutation p at most {FALSE_ALARMS:g}, and an AUC of at least {LEAST_AUC:g} at F>=2, F>=3 or F4, of all "
    "facts together (out of fold) or of one; where scan and stage have nothing to do with each other it is raised in "
    f"at most {100 * FALSE_ALARMS:g} % of studies. hint: p at most {HINT:g}"
)
METHODS = {
    "shortcuts_score": f"ridge regression on the facts of acquisition.csv alone; {FOLDS} folds of patients, drawn "
    f"{REPEATS} times without a look at stage or site, mean of the scores out of fold; 95 % interval: DeLong, patients "
    "as clusters",
    "shortcuts_test": f"{DRAWS} permutations of the stages among patients; the score and the best single fact, over "
    "all thresholds, in one p-value (min-p, Westfall and Young 1993); p of a fact: adjusted for all of them",
    "shortcuts_network": "the network's AUC over pairs of scans of one site, and of one quarter of the acquisition "
    "score; 95 % percentile interval of {replicates} draws of patients; unit: patient",
}


def shortcuts(
    cases: Sequence[Predicted],
    facts: Mapping[str, Mapping[str, str]],
    names: tuple[Sequence[str], Sequence[str]],
    generator: np.random.Generator,
    replicates: int = REPLICATES,
) -> dict[str, Any]:
    """Everything that ``evaluation.json`` says of shortcuts.

    Args:
        cases: out-of-fold predictions.
        facts: of each scan id, its row of ``acquisition.csv``; scans without a row are left out and counted.
        names: columns of the rows that hold words, and those that hold numbers.
        generator: source of folds, permutations and draws.
        replicates: draws of the network's intervals.

    Returns:
        What `audit` gives, ``left_out``, ``network`` and ``methods``.
    """
    known = [case for case in cases if case.scan_id in facts]
    methods = {name: text.format(replicates=replicates) for name, text in METHODS.items()}
    rows = [facts[case.scan_id] for case in known]
    words = {name: [row.get(name, "") for row in rows] for name in names[0]}
    numbers = {name: np.array([_number(row.get(name, "")) for row in rows]) for name in names[1]}
    patient = np.unique([case.patient_id for case in known], return_inverse=True)[1]
    content, found = audit(Scans([case.stages for case in known], patient, words, numbers), generator)
    network = {}
    for column, k in enumerate(THRESHOLDS):
        score = None if found is None else found.score[:, column]
        network[threshold_name(k)] = compare_alike(known, k, (words["site"], score), generator, replicates)
    return content | {"left_out": len(cases) - len(known), "network": network, "methods": methods}


def audit(scans: Scans, generator: np.random.Generator) -> tuple[dict[str, Any], Told | None]:
    """Whether the facts of the scans tell their stage.

    Returns:
        ``level`` (``alarm``, ``hint``, ``none``, or ``unknown`` beside its ``reason``), ``p_value``, ``rule``,
        ``scans``, ``patients``, ``thresholds`` (counts and AUC of all facts together, per threshold) and ``facts``
        (each fact by its strongest column, the strongest first); and the test.
    """
    patients = len(np.unique(scans.patient))
    start = {"rule": RULE, "scans": len(scans.stages), "patients": patients}
    nothing = start | {"level": "unknown", "p_value": None, "thresholds": {}, "facts": []}
    if patients < FEWEST_PATIENTS or not any(_enough(scans, k) for k in THRESHOLDS):
        told_why = f"fewer than {FEWEST_PATIENTS} patients, or than {FEWEST_PER_SIDE} on a side of every threshold"
        return nothing | {"reason": told_why}, None
    found = told(scans, generator)
    if found is None:
        return nothing | {"reason": "nothing that is known of the scans differs between them"}, None
    thresholds = {threshold_name(k): _threshold(scans, found, column) for column, k in enumerate(THRESHOLDS)}
    facts = _facts(scans, found)
    best = max(
        [t["auc"]["value"] for t in thresholds.values() if t["auc"]]
        + [fact["auc"] for fact in facts if fact["p_adjusted"] <= FALSE_ALARMS and fact["auc"] is not None]
    )
    level = "none" if found.p_value > HINT else "hint"
    if found.p_value <= FALSE_ALARMS and best >= LEAST_AUC:
        level = "alarm"
    return start | {"level": level, "p_value": found.p_value, "thresholds": thresholds, "facts": facts}, found


def _enough(scans: Scans, k: int) -> bool:
    sides = [{int(p) for p, own in zip(scans.patient, scans.stages, strict=True) if min(own) >= k}]
    sides.append({int(p) for p, own in zip(scans.patient, scans.stages, strict=True) if max(own) < k})
    return min(map(len, sides)) >= FEWEST_PER_SIDE


def _sides(scans: Scans, k: int) -> tuple[Bool[np.ndarray, " n"], Bool[np.ndarray, " m"]]:
    """Which scans the threshold decides, and of those which are positive."""
    low, high = (np.array([bound(own) for own in scans.stages]) for bound in (min, max))
    kept = (low >= k) | (high < k)
    return kept, (low >= k)[kept]


def _threshold(scans: Scans, found: Told, column: int) -> dict[str, Any]:
    kept, positive = _sides(scans, THRESHOLDS[column])
    counts = {"positives": int(positive.sum()), "negatives": int((~positive).sum())}
    if not min(counts.values()):
        return counts | {"auc": None, "reason": "no scan on one side"}
    area = delong(positive, found.score[kept, column], scans.patient[kept])
    return counts | {"auc": {"value": area.estimate, "delong": ends(area)}}


def _facts(scans: Scans, found: Told) -> list[dict[str, Any]]:
    """Each fact by its strongest column: where and how it goes with the stage."""
    listed: dict[str, dict[str, Any]] = {}
    for index in np.argsort(-np.abs(found.correlation).max(axis=1), kind="stable"):
        column, at = found.columns[index], int(np.abs(found.correlation[index]).argmax())
        if column.fact not in listed:
            listed[column.fact] = {
                "fact": column.fact,
                "value": column.value or None,
                "threshold": threshold_name(THRESHOLDS[at]),
                "correlation": float(found.correlation[index, at]),
                "auc": _single_auc(scans, column.fact, column.value, THRESHOLDS[at]),
                "p_adjusted": float(found.column_p[index]),
                "known": _known(scans, column.fact),
            }
    return list(listed.values())


def _single_auc(scans: Scans, fact: str, value: str, k: int) -> float | None:
    """AUC of one column among the scans where the fact is known, turned to be at least 0.5."""
    kept, positive = _sides(scans, k)
    if fact in scans.numbers and not value:
        values = scans.numbers[fact][kept]
        there = ~np.isnan(values)
    elif fact in scans.numbers:
        values, there = np.isnan(scans.numbers[fact])[kept].astype(float), np.ones(len(positive), dtype=bool)
    else:
        named = np.array([(word or "unknown") == value for word in scans.words[fact]], dtype=float)
        values, there = named[kept], np.ones(len(positive), dtype=bool)
    if len(set(positive[there].tolist())) < 2:
        return None
    area = auc(positive[there], values[there])
    return max(area, 1 - area)


def _known(scans: Scans, fact: str) -> int:
    """Of how many scans the fact is known."""
    if fact in scans.numbers:
        return int((~np.isnan(scans.numbers[fact])).sum())
    return sum(word != "" for word in scans.words[fact])


def _number(text: str) -> float:
    return float(text) if text else float("nan")

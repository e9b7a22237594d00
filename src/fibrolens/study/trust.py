"""When the predictions of a study are to be trusted: stage sets, deferral, and groups of patients, from its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fibrolens.cohort.table import scan_table
from fibrolens.evaluate.conformal import conformal, covered, stage_sets
from fibrolens.evaluate.deferral import deferral
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.study import threshold_name
from fibrolens.evaluate.subgroups import THRESHOLDS, subgroups
from fibrolens.study.groups import groupings
from fibrolens.study.tables import ACQUISITION_FILE, MARKERS_FILE, by_scan


def trust(
    out: Path, cases: Sequence[Predicted], inner: Mapping[int, Sequence[Predicted]], evaluation: Mapping[str, Any]
) -> dict[str, Any]:
    """``conformal``, ``deferral`` and ``subgroups`` of ``evaluation.json``.

    Args:
        out: folder of the study, for ``cohort.csv`` and, where they are, ``markers.csv`` and ``acquisition.csv``.
        cases: out-of-fold predictions.
        inner: each fold's predictions of its inner split.
        evaluation: what `evaluate_predictions` found, for the cuts.
    """
    cohort = {record["scan_id"]: record.cells for record in scan_table(out / "cohort.csv").records}
    groups = groupings([c.scan_id for c in cases], cohort, by_scan(out / MARKERS_FILE), by_scan(out / ACQUISITION_FILE))
    cuts = {k: _cuts(evaluation["thresholds"][threshold_name(k)]) for k in THRESHOLDS}
    return {
        "conformal": conformal(cases, inner),
        "deferral": deferral(cases),
        "subgroups": subgroups(cases, groups, cuts, covered(cases, stage_sets(cases, inner))),
    }


def _cuts(threshold: Mapping[str, Any]) -> dict[int, float]:
    return {cut["fold"]: cut["cut"] for cut in threshold["operating_point"]["cuts"]}

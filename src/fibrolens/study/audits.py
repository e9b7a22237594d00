"""What a network may have learnt besides the liver: shortcuts and markers, from the tables of a study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fibrolens.cohort.table import scan_table
from fibrolens.evaluate.map_or_marker import map_or_marker
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.shortcuts import shortcuts
from fibrolens.study.acquisition import NUMBERS, WORDS
from fibrolens.study.tables import ACQUISITION_FILE, MARKERS_FILE, by_scan


def audits(out: Path, cases: Sequence[Predicted], seed: int) -> dict[str, Any]:
    """``shortcuts`` and ``map_or_marker`` of ``evaluation.json``; without their table, as in an older folder, neither.

    Args:
        out: folder of the study, for ``acquisition.csv``, ``markers.csv`` and ``cohort.csv``.
        cases: out-of-fold predictions.
        seed: of folds, permutations and draws.
    """
    found: dict[str, Any] = {}
    if (path := out / ACQUISITION_FILE).is_file():
        found["shortcuts"] = shortcuts(cases, by_scan(path), (WORDS, NUMBERS), np.random.default_rng(seed))
    if (path := out / MARKERS_FILE).is_file():
        cohort = {record["scan_id"]: record.cells for record in scan_table(out / "cohort.csv").records}
        rows = {scan_id: {**cohort.get(scan_id, {}), **row} for scan_id, row in by_scan(path).items()}
        found["map_or_marker"] = map_or_marker(cases, rows, np.random.default_rng(seed))
    return found

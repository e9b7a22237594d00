"""The figures of a study, from its tables, its maps and the cohort's CTs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fibrolens.cohort.table import CohortRow
from fibrolens.evaluate.study import Predicted, curves
from fibrolens.io import read_volume
from fibrolens.io.nifti import read_nifti
from fibrolens.plan import STAGES, Plan
from fibrolens.report.figures import MapExample, attention_boxplot, map_figure, roc_figure
from fibrolens.study.evaluation import GROUPINGS
from fibrolens.study.fold import SHOWN
from fibrolens.study.prepare import organ_labels
from fibrolens.study.tables import number, read_predictions, read_table
from fibrolens.transforms import ToNetworkGrid
from fibrolens.volume import Volume

#: Scans per stage in the map figure.
EXAMPLES = 2


def draw_study(out: Path, rows: Sequence[CohortRow], plan: Plan, evaluation: Mapping[str, Any]) -> None:
    """Draw ``figures/roc``, ``figures/attention`` and ``figures/maps``, each as PNG and SVG."""
    figures = out / "figures"
    figures.mkdir(exist_ok=True)
    cases = read_predictions(out / "predictions.csv")
    roc_figure(curves(cases), evaluation, figures / "roc", "F>=k: P(F>=k), folds pooled.")
    looked = [row for row in read_table(out / "attention.csv") if row["layer"] == SHOWN]
    values = [number(row["liver_mean"]) for row in looked]
    groups = {title: [row[column] for row in looked] for title, column in GROUPINGS.items()}
    tests = evaluation["attention"]["layers"][SHOWN]
    attention_boxplot(values, groups, tests, figures / "attention", f"Layer: {SHOWN}.")
    by_scan = {row.scan_id: row for row in rows}
    examples = [_example(out, by_scan[case.scan_id], case, plan) for case in typical(cases)]
    if examples:
        map_figure(examples, figures / "maps", f"Layer: {SHOWN}. The scans of median probability of their stage.")


def typical(cases: Sequence[Predicted], count: int = EXAMPLES) -> list[Predicted]:
    """The `count` F0 and F4 scans whose probability of their own stage is nearest to the stage's median."""
    chosen = []
    for stage in (0, 4):
        own = sorted((c for c in cases if c.stages == (stage,)), key=lambda c: c.probabilities[stage])
        start = max(0, (len(own) - count) // 2)
        chosen += own[start : start + count]
    return chosen


def _example(out: Path, row: CohortRow, case: Predicted, plan: Plan) -> MapExample:
    """A scan with its map back on the CT's own grid."""
    ct = read_volume(row.image)
    seen = Volume(*read_nifti(out / "folds" / str(case.fold) / "maps" / f"{row.scan_id}.nii.gz"))
    grid = ToNetworkGrid.fit(ct, plan.grid)
    back = grid.inverse(seen)
    title = f"{row.stage_name}, predicted {STAGES[case.predicted]}"
    return MapExample(title, ct, back, organ_labels(row, ct))

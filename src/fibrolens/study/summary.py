"""From the folds' tables to ``evaluation.json`` and the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fibrolens.cohort.table import CohortRow
from fibrolens.evaluate.attention import compare_stages
from fibrolens.evaluate.study import Predicted, curves, evaluate_predictions
from fibrolens.io import read_volume
from fibrolens.io.nifti import read_nifti
from fibrolens.output import write_json
from fibrolens.plan import STAGES, Plan
from fibrolens.report.figures import MapExample, attention_boxplot, map_figure, roc_figure
from fibrolens.result import INTENDED_USE
from fibrolens.study.fold import LAYERS, SHOWN
from fibrolens.study.prepare import organ_labels
from fibrolens.study.tables import ATTENTION, PREDICTIONS, number, read_predictions, read_table, write_table
from fibrolens.transforms import ToNetworkGrid
from fibrolens.volume import Volume

#: Title of a grouping of the attention, and the column that holds it.
GROUPINGS = {"predicted stage": "predicted", "true stage": "stage"}
#: Scans per stage in the map figure.
EXAMPLES = 2


def collect_tables(out: Path, folds: int) -> None:
    """Put the folds' tables together into ``predictions.csv`` and ``attention.csv``."""
    for name, columns in (("predictions.csv", PREDICTIONS), ("attention.csv", ATTENTION)):
        rows = [row for k in range(folds) for row in read_table(out / "folds" / str(k) / name)]
        write_table(rows, columns, out / name)


def evaluate_study(out: Path, seed: int, training: Mapping[str, Any]) -> dict[str, Any]:
    """Write ``evaluation.json`` from the tables of a study.

    Args:
        out: folder of the study.
        seed: of the bootstrap.
        training: facts of the training to be stated beside the figures.

    Returns:
        The content.
    """
    looked = read_table(out / "attention.csv")
    content = evaluate_predictions(read_predictions(out / "predictions.csv"), np.random.default_rng(seed))
    content["intended_use"] = INTENDED_USE
    content["training"] = dict(training)
    content["attention"] = {
        "figure": "mean map weight in the liver, scale mean1, map of the predicted stage",
        "layers": {layer: _compare_layer([r for r in looked if r["layer"] == layer]) for layer in LAYERS},
    }
    write_json(content, out / "evaluation.json")
    return content


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


def _compare_layer(looked: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    values = [number(row["liver_mean"]) for row in looked]
    return {title: compare_stages([row[column] for row in looked], values) for title, column in GROUPINGS.items()}


def _example(out: Path, row: CohortRow, case: Predicted, plan: Plan) -> MapExample:
    """A scan with its map back on the CT's own grid."""
    ct = read_volume(row.image)
    seen = Volume(*read_nifti(out / "folds" / str(case.fold) / "maps" / f"{row.scan_id}.nii.gz"))
    grid = ToNetworkGrid.fit(ct, plan.grid)
    back = grid.inverse(seen)
    title = f"{row.stage_name}, predicted {STAGES[case.predicted]}"
    return MapExample(title, ct, back, organ_labels(row, ct))

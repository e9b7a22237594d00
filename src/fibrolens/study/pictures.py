"""The figures of a study, from its tables, its maps and the cohort's CTs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fibrolens.cohort.flow import Flow
from fibrolens.cohort.table import CohortRow
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.study import THRESHOLDS, curves
from fibrolens.explain.recipe import RECOMMENDED
from fibrolens.io import read_volume
from fibrolens.io.nifti import read_nifti
from fibrolens.plan import STAGES
from fibrolens.report.attention import pattern_figure, region_figure
from fibrolens.report.calibration import calibration_figure
from fibrolens.report.conformal import deferral_figure
from fibrolens.report.confusion import confusion_figure
from fibrolens.report.decision import decision_figure
from fibrolens.report.figures import CT_GREYS, MapExample, attention_boxplot, map_figure, roc_figure
from fibrolens.report.flowchart import flowchart
from fibrolens.report.map_or_marker import shares_figure
from fibrolens.report.mr import scaled, shown_as_ct
from fibrolens.report.rivals import forest_figure
from fibrolens.report.scheme import scheme_figure
from fibrolens.report.seeds import seeds_figure
from fibrolens.report.tables import roc_points
from fibrolens.study.evaluation import GROUPINGS
from fibrolens.study.fold import MAPS, RECOMMENDED_MAPS, SHOWN
from fibrolens.study.modality import is_mr
from fibrolens.study.organs import Segmentations
from fibrolens.study.plans import StudyPlan
from fibrolens.study.tables import ATTENTION_FILE, PREDICTIONS_FILE, number, read_predictions, read_table
from fibrolens.transforms import ToNetworkGrid
from fibrolens.volume import Volume

#: Scans per stage in the map figure.
EXAMPLES = 2
LAYER = "Maps: mean of conv3 and conv4, scale mean1."


def draw_study(out: Path, rows: Sequence[CohortRow], plan: StudyPlan, evaluation: Mapping[str, Any]) -> None:
    """Draw every figure into ``figures``, each as PNG and SVG, and write ``tables/roc_points.csv``.

    ``fig1_flow`` (where ``flow.json`` stands), ``fig2_scheme``, ``fig3_roc``, ``fig4_maps``, ``fig5_attention``,
    ``confusion``, ``attention_regions``, ``patterns``, ``deferral``, ``maps_recommended``, ``regions_recommended``,
    ``calibration``, ``decision_curves``, ``map_or_marker`` (where markers explain a score), ``rivals`` and ``seeds``
    (where there are any).

    Args:
        out: folder of the study.
        rows: its scans.
        plan: every decision.
        evaluation: content of ``evaluation.json``.
    """
    figures = out / "figures"
    figures.mkdir(exist_ok=True)
    cases = read_predictions(out / PREDICTIONS_FILE)
    if (flow := out / "flow.json").is_file():
        flowchart(Flow.from_dict(json.loads(flow.read_text(encoding="utf-8"))), figures / "fig1_flow")
    _draw_curves(out, cases, evaluation)
    confusion_figure(evaluation["confusion"], figures / "confusion")
    deferral_figure(evaluation["conformal"], evaluation["deferral"]["curve"], figures / "deferral")
    calibration_figure(evaluation["calibration"], figures / "calibration")
    decision_figure(evaluation["decision"], figures / "decision_curves")
    if "rivals" in evaluation:
        forest_figure(evaluation, figures / "rivals")
    if "seeds" in evaluation:
        seeds_figure(evaluation["seeds"], figures / "seeds")
    if (shared := evaluation.get("map_or_marker")) and shared["network"] is not None:
        shares_figure(shared, figures / "map_or_marker")
    _draw_attention(out, evaluation)
    by_scan = {row.scan_id: row for row in rows}
    chosen = typical(cases)
    examples = [_example(out, by_scan[case.scan_id], case, plan) for case in chosen]
    shown, inner = examples[-1] if examples else None, evaluation["training"].get("inner_scans", ())
    scheme_figure(plan.staging, plan.folds, figures / "fig2_scheme", shown, inner)
    if examples:
        grid = plan.staging.grid
        greys = CT_GREYS if grid.intensity == "hu" else f"MR, percentiles of the body: {scaled(grid)}"
        note = f"{LAYER} The scans of median probability of their stage."
        map_figure(examples, figures / "fig4_maps", note, greys=greys)
        if all((out / "folds" / str(case.fold) / RECOMMENDED_MAPS).is_dir() for case in chosen):
            others = [_example(out, by_scan[case.scan_id], case, plan, RECOMMENDED_MAPS) for case in chosen]
            note = f"Maps: {RECOMMENDED.name}, scale mean1. The same scans as in Fig. 4."
            map_figure(others, figures / "maps_recommended", note, greys=greys)


def typical(cases: Sequence[Predicted], count: int = EXAMPLES) -> list[Predicted]:
    """The `count` F0 and F4 scans whose probability of their own stage is nearest to the stage's median."""
    chosen = []
    for stage in (0, 4):
        own = sorted((c for c in cases if c.stages == (stage,)), key=lambda c: c.probabilities[stage])
        start = max(0, (len(own) - count) // 2)
        chosen += own[start : start + count]
    return chosen


def _draw_curves(out: Path, cases: Sequence[Predicted], evaluation: Mapping[str, Any]) -> None:
    found = curves(cases, THRESHOLDS)
    (out / "tables").mkdir(exist_ok=True)
    roc_points(found).write(out / "tables")
    roc_figure(found, evaluation, out / "figures" / "fig3_roc")


def _draw_attention(out: Path, evaluation: Mapping[str, Any]) -> None:
    """Attention in the liver, in every region, and the patterns."""
    figures, regions = out / "figures", evaluation["attention"]["layers"][SHOWN]["regions"]
    looked = [row for row in read_table(out / ATTENTION_FILE) if row["layer"] == SHOWN]
    values = [number(row["liver_mean"]) for row in looked]
    groups = {title: [row[column] for row in looked] for title, column in GROUPINGS.items()}
    attention_boxplot(values, groups, regions["liver"], figures / "fig5_attention", LAYER)
    bands = evaluation["attention"].get("null_bands", {})
    region_figure(regions, figures / "attention_regions", LAYER, bands.get(SHOWN))
    pattern_figure(evaluation["patterns"]["layers"][SHOWN], figures / "patterns", LAYER)
    if (other := evaluation["attention"]["layers"].get(RECOMMENDED.name)) is not None:
        note = f"Maps: {RECOMMENDED.name}, scale mean1."
        region_figure(other["regions"], figures / "regions_recommended", note, bands.get(RECOMMENDED.name))


def _example(out: Path, row: CohortRow, case: Predicted, plan: StudyPlan, maps: str = MAPS) -> MapExample:
    """A scan with its map back on the CT's own grid."""
    ct = read_volume(row.image)
    seen = Volume(*read_nifti(out / "folds" / str(case.fold) / maps / f"{row.scan_id}.nii.gz"))
    grid = ToNetworkGrid.fit(ct, plan.staging.grid)
    back = grid.inverse(seen)
    title = f"{row.stage_name}, predicted {STAGES[case.predicted]}"
    labels = Segmentations(out / "segmentations").labels(row, ct)
    return MapExample(title, shown_as_ct(ct, grid.window) if is_mr(row) else ct, back, labels)

"""The rivals of a study's network on its own folds: which there are, their predictions, and how they compare."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fibrolens.evaluate.bootstrap import REPLICATES
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.rivals import METHODS, STUDY, System, compare_systems
from fibrolens.output import write_json
from fibrolens.staging.modes import LFS, MODES
from fibrolens.study.folder import FOLDS, RIVALS, Study
from fibrolens.study.panels import PanelResult, by_fold, numbers, predict_panel
from fibrolens.study.plans import StudyPlan
from fibrolens.study.rival_plans import source_of, title_of
from fibrolens.study.tables import (
    INNER,
    MARKERS_FILE,
    PREDICTIONS_FILE,
    read_predictions,
    read_table,
    write_predictions,
)

#: What is known of the panels beside their predictions.
PANELS_FILE = "panels.json"


def collect_rivals(study: Study) -> None:
    """Write ``rivals/NAME/predictions.csv`` of every rival that can score scans, and ``rivals/panels.json``."""
    plan, out = study.plan, study.out
    for rival in plan.rivals:
        cases = [case for job in study.rival_jobs(rival) for case in read_predictions(job.folder / PREDICTIONS_FILE)]
        write_predictions(cases, out / RIVALS / rival.name / PREDICTIONS_FILE)
    if not plan.panels:
        return
    jobs, values = study.jobs(), numbers(read_table(out / MARKERS_FILE))
    network = _network(out, len(jobs))
    results = {panel.name: predict_panel(panel, values, jobs, network) for panel in plan.panels}
    for name, result in results.items():
        place = out / RIVALS / name
        place.mkdir(parents=True, exist_ok=True)
        write_predictions(result.predictions, place / PREDICTIONS_FILE)
    write_json({name: _facts(result) for name, result in results.items()}, out / RIVALS / PANELS_FILE)


def evaluate_rivals(out: Path, plan: StudyPlan, cases: Sequence[Predicted], seed: int) -> dict[str, Any]:
    """``rivals`` of ``evaluation.json``, a list with the study's network first, and its ``methods``; {} without rivals.

    Args:
        out: folder of the study.
        plan: its plan.
        cases: its out-of-fold predictions.
        seed: of the bootstrap.
    """
    if not (plan.rivals or plan.panels):
        return {}
    systems = {STUDY: System(MODES[plan.mode].title, MODES[plan.mode].source, "network", cases, None, _begun(plan))}
    # Networks are compared with the one that began as they did.
    same_start = LFS if any(rival.name == LFS for rival in plan.rivals) else STUDY
    for rival in plan.rivals:
        mode = MODES[rival.name]
        against = STUDY if rival.name == same_start else same_start
        systems[rival.name] = System(
            mode.title, mode.source, "network", _predictions(out, rival.name), against, {"initial_weights": "random"}
        )
    facts = json.loads((out / RIVALS / PANELS_FILE).read_text(encoding="utf-8")) if plan.panels else {}
    for panel in plan.panels:
        found = _predictions(out, panel.name)
        details = facts[panel.name]
        systems[panel.name] = System(title_of(panel), source_of(panel), "markers", found, STUDY, details)
    compared = compare_systems(systems, np.random.default_rng(seed))
    methods = {name: text.format(replicates=REPLICATES) for name, text in METHODS.items()}
    return {"rivals": [{"name": name} | entry for name, entry in compared.items()], "methods": methods}


def _begun(plan: StudyPlan) -> dict[str, str]:
    return {"initial_weights": plan.initial}


def _predictions(out: Path, name: str) -> list[Predicted]:
    return read_predictions(out / RIVALS / name / PREDICTIONS_FILE)


def _network(out: Path, folds: int) -> dict[str, Predicted]:
    """The study's network on test and inner scans, see `by_fold`."""
    found = {}
    for number in range(folds):
        for name in (INNER, PREDICTIONS_FILE):
            path = out / FOLDS / str(number) / name
            for case in read_predictions(path) if path.exists() else ():
                found[by_fold(number, case.scan_id)] = case
    return found


def _facts(result: PanelResult) -> Mapping[str, Any]:
    known: dict[str, Any] = {"markers": list(result.markers)}
    return known if result.reason is None else known | {"reason": result.reason}

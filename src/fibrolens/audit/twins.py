"""Counterfactual twins: the same simulated patient with one sign of fibrosis moved from F4 to F0.

How far the score of F4 then falls is what the sign counted for, for this network and this patient; a map that says what
the network used is dense where the signs lie that counted most. The networks are trained where every sign follows the
stage, strongly, so that each of them can be used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.special import softmax

from fibrolens.audit.known_truth import ALL, F4, ArmJob, TruthPlan, run_train, simulations_of, trained
from fibrolens.audit.maps import maps_of
from fibrolens.audit.regions import region_masks, seen_by
from fibrolens.audit.simulated import SimulatedScan, load_simulated, run_simulate
from fibrolens.audit.subjects import Shown
from fibrolens.engine import Engine
from fibrolens.evaluate.saliency.effects import effects
from fibrolens.evaluate.saliency.first_region import region_means
from fibrolens.evaluate.saliency.means import or_nan, patient_mean
from fibrolens.output import write_json
from fibrolens.progress import Reporter, ReporterFactory, silent
from fibrolens.staging.predict import StagingModel, predict_seen

#: The signs that a twin lacks, and where each is looked for. The lobes' place is the left one (segments I to III),
#: which grows: the density of the whole liver lies between that of its surface and its core, and can never be first or
#: last.
PLACES: Mapping[str, str] = {
    "spleen": "spleen",
    "surface": "liver_surface",
    "lobes": "segments I to III",
    "texture": "liver_core",
}
SIGNS = tuple(PLACES)
#: Patients with F4 that have twins.
PATIENTS = 40
GREW = 1


def twin_plan(truth: TruthPlan) -> TruthPlan:
    """The same test with as many F4 to look at as have twins."""
    patients = min(PATIENTS, truth.looked_at[F4])
    return replace(truth, looked_at=(0, 0, 0, 0, patients))


def measure_twins(truth: TruthPlan, work: Path, engine: Engine, progress: ReporterFactory = silent) -> None:
    """Simulate, train and measure, going on where an earlier run stopped; arguments as for `measure_truth`."""
    own = twin_plan(truth)
    simulations = [
        *simulations_of(own, ALL, False, work, ()),
        *simulations_of(own, ALL, True, work, ("lobes",), SIGNS),
    ]
    jobs = [ArmJob(own, ALL, seed, work) for seed in range(own.seeds)]
    with progress(sum(len(job.numbers) for job in simulations), "simulating twins") as report:
        engine.run(run_simulate, simulations, report)
    with progress(sum(job.plan.training.steps for job in jobs), "training on all signs") as report:
        engine.run(run_train, jobs, report)
    with progress(len(jobs) * own.looked_at[F4], "explaining twins") as report:
        engine.run(run_measure_twins, jobs, report)


def run_measure_twins(job: ArmJob, report: Reporter) -> None:
    """Of every correctly staged F4 the fall of the score per sign, and the density of every map where the sign lies."""
    roster = job.truth.roster(ALL, looked_at=True)
    if job.maps.exists():
        report.advance(len(roster))
        return
    model, rows = trained(job), []
    for number in range(len(roster)):
        found = load_simulated(job.scans(looked_at=True), roster, number)
        rows.append({"scan_id": found.scan.case.scan_id} | _measured(model, found, job))
        report.advance(note=f"twins {job.seed}")
    write_json(rows, job.maps)


def _measured(model: StagingModel, found: SimulatedScan, job: ArmJob) -> dict[str, Any]:
    own = predict_seen(model, seen_by(found.scan, job.plan))
    if own.predicted != F4:
        return {"predicted": own.predicted}
    without = {
        sign: predict_seen(model, seen_by(replace(found.scan, case=found.twins[sign]), job.plan)) for sign in SIGNS
    }
    found_maps = maps_of(model, Shown(found.scan), F4, job.truth.recipes, controls=())
    masks = region_masks(found.scan, found_maps.inside)
    masks[PLACES["lobes"]] = (found.evidence["lobes"] == GREW) & found_maps.inside
    maps = {}
    for recipe in job.truth.recipes:
        means = region_means(found_maps.arrays[recipe.name], masks)
        maps[recipe.name] = {sign: means.get(place) for sign, place in PLACES.items()}
    chance = _chance(own.logits)
    return {
        "predicted": own.predicted,
        "fall": {sign: chance - _chance(one.logits) for sign, one in without.items()},
        "fall_of_score": {sign: _score(own.logits) - _score(one.logits) for sign, one in without.items()},
        "maps": maps,
    }


def _chance(logits: Float[np.ndarray, "n 5"]) -> float:
    return float(softmax(logits.astype(np.float64), axis=1)[:, F4].mean())


def _score(logits: Float[np.ndarray, "n 5"]) -> float:
    return float(logits[:, F4].mean())


def twin_figures(truth: TruthPlan, work: Path) -> dict[str, Any]:
    """What the twins say, ready for JSON.

    Returns:
        ``methods``: of each recipe the rank correlation with the falls (`effects`); ``changes``: mean fall of P(F4) by
        sign, ``scores`` that of the logit; ``places``, ``networks``, ``patients`` and how many maps there are.
    """
    own = twin_plan(truth)
    rows = [
        row
        for seed in range(own.seeds)
        for row in json.loads(ArmJob(own, ALL, seed, work).maps.read_text(encoding="utf-8"))
        if "maps" in row
    ]
    patient = np.array(np.unique([row["scan_id"] for row in rows], return_inverse=True)[1], dtype=int)
    fall, scores = (np.array([[row[key][sign] for sign in SIGNS] for row in rows], float).reshape(-1, len(SIGNS))
                    for key in ("fall", "fall_of_score"))  # fmt: skip
    methods = {}
    for recipe in own.recipes:
        shown = [[or_nan(row["maps"][recipe.name][sign]) for sign in SIGNS] for row in rows]
        density = np.array(shown, float).reshape(-1, len(SIGNS))
        methods[recipe.name] = effects(SIGNS, density, fall, patient, np.random.default_rng(own.seed))
    changes, of_scores = (
        {sign: patient_mean(values[:, k], patient, np.random.default_rng(own.seed)) for k, sign in enumerate(SIGNS)}
        for values in (fall, scores)
    )
    return {
        "methods": methods,
        "changes": changes,
        "scores": of_scores,
        "places": dict(PLACES),
        "signs": list(SIGNS),
        "networks": own.seeds,
        "patients": len(set(patient.tolist())),
        "maps": len(rows),
    }

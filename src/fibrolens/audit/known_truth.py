"""The known truth: networks trained where one sign alone carries the stage; do their maps name its place?

For each of the simulator's arms a cohort is drawn in which only that sign follows the stage, and several networks are
trained on it. Of other patients with F4 whom they stage correctly, every kind of map is measured.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file

from fibrolens.audit.maps import maps_of
from fibrolens.audit.regions import region_masks, seen_by, widened
from fibrolens.audit.simulated import SimulatedScan, SimulateJob, load_simulated, run_simulate
from fibrolens.audit.subjects import Shown
from fibrolens.engine import Engine
from fibrolens.evaluate.saliency.first_region import chance_first, ranks_first, region_means
from fibrolens.evaluate.saliency.known_truth import TRUE_REGIONS, Arm, known_truth
from fibrolens.evaluate.saliency.means import or_nan
from fibrolens.explain.attention import NAMES
from fibrolens.explain.recipe import Recipe
from fibrolens.output import write_json
from fibrolens.phantom.roster import Roster
from fibrolens.phantom.setting import Setting
from fibrolens.plan import STAGES, Plan
from fibrolens.progress import Reporter, ReporterFactory, silent
from fibrolens.staging.network import fast, new_network
from fibrolens.staging.plans import small_plan
from fibrolens.staging.predict import StagingModel, predict_seen
from fibrolens.staging.train import WEIGHTS, train

ARMS = tuple(TRUE_REGIONS)
#: The arm in which every sign follows the stage, for the twins.
ALL = "all"
#: Patients with F0 to F4 to train on: both ends often, so that the sign is learnt soon.
TRAINED = (50, 20, 20, 20, 50)
#: Patients with F4 whose maps are measured, and with F0, who say whether the network tells the two apart.
LOOKED_AT = (16, 0, 0, 0, 80)
#: Training steps: coarse texture is learnt last.
STEPS: Mapping[str, int] = {"surface": 400, "spleen": 400, "texture": 900, "lobes": 400, ALL: 400}
#: Cohorts of an audit are drawn from seeds of their own: this many for each seed that it is given.
SEEDS_EACH = 100
F4 = len(STAGES) - 1
#: Mean of the shares of F0 and F4 that are staged right, from which on a network counts: one that takes F0 for F4 as
#: often as not has not learnt the sign, and what it stages right by chance has no known place.
LEARNT = 0.75
#: Scans to a job of simulation: enough to start a process for, few enough to share out.
CHUNK = 16


@dataclass(frozen=True)
class TruthPlan:
    """What the known-truth test is made of.

    Args:
        plan: grid, slabs and network that are tested.
        initial: weights that every training begins with; None is random ones.
        recipes: the maps that are tested.
        seeds: networks of each arm.
        seed: of patients and networks.
        arms: which signs.
        steps: training steps of each network; None is `STEPS`.
        trained: patients per stage to train on; looked_at: others, to measure.
    """

    plan: Plan
    initial: Path | None
    recipes: tuple[Recipe, ...]
    seeds: int = 3
    seed: int = 0
    arms: tuple[str, ...] = ARMS
    steps: int | None = None
    trained: tuple[int, ...] = TRAINED
    looked_at: tuple[int, ...] = LOOKED_AT

    def steps_of(self, arm: str) -> int:
        """Training steps of an arm's networks."""
        return STEPS[arm] if self.steps is None else self.steps

    def roster(self, arm: str, looked_at: bool) -> Roster:
        """Who is trained on, or looked at, in an arm."""
        counts = self.looked_at if looked_at else self.trained
        stages = tuple(stage for stage, count in enumerate(counts) for _ in range(count))
        number = SEEDS_EACH * (self.seed + 1) + 2 * (*ARMS, ALL).index(arm) + looked_at
        return Roster(stages, number, Setting(arm=arm, strong=True))


@dataclass(frozen=True)
class ArmJob:
    """One network of one arm.

    Args:
        truth: the test.
        arm: the sign.
        seed: of the network, from 0.
        work: folder of the whole test.
    """

    truth: TruthPlan
    arm: str
    seed: int
    work: Path

    @property
    def folder(self) -> Path:
        """Of the training."""
        return self.work / self.arm / f"seed{self.seed}"

    @property
    def maps(self) -> Path:
        """What was measured in the maps; where it stands, all is done."""
        return self.folder / "maps.json"

    def scans(self, looked_at: bool) -> Path:
        """Folder of the simulated scans."""
        return self.work / self.arm / ("looked_at" if looked_at else "trained")

    @property
    def plan(self) -> Plan:
        """The plan's grid, slabs and network, and the shipped weights' training with the stage alone to learn from."""
        training = small_plan().training
        own = replace(training, seed=self.truth.seed + self.seed, steps=self.truth.steps_of(self.arm))
        alone = replace(own, signs_weight=0.0, parts_weight=0.0, soft_stages=0.0, prior=())
        return replace(self.truth.plan, training=alone)


def measure_truth(truth: TruthPlan, work: Path, engine: Engine, progress: ReporterFactory = silent) -> None:
    """Simulate, train and measure, going on where an earlier run stopped.

    Args:
        truth: the test.
        work: folder of the test.
        engine: where the work is done.
        progress: makes the reporter of each step.
    """
    simulations = [
        job
        for arm in truth.arms
        for looked_at in (False, True)
        for job in simulations_of(truth, arm, looked_at, work, (arm,))
    ]
    jobs = [ArmJob(truth, arm, seed, work) for seed in range(truth.seeds) for arm in truth.arms]
    with progress(sum(len(job.numbers) for job in simulations), "simulating patients") as report:
        engine.run(run_simulate, simulations, report)
    with progress(sum(job.plan.training.steps for job in jobs), "training on one sign") as report:
        engine.run(run_train, jobs, report)
    with progress(len(jobs) * sum(truth.looked_at), "explaining") as report:
        engine.run(run_measure, jobs, report)


def simulations_of(
    truth: TruthPlan, arm: str, looked_at: bool, work: Path, signs: tuple[str, ...], twins: tuple[str, ...] = ()
) -> list[SimulateJob]:
    """The patients of an arm, a few to a job; with the evidence of `signs`, and `twins`."""
    roster, folder = truth.roster(arm, looked_at), ArmJob(truth, arm, 0, work).scans(looked_at)
    starts = range(0, len(roster), CHUNK)
    chunks = [tuple(range(begin, min(begin + CHUNK, len(roster)))) for begin in starts]
    return [SimulateJob(roster, numbers, truth.plan.grid, folder, signs, twins) for numbers in chunks]


def trained(job: ArmJob) -> StagingModel:
    """The network of a job that is trained."""
    network = new_network(job.plan.network, job.plan.training.seed)
    network.load_state_dict(load_file(job.folder / WEIGHTS))
    return StagingModel(job.plan, fast(network.eval()), {}, "")


def run_train(job: ArmJob, report: Reporter) -> None:
    """Train the network of a job; a training that was cut off goes on."""
    if (job.folder / WEIGHTS).exists():
        report.advance(job.plan.training.steps)
        return
    roster = job.truth.roster(job.arm, looked_at=False)
    scans = (load_simulated(job.scans(looked_at=False), roster, k).scan for k in range(len(roster)))
    cases = [seen_by(scan, job.plan).case for scan in scans]
    train(cases, job.plan, job.folder, None if job.truth.initial is None else load_file(job.truth.initial), report)


def run_measure(job: ArmJob, report: Reporter) -> None:
    """Stage the patients that are looked at, and measure every kind of map of the correctly staged F4."""
    roster = job.truth.roster(job.arm, looked_at=True)
    if job.maps.exists():
        report.advance(len(roster))
        return
    model, rows = trained(job), []
    for number in range(len(roster)):
        found = load_simulated(job.scans(looked_at=True), roster, number)
        predicted = predict_seen(model, seen_by(found.scan, job.plan)).predicted
        stage = found.scan.case.stage
        maps = _measured(model, found, job) if stage == predicted == F4 else {}
        rows.append({"scan_id": found.scan.case.scan_id, "stage": stage, "predicted": predicted, "maps": maps})
        report.advance(note=f"{job.arm} {job.seed}")
    write_json(rows, job.maps)


def _measured(model: StagingModel, found: SimulatedScan, job: ArmJob) -> dict[str, Any]:
    """Of every recipe the density of each region, and of the planted evidence against the rest of the body."""
    maps = maps_of(model, Shown(found.scan), F4, job.truth.recipes, controls=())
    masks = region_masks(found.scan, maps.inside)
    measured = {}
    for recipe in job.truth.recipes:
        array = maps.arrays[recipe.name]
        planted = widened(found.evidence[job.arm], job.plan.network, recipe) & maps.inside
        shown = region_means(array, {"evidence": planted, "rest": maps.inside & ~planted})
        measured[recipe.name] = {"regions": region_means(array, masks)} | shown
    return measured


def truth_figures(truth: TruthPlan, work: Path) -> dict[str, Any]:
    """What the measured maps say, ready for JSON.

    Returns:
        ``methods``: of each recipe the `known_truth` score over the networks that have learnt their sign; ``networks``:
        of each arm and seed how many patients with F0 and F4 were staged correctly, and whether it has ``learnt``;
        ``design``: patients, seeds and training.
    """
    rows = {
        (arm, seed): json.loads(ArmJob(truth, arm, seed, work).maps.read_text(encoding="utf-8"))
        for arm in truth.arms
        for seed in range(truth.seeds)
    }
    networks = [
        {"arm": arm, "seed": seed, "learnt": _learnt(found)} | {STAGES[k]: _right(found, k) for k in (0, F4)}
        for (arm, seed), found in rows.items()
    ]
    known = {key: found for key, found in rows.items() if _learnt(found)}
    by_recipe = {one.name: [_arm(truth, arm, known, one.name) for arm in truth.arms] for one in truth.recipes}

    return {
        "methods": {name: known_truth(arms, np.random.default_rng(truth.seed)) for name, arms in by_recipe.items()},
        "networks": networks,
        "design": {
            "effect": "strong",
            "trained_on": dict(zip(STAGES, truth.trained, strict=True)),
            "looked_at": dict(zip(STAGES, truth.looked_at, strict=True)),
            "seeds": truth.seeds,
            "learnt_from": LEARNT,
            "steps": {arm: truth.steps_of(arm) for arm in truth.arms},
            "batch": small_plan().training.batch,
            "begins_with": "random weights" if truth.initial is None else "the weights that the study begins with",
        },
    }


def _right(rows: Sequence[Mapping[str, Any]], stage: int) -> dict[str, int]:
    own = [row for row in rows if row["stage"] == stage]
    return {"right": sum(row["predicted"] == stage for row in own), "of": len(own)}


def _learnt(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a network tells F0 from F4, as far as both were looked at."""
    counts = [_right(rows, stage) for stage in (0, F4)]
    shares = [one["right"] / one["of"] for one in counts if one["of"]]
    return bool(shares) and sum(shares) / len(shares) >= LEARNT


def _arm(truth: TruthPlan, arm: str, rows: Mapping[tuple[str, int], Any], name: str) -> Arm:
    """The maps of one recipe in one arm; patients of different arms are different patients."""
    maps = [
        (seed, row["scan_id"], row["maps"][name])
        for (own, seed), found in rows.items()
        if own == arm
        for row in found
        if row["maps"]
    ]
    region = TRUE_REGIONS[arm]
    first = [or_nan(ranks_first(shown["regions"], region)) for _, _, shown in maps]
    denser = [or_nan(_denser(shown)) for _, _, shown in maps]
    patients = np.unique([scan_id for _, scan_id, _ in maps], return_inverse=True)[1]
    seeds = np.array([seed for seed, _, _ in maps], dtype=int)
    known = np.array(patients, dtype=int) + ARMS.index(arm) * sum(truth.looked_at)
    return Arm(arm, np.array(first, float), np.array(denser, float), seeds, known, chance_first(NAMES, region))


def _denser(shown: Mapping[str, Any]) -> bool | None:
    inner, outer = shown["evidence"], shown["rest"]
    return None if inner is None or outer is None else inner > outer

"""`audit_study`: the checks of the maps on a study's own networks and scans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from fibrolens.audit.ablation import ablation_figures, follows_ablation
from fibrolens.audit.curves import ORDERS, PARTS, SETS
from fibrolens.audit.localise import localisation_figures
from fibrolens.audit.maps import names_of
from fibrolens.audit.measure import MeasureJob, coarse_file, load_measured, run_measure
from fibrolens.audit.pairs import pair_similarity
from fibrolens.audit.randomise import STEPS
from fibrolens.audit.recipes import AUDITED
from fibrolens.audit.repeat import repeatability_figures
from fibrolens.audit.retraining import retraining_figures
from fibrolens.audit.subjects import Bench, open_bench, prepare_bench
from fibrolens.audit.training import Kind, TrainJob, run_train
from fibrolens.engine import Engine
from fibrolens.evaluate.saliency.curves import against_random
from fibrolens.evaluate.saliency.means import or_nan, patient_mean
from fibrolens.evaluate.saliency.randomisation import PAIRS, arun_rule, random_pairs
from fibrolens.explain.recipe import Recipe
from fibrolens.progress import ReporterFactory, silent

#: Scans that one job measures: enough to make the networks once for, few enough to share out.
CHUNK = 4
SHUFFLED_STEP = "trained on shuffled stages"


@dataclass(frozen=True)
class CheckOptions:
    """How a study is audited.

    Args:
        cohort: where the table of its cohort is today; None where it was.
        scans: that are looked at.
        seed: of everything that is drawn.
        workers: processes at once; None suits the machine.
        steps: training steps, at most, of the networks that the audit trains.
        learners: scans that they are trained on.
        recipes: the maps that are audited.
    """

    cohort: Path | None = None
    scans: int = 40
    seed: int = 0
    workers: int | None = None
    steps: int = 150
    learners: int = 80
    recipes: tuple[Recipe, ...] = AUDITED


def audit_study(study: Path, work: Path, options: CheckOptions, progress: ReporterFactory = silent) -> dict[str, Any]:
    """Run every check on a study, going on where an earlier run stopped.

    Args:
        study: folder of a study that is complete.
        work: folder of the audit's own files.
        options: how.
        progress: makes the reporter of each step.

    Returns:
        ``methods`` and ``controls``: of each map the figures of each check of `verdict.judge`; ``ablation``,
        ``retraining``; ``localisation``, ``seeds`` and ``similarity`` of each method; ``design``, ``scans`` and
        ``seed``.

    Raises:
        UsageError: no study was begun there.
        CohortError: its table is gone or was changed, or a scan cannot be used.
    """
    work.mkdir(parents=True, exist_ok=True)
    bench = open_bench(study, options.cohort, work, options.scans, options.learners, options.seed)
    kinds: tuple[Kind, ...] = ("shuffled", "seed") if bench.rivals else ("shuffled", "seed", "design")
    trainings: dict[str, TrainJob] = {kind: TrainJob(bench, kind, options.steps) for kind in kinds}
    jobs = list(trainings.values())
    with Engine(options.workers) as engine:
        prepare_bench(bench, engine, progress)
        with progress(sum(job.plan.training.steps for job in jobs), "training to compare") as report:
            engine.run(run_train, jobs, report)
        measuring = measure_jobs(bench, trainings, options.recipes)
        with progress(len(bench.subjects), "checking maps") as report:
            engine.run(run_measure, measuring, report)
    return check_figures(bench, options) | {"design": _design(bench, trainings)}


def measure_jobs(bench: Bench, trainings: Mapping[str, TrainJob], recipes: tuple[Recipe, ...]) -> list[MeasureJob]:
    """The sample, a few scans of one fold at a time."""
    jobs = []
    for fold in range(bench.folds):
        own = tuple(one for one in bench.subjects if one.fold == fold)
        for begin in range(0, len(own), CHUNK):
            chosen = own[begin : begin + CHUNK]
            others = trainings["shuffled"], trainings["seed"], trainings.get("design")
            jobs.append(MeasureJob(bench, fold, chosen, recipes, *others))
    return jobs


def check_figures(bench: Bench, options: CheckOptions) -> dict[str, Any]:
    """What was measured, as figures."""
    rows = [load_measured(bench.work, one) for one in bench.subjects]
    names, methods = names_of(options.recipes), [one.name for one in options.recipes]
    patient = np.array([one.number for one in bench.subjects])
    pairs = random_pairs(patient, PAIRS, bench.generator(5))
    levels = pair_similarity([coarse_file(bench.work, one) for one in bench.subjects], pairs, names)
    checks = {name: _Checked(rows, patient, pairs, levels[name], name, bench).all() for name in names}
    kept = {name: {key: checks[name][key] for key in FOR_CONTROLS if key in checks[name]} for name in names}
    return {
        "methods": {name: checks[name] for name in methods},
        "controls": {name: kept[name] for name in names if name not in methods},
        "ablation": ablation_figures(rows, bench.generator(6)),
        "retraining": retraining_figures(bench.study.out),
        "localisation": {name: localisation_figures(rows, name, bench.generator(7)) for name in names},
        "seeds": {name: repeatability_figures(rows, "seeds", name, bench.generator(8)) for name in methods},
        "similarity": {name: _similarity(rows, name, patient, bench) for name in methods},
        "scans": len(rows),
        "seed": bench.seed,
    }


#: What is asked of the controls: that they change with the network.
FOR_CONTROLS = ("randomisation", "label_randomisation", "deletion", "insertion", "infidelity", "ablation")


@dataclass(frozen=True, eq=False)
class _Checked:
    """The checks of one kind of map."""

    rows: Sequence[Mapping[str, Any]]
    patient: Int[np.ndarray, " n"]
    pairs: Int[np.ndarray, "k 2"]
    level: Float[np.ndarray, " k"]
    name: str
    bench: Bench

    def all(self) -> dict[str, Any]:
        """Figures by check."""
        found = {
            "randomisation": self._arun(STEPS, np.array([row["cascade"][self.name] for row in self.rows])),
            "label_randomisation": self._arun(
                (SHUFFLED_STEP,), np.array([[row["shuffled"][self.name]] for row in self.rows])
            ),
            "ablation": follows_ablation(self.rows, self.name, self.bench.generator(10)),
            "deletion": self._order("deletion"),
            "insertion": self._order("insertion"),
            "infidelity": self._infidelity(),
        }
        if self.name not in self.rows[0]["designs"]:
            return found
        found["repeatability"] = repeatability_figures(self.rows, "folds", self.name, self.bench.generator(11))
        for check, key in (("reproducibility", "designs"), ("noise", "noise"), ("shift", "shift")):
            found[check] = self._mean(key) | {"baseline": float(self.level.mean()) if len(self.level) else None}
        return found

    def _arun(self, steps: Sequence[str], similarity: Float[np.ndarray, "n steps"]) -> dict[str, Any]:
        return arun_rule(steps, similarity, self.patient, self.pairs, self.level, self.bench.generator(9))

    def _mean(self, key: str) -> dict[str, Any]:
        return patient_mean(_column(self.rows, key, self.name), self.patient, self.bench.generator(12))

    def _order(self, kind: Any) -> dict[str, Any]:
        used = [row for row in self.rows if "curves" in row]
        own = np.array([or_nan(row["curves"]["maps"][self.name][kind]) for row in used])
        random = np.array([[or_nan(one) for one in row["curves"]["random"][kind]] for row in used])
        patient = np.array([row["number"] for row in used])
        return against_random(own, random, patient, kind, self.bench.generator(13)) | {"scans": len(used)}

    def _infidelity(self) -> dict[str, Any]:
        found = self._mean("infidelity")
        if self.name in self.rows[0].get("sensitivity", {}):
            found["max_sensitivity"] = self._mean("sensitivity")
        return found


def _similarity(rows: Sequence[Mapping[str, Any]], name: str, patient: Any, bench: Bench) -> dict[str, Any]:
    """How alike maps of one scan by the networks of folds, and of two seeds, are."""
    keys = {"folds": "folds_ssim", "seeds": "seeds_ssim"}
    return {what: patient_mean(_column(rows, key, name), patient, bench.generator(14)) for what, key in keys.items()}


def _column(rows: Sequence[Mapping[str, Any]], key: str, name: str) -> Float[np.ndarray, " n"]:
    return np.array([or_nan(row.get(key, {}).get(name)) for row in rows], float)


def _design(bench: Bench, trainings: Mapping[str, TrainJob]) -> dict[str, Any]:
    """What was done, for the reader."""
    return {
        "learners": len(bench.learners),
        "steps": {kind: job.plan.training.steps for kind, job in trainings.items()},
        "begins_with": {
            kind: "random weights" if job.initial is None else "the weights that the study begins with"
            for kind, job in trainings.items()
        },
        "designs": list(bench.rivals) or ["kernel of 3, twice the channels"],
        "folds": bench.folds,
        "pairs": PAIRS,
        "curves": {"parts": PARTS, "random_orders": ORDERS},
        "infidelity_sets": SETS,
        "sample": "one scan of a patient, each predicted stage in turn while it lasts",
    }

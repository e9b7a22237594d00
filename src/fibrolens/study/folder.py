"""The folder of a study: what stands in it, which rows it is about, and what each fold is made of."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fibrolens.begun import RUN
from fibrolens.cohort.criteria import Selection, select
from fibrolens.cohort.splits import make_splits, read_splits, write_splits
from fibrolens.cohort.table import CohortRow, read_cohort
from fibrolens.errors import CohortError
from fibrolens.output import MANIFEST, file_sha256, write_json
from fibrolens.plan import PLAN, Plan, read_plan
from fibrolens.staging.predict import StagingModel
from fibrolens.staging.stopping import STOPPING
from fibrolens.staging.train import LOG, WEIGHTS
from fibrolens.study.begun import SOURCE, require_begun
from fibrolens.study.fold import CHOICE, MAPS, RECOMMENDED_MAPS, SPLIT, WAYS, FoldJob, kind_of
from fibrolens.study.organs import Segmentations
from fibrolens.study.plans import RivalPlan, StudyPlan, with_training
from fibrolens.study.prepare import PrepareJob
from fibrolens.study.tables import ATTENTION_FILE, INNER, MARKERS_FILE, PREDICTIONS_FILE, QUALITY_FILE
from fibrolens.weights import shipped

SPLITS, COHORT, FLOW = "splits.json", "cohort.csv", "flow.json"
FOLDS, CASES, SEGMENTATIONS, INPUTS = "folds", "cases", "segmentations", "inputs.json"
#: One folder for each rival, with ``predictions.csv`` and, of networks, ``folds``.
RIVALS = "rivals"
#: One folder for each seed but the first, with ``predictions.csv`` and ``folds``.
SEEDS = "seeds"
INITIAL = "initial.safetensors"
#: Seconds per step of a study that is not complete; the manifest has them afterwards.
TIMINGS = ".timings.json"
#: In ``source.json``: the weights that come with the package.
SHIPPED = "shipped"

#: The steps that can be repeated alone, in their order, and the files of a fold that each makes, its last one first.
STEPS: dict[str, tuple[str, ...]] = {
    "train": (WEIGHTS, WAYS, LOG, STOPPING, CHOICE, PLAN, SPLIT),
    "predict": (PREDICTIONS_FILE, INNER),
    "explain": (ATTENTION_FILE, MAPS, RECOMMENDED_MAPS),
    "evaluate": (),
}
#: What `evaluate` makes of the folds.
EVALUATED = (
    *(PREDICTIONS_FILE, ATTENTION_FILE, "evaluation.json", "tables", "figures", "report.html"),
    *("checklists", "model_card.md", "model_card.json"),
)


@dataclass(frozen=True)
class Study:
    """A study that was begun.

    Args:
        out: its folder.
        plan: every decision.
        selection: the rows of the cohort that are in it, and why others are not.
        segmentation_model: weights of the network that finds organs; None takes those that come with the package.
        start: model folder that the training begins with, for the check of familiarity; None where there is none.
    """

    out: Path
    plan: StudyPlan
    selection: Selection
    segmentation_model: Path | None = None
    start: Path | None = None

    @classmethod
    def open(cls, out: Path, cohort: Path | None = None) -> Study:
        """The study of a folder.

        Args:
            out: the folder.
            cohort: where the table of its cohort stands today; where it was, if None.

        Raises:
            UsageError: no study was begun there.
            CohortError: its table is gone or was changed.
        """
        require_begun(out)
        source = json.loads((out / SOURCE).read_text(encoding="utf-8"))
        table = (out / source["cohort"]).resolve() if cohort is None else cohort
        if not table.is_file():
            raise CohortError(f"The cohort of {out} is not at {table} any more; say where it is by --cohort FILE.")
        if file_sha256(table) != file_sha256(out / COHORT):
            raise CohortError(f"{table} has changed since {out} was begun; begin a new study, or restore the table.")
        plan = read_plan(out / PLAN, StudyPlan)
        models = [_found(out, source[name]) for name in ("segmentation_model", "start")]
        return cls(out, plan, select(read_cohort(table), plan.criteria), *models)

    def write_source(self, cohort: Path) -> None:
        """Keep where table and models are: no part of the result, and needed to go on."""
        models = {"segmentation_model": self.segmentation_model, "start": self.start}
        source: dict[str, str | None] = {"cohort": _relative(cohort, self.out)}
        source |= {name: None if path is None else _place(path, self.out) for name, path in models.items()}
        write_json(source, self.out / SOURCE)

    @property
    def is_deterministic(self) -> bool:
        """Whether it was begun with ``--deterministic``."""
        return "deterministic" in json.loads((self.out / RUN).read_text(encoding="utf-8"))

    @property
    def rows(self) -> tuple[CohortRow, ...]:
        """The scans of the study."""
        return self.selection.included

    @property
    def cases(self) -> Path:
        """Folder of the prepared scans; it goes when the study is complete."""
        return self.out / CASES

    @property
    def segmentations(self) -> Segmentations:
        """The organs of the scans."""
        return Segmentations(self.out / SEGMENTATIONS, self.plan.segmenter, self.segmentation_model)

    @property
    def prepare_job(self) -> PrepareJob:
        """How scans are prepared, without the scans."""
        segmenter = (self.plan.segmenter, self.segmentation_model)
        grid, organs = self.plan.staging.grid, self.out / SEGMENTATIONS
        return PrepareJob((), grid, self.cases, organs, segmenter, self.start, measure=not self.measured)

    @property
    def measured(self) -> bool:
        """Whether every scan has been measured before, and organs found where masks lack."""
        return all((self.out / name).exists() for name in (MARKERS_FILE, QUALITY_FILE, INPUTS))

    def splits(self) -> tuple[tuple[str, ...], ...]:
        """The scan ids of each test fold, drawn when they are first asked for.

        Raises:
            CohortError: they leak, do not fit the cohort, or there are too few patients.
        """
        path = self.out / SPLITS
        if not path.exists():
            write_splits(self.draw(), path)
        return read_splits(self.rows, path)

    def draw(self) -> tuple[tuple[str, ...], ...]:
        """The scan ids of each test fold, by the plan's seed.

        Raises:
            CohortError: there are too few patients.
        """
        return make_splits(self.rows, self.plan.staging.training.seed, self.plan.folds)

    def jobs(self) -> list[FoldJob]:
        """What each fold is made of."""
        return self._jobs(self.out, self.plan.ways, self._begun)

    def seed_jobs(self, seed: int) -> list[FoldJob]:
        """The same folds, trained with another seed."""
        ways = tuple(with_training(way, seed) for way in self.plan.ways)
        return self._jobs(self.out / SEEDS / str(seed), ways, self._begun)

    def rival_jobs(self, rival: RivalPlan) -> list[FoldJob]:
        """The same folds for another network."""
        return self._jobs(self.out / RIVALS / rival.name, (rival.staging,), None)

    def all_jobs(self) -> list[FoldJob]:
        """The folds of the study's network, those of its other seeds, then those of its rivals."""
        more = [*map(self.seed_jobs, self.plan.other_seeds), *map(self.rival_jobs, self.plan.rivals)]
        return [*self.jobs(), *(job for jobs in more for job in jobs)]

    @property
    def _begun(self) -> Path | None:
        """The weights that the study's own network begins with, whatever the seed."""
        initial = self.out / FOLDS / INITIAL
        return initial if initial.exists() else None

    def _jobs(self, place: Path, ways: tuple[Plan, ...], initial: Path | None) -> list[FoldJob]:
        return [self._job(place, number, ways, initial) for number in range(len(self.splits()))]

    def _job(self, place: Path, number: int, ways: tuple[Plan, ...], initial: Path | None) -> FoldJob:
        test = self.splits()[number]
        kept = tuple(row for row in self.rows if row.scan_id in test)
        others = tuple(row for row in self.rows if row.scan_id not in test)
        inner = inner_split(others, self.plan.staging.training.seed + 1 + number, self.plan.inner_folds)
        fitted = tuple(row for row in others if row.scan_id not in inner)
        looked = tuple(row for row in others if row.scan_id in inner)
        # Without an inner split there is nothing to decide by.
        tried = ways if looked else ways[:1]
        return FoldJob(number, place / FOLDS / str(number), fitted, looked, kept, self.cases, tried, initial)

    def discard(self, step: str) -> None:
        """Remove what a step and those after it made."""
        (self.out / MANIFEST).unlink(missing_ok=True)
        names = list(STEPS)
        for name in EVALUATED:
            _remove(self.out / name)
        # Later steps go first, and of each what says that it is done: a kill in between leaves no half of it behind.
        others = [self.out / RIVALS / rival.name for rival in self.plan.rivals]
        others += [self.out / SEEDS / str(seed) for seed in self.plan.other_seeds]
        for later in reversed(names[names.index(step) :]):
            for place in (self.out, *others):
                for number in range(self.plan.folds):
                    for name in STEPS[later]:
                        _remove(place / FOLDS / str(number) / name)

    def null_bands(self) -> dict[str, dict[str, list[float]]]:
        """Of each kind of map and region, where its mean lies by networks that have learnt nothing.

        They belong to the weights that the study begins with: networks of random weights know nothing of a training, so
        that the band holds for every network of the same plan. None without such weights, or with another plan.
        """
        if self.start is None:
            return {}
        model = StagingModel.load(self.start)
        if model.reference is None or model.plan.network != self.plan.staging.network:
            return {}
        return {
            kind_of(null.method, null.layer): {band.region: [max(band.low, 0.0), band.high] for band in null.bands}
            for null in model.reference.bands
        }

    def facts(self) -> dict[str, Any]:
        """What ``evaluation.json`` says of the training."""
        training, jobs = self.plan.staging.training, self.jobs()
        return {
            "folds": self.plan.folds,
            "modality": "CT" if self.plan.staging.grid.intensity == "hu" else "MR",
            "steps_per_fold": training.steps,
            "batch": training.batch,
            "initial_weights": self.plan.initial,
            "learnt": self.plan.learnt,
            "early_stopping": "inner split" if training.check_every else "none",
            "inner_scans": [len(job.inner) for job in jobs],
            "ways": [json.loads((job.folder / CHOICE).read_text(encoding="utf-8"))["way"] for job in jobs],
            "initial_trained_on": self.plan.initial_trained_on,
        }


def inner_split(rows: Sequence[CohortRow], seed: int, folds: int) -> frozenset[str]:
    """Scan ids of one in `folds` of the patients, stratified like the folds; none where the patients are too few."""
    if len({row.patient_id for row in rows}) < 2 * folds:
        return frozenset()
    return frozenset(make_splits(rows, seed, folds)[0])


def _place(model: Path, out: Path) -> str:
    return SHIPPED if model == shipped("lfs") else _relative(model, out)


def _found(out: Path, place: str | None) -> Path | None:
    if place is None:
        return None
    return shipped("lfs") if place == SHIPPED else (out / place).resolve()


def _relative(path: Path, out: Path) -> str:
    """Of `out`, so that a study and its cohort may be moved together."""
    return os.path.relpath(path.resolve(), out.resolve())


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

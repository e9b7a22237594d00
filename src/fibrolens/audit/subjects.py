"""What a study is audited on: a sample of its scans, prepared again, and the networks of its folds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from safetensors.torch import load_file

from fibrolens.audit.regions import seen_by
from fibrolens.cohort.table import CohortRow
from fibrolens.engine import Engine
from fibrolens.evaluate.predicted import Predicted
from fibrolens.plan import PLAN, STAGES, Plan, read_plan
from fibrolens.progress import ReporterFactory
from fibrolens.staging.covariates import covariates
from fibrolens.staging.network import fast, new_network
from fibrolens.staging.predict import StagingModel
from fibrolens.staging.seen import Seen
from fibrolens.staging.train import WEIGHTS
from fibrolens.study.begun import SOURCE
from fibrolens.study.folder import COHORT, FOLDS, RIVALS, Study
from fibrolens.study.prepare import PreparedScan, load_scan, prepare_jobs, require_prepared, run_prepare
from fibrolens.study.tables import PREDICTIONS_FILE, read_predictions
from fibrolens.volume import Volume


@dataclass(frozen=True)
class Subject:
    """A scan that is looked at.

    Args:
        row: of the cohort.
        fold: whose network never saw its patient.
        predicted: what that network says, 0 to 4; the stage that maps explain.
        number: of the patient in the sample, whose first ones are stratified as the whole is.
    """

    row: CohortRow
    fold: int
    predicted: int
    number: int


@dataclass(frozen=True)
class Bench:
    """All that the checks of a study share; it can be sent to another process.

    Args:
        study: the study, complete.
        subjects: the sample, one scan of a patient.
        learners: other scans of the first fold's training, to train networks on.
        work: folder of the audit's own files.
        seed: of everything that is drawn.
        evidence: folder of a simulated cohort's masks; None where there is none.
    """

    study: Study
    subjects: tuple[Subject, ...]
    learners: tuple[CohortRow, ...]
    work: Path
    seed: int
    evidence: Path | None = None

    @property
    def cases(self) -> Path:
        """Folder of the prepared scans."""
        return self.work / "cases"

    @property
    def plan(self) -> Plan:
        """Grid, slabs and network of the study."""
        return self.study.plan.staging

    @property
    def folds(self) -> int:
        """How many networks the study has."""
        return len(self.study.splits())

    def fold_model(self, fold: int) -> StagingModel:
        """The study's network of a fold."""
        return model_in(self.study.out / FOLDS / str(fold), self.plan)

    @property
    def rivals(self) -> tuple[str, ...]:
        """The study's other networks that see the whole abdomen as its own does."""
        ours = replace(self.plan, network=self.plan.network, training=self.plan.training)
        return tuple(
            one.name
            for one in self.study.plan.rivals
            if replace(one.staging, network=ours.network, training=ours.training) == ours
            and len(one.staging.network.covariates) == 0
        )

    def rival_model(self, name: str, fold: int) -> StagingModel:
        """The network of a rival's fold."""
        place = self.study.out / RIVALS / name / FOLDS / str(fold)
        return model_in(place, read_plan(place / PLAN, Plan))

    def shown(self, row: CohortRow) -> Shown:
        """A prepared scan."""
        scan = load_scan(self.cases, row)
        known = covariates(self.plan.network.covariates, row.values)
        return Shown(replace(scan, case=replace(scan.case, covariates=known)))

    def generator(self, *what: int) -> np.random.Generator:
        """A source of draws that depends on the audit's seed and on what it is for."""
        return np.random.default_rng([self.seed, *what])


@dataclass(frozen=True, eq=False)
class Shown:
    """A scan whose grey levels can be changed before the network sees it."""

    scan: PreparedScan

    @property
    def grey(self) -> np.ndarray:
        """The CT on the network grid, 0 to 255."""
        return self.scan.case.image

    def seen(self, plan: Plan, image: np.ndarray | None = None) -> Seen:
        """What the network of a plan sees, of other grey levels where an `image` (0 to 255) is given."""
        if image is None:
            return seen_by(self.scan, plan)
        stored = np.clip(np.round(image), 0, 255).astype(np.uint8)
        return seen_by(replace(self.scan, case=replace(self.scan.case, image=stored)), plan)

    def at(self, image: np.ndarray, labels: Volume, body: np.ndarray) -> Shown:
        """The scan with other grey levels (0 to 255), organs and body."""
        return Shown(replace(self.scan, case=replace(self.scan.case, image=image), labels=labels, body=body))


def model_in(folder: Path, plan: Plan) -> StagingModel:
    """The network whose weights stand in a folder."""
    network = new_network(plan.network, plan.training.seed)
    network.load_state_dict(load_file(folder / WEIGHTS))
    return StagingModel(plan, fast(network.eval()), {}, "")


def open_bench(folder: Path, cohort: Path | None, work: Path, scans: int, learners: int, seed: int) -> Bench:
    """Open a study and draw its sample.

    Args:
        folder: of the study.
        cohort: where its table is today; None where it was.
        work: folder of the audit's own files.
        scans: how many are looked at.
        learners: scans of other patients that networks are trained on.
        seed: of the draw.

    Raises:
        UsageError: no study was begun there.
        CohortError: its table is gone or was changed.
    """
    study = Study.open(folder, cohort)
    found = {case.scan_id: case for case in read_predictions(folder / PREDICTIONS_FILE)}
    rows = {row.scan_id: row for row in study.rows}
    generator = np.random.default_rng([seed, 0])
    chosen = draw(list(found.values()), scans, generator)
    subjects = tuple(
        Subject(rows[case.scan_id], case.fold, case.predicted, number) for number, case in enumerate(chosen)
    )
    taken = {case.patient_id for case in chosen}
    first = [case for case in found.values() if case.fold != 0]
    others = [case for case in first if case.patient_id not in taken]
    # A small study has no patients to spare.
    trained = draw(others if len({case.patient_id for case in others}) >= learners else first, learners, generator)
    masks = (table_of(folder) if cohort is None else cohort).parent / "evidence"
    known = masks if masks.is_dir() else None
    return Bench(study, subjects, tuple(rows[case.scan_id] for case in trained), work, seed, known)


def table_of(folder: Path) -> Path:
    """Where the table of a study's cohort was when the study was made."""
    source = json.loads((folder / SOURCE).read_text(encoding="utf-8"))
    return Path((folder / str(source["cohort"])).resolve())


def draw(cases: Sequence[Predicted], count: int, generator: np.random.Generator) -> list[Predicted]:
    """One scan of a patient, every predicted stage in turn while it lasts, so that any first few are stratified too."""
    by_patient: dict[str, list[Predicted]] = {}
    for case in cases:
        by_patient.setdefault(case.patient_id, []).append(case)
    single = [scans[int(generator.integers(len(scans)))] for scans in by_patient.values()]
    shuffled = [single[k] for k in generator.permutation(len(single))]
    turns: list[tuple[int, Predicted]] = []
    for stage in range(len(STAGES)):
        turns += enumerate(case for case in shuffled if case.predicted == stage)
    return [case for _, case in sorted(turns, key=lambda turn: turn[0])[:count]]


def prepare_bench(bench: Bench, engine: Engine, progress: ReporterFactory) -> None:
    """Prepare the scans of sample and learners again.

    Raises:
        CohortError: some cannot be used.
    """
    bench.cases.mkdir(parents=True, exist_ok=True)
    together = {row.scan_id: row for row in (*(one.row for one in bench.subjects), *bench.learners)}
    rows = tuple(together.values())
    job = replace(bench.study.prepare_job, cases=bench.cases, start=None, measure=False)
    with progress(len(rows), "preparing scans") as report:
        engine.run(run_prepare, prepare_jobs(rows, job), report)
    require_prepared(rows, bench.cases, bench.study.out / COHORT)

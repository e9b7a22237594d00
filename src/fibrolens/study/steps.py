"""The steps of a study: prepare, train, predict, explain, evaluate; each goes on where it stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fibrolens.begun import writing
from fibrolens.cohort.problems import Problem, refuse
from fibrolens.engine import MOST_WORKERS, Engine, open_engine
from fibrolens.errors import UsageError
from fibrolens.evaluate.population import USUAL, Population
from fibrolens.output import write_json
from fibrolens.progress import Reporter, ReporterFactory, silent
from fibrolens.study.acquisition import ACQUISITION
from fibrolens.study.fold import FoldJob, explain_fold, predict_fold, train_fold
from fibrolens.study.folder import COHORT, INPUTS, TIMINGS, Study
from fibrolens.study.prepare import load_facts, prepare_jobs, require_prepared, run_prepare, scan_file
from fibrolens.study.tables import ACQUISITION_FILE, MARKERS_FILE, QUALITY, QUALITY_FILE, write_table
from fibrolens.workers import cores


@dataclass(frozen=True)
class Running:
    """How a study runs. The last bits of its weights depend on the threads of each worker, nothing else on any of it.

    Args:
        workers: processes at once, each with its share of the cores; None suits the machine, or the cluster.
        progress: makes the reporter of each step.
        say: told in a sentence what is about to happen.
        ray: address of a Ray cluster that does the work, folds and scans side by side; None is this machine.
    """

    workers: int | None = None
    progress: ReporterFactory = silent
    say: Callable[[str], None] = lambda sentence: None
    ray: str | None = None


@dataclass(frozen=True)
class Crew:
    """What the steps of one run share.

    Args:
        engine: where the work is done.
        progress: makes the reporter of each step.
        timings: file of the seconds per step, of this run and those before it.
    """

    engine: Engine
    progress: ReporterFactory
    timings: Path

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Count the seconds of a step."""
        started = time.perf_counter()
        yield
        known = self.seconds()
        write_json(known | {step: known.get(step, 0.0) + time.perf_counter() - started}, self.timings)

    def seconds(self) -> dict[str, float]:
        """Seconds per step so far."""
        try:
            return dict(json.loads(self.timings.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}

    def share_out(self, work: Callable[[Any, Reporter], None], jobs: Sequence[Any], units: int, label: str) -> None:
        """Do `work` on every job, as many at once as there are workers."""
        with self.progress(units, label) as report:
            self.engine.run(work, jobs, report)


def workers_for(study: Study, how: Running) -> int:
    """How many processes work at once: as many as asked for, else a fold for every two cores, two at least."""
    if how.workers is not None:
        return how.workers
    return max(1, min(study.plan.folds, cores(), max(MOST_WORKERS, cores() // 2)))


@contextmanager
def crew(study: Study, how: Running) -> Iterator[Crew]:
    """The workers of one run, started once for all its steps."""
    workers = workers_for(study, how) if how.ray is None else how.workers
    with open_engine(workers, how.ray) as engine:
        yield Crew(engine, how.progress, study.out / TIMINGS)


def prepare(study: Study, crew: Crew) -> None:
    """Bring every scan to the network grid, segment and measure it.

    Writes ``markers.csv``, ``quality.csv``, ``acquisition.csv``, ``splits.json`` and ``inputs.json``, and the prepared
    scans. What was measured before stays.

    Raises:
        CohortError: CTs or masks cannot be used, or have changed; all of them are named.
    """
    study.cases.mkdir(exist_ok=True)
    known_before = study.measured
    with crew.timed("prepare"):
        jobs = prepare_jobs(study.rows, study.prepare_job)
        crew.share_out(run_prepare, jobs, len(study.rows), "preparing scans")
    require_prepared(study.rows, study.cases, study.out / COHORT)
    if known_before:
        require_same_files(study)
        return
    facts = [load_facts(study.cases, row) for row in study.rows]
    _write_facts(study, facts)
    study.splits()
    files = {row.scan_id: f["files"] for row, f in zip(study.rows, facts, strict=True)}
    write_json(files, study.out / INPUTS)


def _write_facts(study: Study, facts: Sequence[dict[str, Any]]) -> None:
    """Write ``markers.csv``, ``quality.csv`` and ``acquisition.csv``."""
    known = [{"scan_id": row.scan_id, "patient_id": row.patient_id, "stage": row.stage_name} for row in study.rows]
    markers = [k | {"mask_source": f["mask_source"]} | dict(f["markers"]) for k, f in zip(known, facts, strict=True)]
    write_table(markers, list(markers[0]), study.out / MARKERS_FILE)
    familiar = [{True: "yes", False: "no"}.get(f["in_domain"]) for f in facts]
    quality = [k | f | {"in_domain": told} for k, f, told in zip(known, facts, familiar, strict=True)]
    write_table(quality, QUALITY, study.out / QUALITY_FILE)
    scans = [k | f["acquisition"] for k, f in zip(known, facts, strict=True)]
    write_table(scans, ACQUISITION, study.out / ACQUISITION_FILE)


def require_same_files(study: Study) -> None:
    """Refuse CTs and masks that are not those that the study was begun with; what was prepared of them goes.

    Raises:
        CohortError: there are any; all are named.
    """
    begun = json.loads((study.out / INPUTS).read_text(encoding="utf-8"))
    changed = [row for row in study.rows if load_facts(study.cases, row)["files"] != begun[row.scan_id]]
    for row in changed:
        scan_file(study.cases, row).unlink()
    told = "have changed since the study was begun; restore them, or begin anew"
    refuse(study.out / COHORT, [Problem(row.line, f"the files of {row.scan_id} {told}") for row in changed])


def train(study: Study, crew: Crew) -> None:
    """Train every fold that has no weights, those of other seeds and of the rivals too."""
    jobs = study.all_jobs()
    with crew.timed("train"):
        crew.share_out(train_fold, jobs, sum(job.steps for job in jobs), "training")


def predict(study: Study, crew: Crew) -> None:
    """Predict every scan by the fold that never saw its patient, and each fold's inner split."""
    jobs = study.all_jobs()
    _require(study, "train", jobs)
    with crew.timed("predict"):
        crew.share_out(predict_fold, jobs, sum(len(job.inner) + len(job.test) for job in jobs), "predicting")


def explain(study: Study, crew: Crew) -> None:
    """Make and measure the location map of every predicted stage."""
    jobs = study.jobs()
    _require(study, "predict", jobs)
    with crew.timed("explain"):
        crew.share_out(explain_fold, jobs, len(study.rows), "explaining")


def evaluate(study: Study, crew: Crew, population: Population = USUAL) -> None:
    """Tables, figures and report of what the folds found, and for a population; the study is complete afterwards."""
    _require(study, "predict", study.all_jobs())
    _require(study, "explain", study.jobs())
    from fibrolens.study.completion import complete  # noqa: PLC0415  (statistics and figures: slow, and of no other step)

    complete(study, crew, population)


#: The steps that work fold by fold.
RUN_STEP: dict[str, Callable[[Study, Crew], None]] = {
    "train": train,
    "predict": predict,
    "explain": explain,
}
#: Which property of a fold says that a step is done.
DONE = {"train": "trained", "predict": "predicted", "explain": "explained"}


def run_step(study: Study, step: str, how: Running, overwrite: bool = False, population: Population = USUAL) -> None:
    """One step of a study that was begun; what it needs of the scans is prepared again where it is gone.

    Args:
        study: the study.
        step: a key of `RUN_STEP`, or ``evaluate``.
        how: how it runs.
        overwrite: do it again where it is done; what later steps made of it goes.
        population: for whom `evaluate` shall give figures besides the cohort.

    Raises:
        UsageError: an earlier step is missing.
    """
    with writing(study.out):
        if overwrite:
            study.discard(step)
        jobs = study.jobs() if step == "explain" else study.all_jobs()
        if step in DONE and all(getattr(job, DONE[step]) for job in jobs):
            how.say(f"{study.out}: {step} is done already; --overwrite does it again.")
            return
        with crew(study, how) as workers:
            if step == "evaluate":
                evaluate(study, workers, population)
            else:
                prepare(study, workers)
                RUN_STEP[step](study, workers)


def _require(study: Study, step: str, jobs: Sequence[FoldJob]) -> None:
    missing = sorted({str(job.number) for job in jobs if not getattr(job, DONE[step])})
    if missing:
        folds = f"fold {missing[0]} is" if len(missing) == 1 else f"folds {', '.join(missing)} are"
        sentence = f"In {study.out} {folds} not done with {step}; run fibrolens {step} {study.out} first."
        raise UsageError(sentence)

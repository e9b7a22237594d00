"""The steps of a study: prepare, train, predict, explain, evaluate; each goes on where it stopped."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fibrolens.begun import RUN, writing
from fibrolens.cohort.demographics import table_one
from fibrolens.cohort.problems import Problem, refuse
from fibrolens.csvfile import write_csv
from fibrolens.engine import MOST_WORKERS, Engine, cores, open_engine
from fibrolens.errors import UsageError
from fibrolens.evaluate.scaled import USUAL, Population
from fibrolens.output import write_json, write_manifest
from fibrolens.progress import Reporter, ReporterFactory, silent
from fibrolens.report.checklists.facts import Facts
from fibrolens.report.checklists.render import write_checklists
from fibrolens.report.model_card import write_model_card
from fibrolens.report.study import write_report
from fibrolens.study.acquisition import ACQUISITION
from fibrolens.study.evaluation import collect_tables, evaluate_study
from fibrolens.study.fold import FoldJob, explain_fold, predict_fold, train_fold
from fibrolens.study.folder import COHORT, FLOW, INPUTS, TIMINGS, Study
from fibrolens.study.pictures import draw_study
from fibrolens.study.prepare import load_facts, prepare_jobs, require_prepared, run_prepare, scan_file
from fibrolens.study.rivals import collect_rivals
from fibrolens.study.seeds import collect_seeds
from fibrolens.study.tables import ACQUISITION_FILE, MARKERS_FILE, QUALITY, QUALITY_FILE, write_table


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
    jobs = study.jobs()
    _require(study, "predict", study.all_jobs())
    _require(study, "explain", jobs)
    out = study.out
    run = json.loads((out / RUN).read_text(encoding="utf-8"))
    study.discard("evaluate")
    with crew.progress(4, "evaluating") as report:
        with crew.timed("evaluate"):
            collect_tables(out, len(jobs))
            collect_rivals(study)
            collect_seeds(study)
            seed = study.plan.staging.training.seed
            evaluation = evaluate_study(out, seed, study.facts(), population, study.plan, study.null_bands())
            report.advance(note="figures")
            write_cohort_tables(study)
            draw_study(out, study.rows, study.plan, evaluation)
            report.advance(note="report")
            write_report(out)
            facts = Facts.read(out)
            write_checklists(facts, out)
            write_model_card(facts, out)
            report.advance(note="checksums")
        shutil.rmtree(study.cases, ignore_errors=True)
        seconds = crew.seconds()
        crew.timings.unlink()
        write_manifest(out, run, seconds)
        report.advance()


def write_cohort_tables(study: Study) -> None:
    """Write ``flow.json`` and ``tables/table1.csv``: who is in the study."""
    write_json(study.selection.flow.to_dict(), study.out / FLOW)
    first = table_one(study.rows)
    (study.out / "tables").mkdir(exist_ok=True)
    write_csv(study.out / "tables" / "table1.csv", first.columns, first.rows)


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

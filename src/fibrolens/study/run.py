"""`run_study`: the steps of a study, one after the other, each resumed where an earlier run stopped."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from fibrolens.begun import State, begin, state
from fibrolens.cohort.splits import make_splits, read_splits, write_splits
from fibrolens.cohort.table import CohortRow, read_cohort
from fibrolens.engine import Engine
from fibrolens.errors import CohortError, OutputError
from fibrolens.output import file_sha256, write_manifest
from fibrolens.plan import Plan, write_plan
from fibrolens.progress import ReporterFactory, silent
from fibrolens.study.evaluation import collect_tables, evaluate_study
from fibrolens.study.fold import FoldJob, run_fold
from fibrolens.study.pictures import draw_study
from fibrolens.study.prepare import PrepareJob, run_prepare
from fibrolens.weights import digest


def run_study(
    cohort_csv: Path,
    out: Path,
    plan: Plan,
    *,
    start_from: Mapping[str, Tensor] | None = None,
    workers: int | None = None,
    progress: ReporterFactory = silent,
) -> Path:
    """Five-fold study of a cohort: train, predict out of fold, explain, evaluate, draw.

    Args:
        cohort_csv: the cohort; every row needs a liver mask, rows with a reason under ``exclude`` are left out.
        out: folder of the study. An unfinished study of the same inputs is resumed, a finished one left alone.
        plan: every decision, the seed included.
        start_from: weights to fine-tune; they must not have seen a patient of this cohort. None trains from scratch.
        workers: folds at once, each in its own process; 1 uses this process alone; None suits the machine.
        progress: makes the reporter of each step.

    Returns:
        `out`.

    Raises:
        InputError: the cohort or one of its scans cannot be used.
        UsageError: `out` holds something else.
        OutputError: `out` cannot be written.
    """
    rows = [row for row in read_cohort(cohort_csv) if not row.values.get("exclude")]
    if not rows:
        raise CohortError(f"{cohort_csv.name} excludes every row; there is nothing to study.")
    run = {"command": "study", "cohort": file_sha256(cohort_csv), "plan": asdict(plan), "initial": digest(start_from)}
    found = state(out, run)
    if found is State.COMPLETE:
        return out
    begin(out, run, found)
    started = time.perf_counter()
    try:
        jobs = _begin(cohort_csv, out, rows, plan, start_from)
        with Engine(workers) as engine:
            prepare = [PrepareJob(row, plan.grid, out / "cases") for row in rows]
            (out / "cases").mkdir(exist_ok=True)
            with progress(len(rows), "preparing scans") as report:
                engine.run(run_prepare, prepare, report)
            with progress(sum(job.units for job in jobs), "training and predicting") as report:
                engine.run(run_fold, jobs, report)
        collect_tables(out, len(jobs))
        evaluation = evaluate_study(out, plan.training.seed, _facts(plan, jobs, start_from))
        draw_study(out, rows, plan, evaluation)
        shutil.rmtree(out / "cases")
        write_manifest(out, run, {"study": time.perf_counter() - started})
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{out} could not be written: {reason}. Free space and start again to go on.") from error
    return out


def _begin(
    cohort_csv: Path, out: Path, rows: Sequence[CohortRow], plan: Plan, start_from: Mapping[str, Tensor] | None
) -> list[FoldJob]:
    """Write plan, cohort, splits and starting weights; the folds to run."""
    write_plan(plan, out / "plan.json")
    shutil.copyfile(cohort_csv, out / "cohort.csv")
    if not (out / "splits.json").exists():
        write_splits(make_splits(rows, plan.training.seed), out / "splits.json")
    splits = read_splits(rows, out / "splits.json")
    (out / "folds").mkdir(exist_ok=True)
    initial = None
    if start_from is not None:
        initial = out / "folds" / "initial.safetensors"
        save_file({name: t.contiguous() for name, t in start_from.items()}, initial)
    return [_job(out, rows, plan, initial, (number, test)) for number, test in enumerate(splits)]


def _job(
    out: Path, rows: Sequence[CohortRow], plan: Plan, initial: Path | None, fold: tuple[int, Sequence[str]]
) -> FoldJob:
    number, test = fold
    kept = tuple(row for row in rows if row.scan_id in test)
    others = tuple(row for row in rows if row.scan_id not in test)
    return FoldJob(number, out / "folds" / str(number), others, kept, out / "cases", plan, initial)


def _facts(plan: Plan, jobs: Sequence[FoldJob], start_from: Mapping[str, Tensor] | None) -> dict[str, Any]:
    return {
        "folds": len(jobs),
        "steps_per_fold": plan.training.steps,
        "batch": plan.training.batch,
        "initial_weights": "random" if start_from is None else "given; fine-tuned in every fold",
    }

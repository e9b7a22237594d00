"""`tune`: train the staging network on a user's own cohort and write a model folder that `stage --model` takes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file
from torch import Tensor

from fibrolens.begun import State, begin, complete, state, tidy, writing
from fibrolens.clock import timeless_mark
from fibrolens.cohort.table import CohortRow, read_cohort
from fibrolens.engine import Engine
from fibrolens.errors import CohortError
from fibrolens.output import file_sha256
from fibrolens.plan import STAGES, Plan
from fibrolens.progress import ReporterFactory, silent
from fibrolens.staging.data import StagingCase
from fibrolens.staging.domain import FOLDS, DomainModel, fit_domain
from fibrolens.staging.network import fast, new_network
from fibrolens.staging.packed import packed
from fibrolens.staging.peers import Peers
from fibrolens.staging.predict import StagingModel, predict_case
from fibrolens.staging.train import LOG, train
from fibrolens.study.modality import require_modality
from fibrolens.study.prepare import PrepareJob, load_case, prepare_jobs, require_prepared, run_prepare, scans_sha256
from fibrolens.weights import digest, save_model_folder

#: Scans on the network grid, checkpoint, and the model before it is moved into place.
WORK = "work"
CASES, IMAGES = "cases", "images.bin"
INTENDED_USE = "research use only; not a medical device"


@dataclass(frozen=True)
class Start:
    """What the training begins with.

    Args:
        name: how the card names it, for example ``lfs-small (sha256 0123456789ab)``.
        weights: to fine-tune, or None for random ones.
        trained_on: what those weights were trained on.
    """

    name: str
    weights: Mapping[str, Tensor] | None = None
    trained_on: str = ""


def tune(
    cohort_csv: Path,
    out: Path,
    plan: Plan,
    start: Start,
    *,
    overwrite: bool = False,
    workers: int | None = None,
    progress: ReporterFactory = silent,
) -> Path:
    """Train on every scan of a cohort, and write the model folder.

    Args:
        cohort_csv: the cohort; rows with a reason under ``exclude`` are left out. Where a row has no masks, the organs
            are found by the network that comes with the package.
        out: the model folder. An unfinished one of the same inputs is resumed, a finished one left alone.
        plan: every decision, the seed included.
        start: weights to begin with.
        overwrite: a training with other inputs may be replaced.
        workers: processes that prepare scans; None suits the machine.
        progress: makes the reporter of each step.

    Returns:
        `out`.

    Raises:
        InputError: the cohort or one of its scans cannot be used.
        UsageError: `out` holds something else.
        OutputError: `out` cannot be written.
    """
    rows = trainable(cohort_csv)
    require_modality(rows, plan, cohort_csv)
    run = {
        "command": "train",
        "cohort": file_sha256(cohort_csv),
        "files": scans_sha256(rows),
        "plan": asdict(plan),
        "initial": digest(start.weights),
        **timeless_mark(),
    }
    peers, started = Peers.present(), time.perf_counter()
    if peers.leads:
        found = state(out, run, overwrite)
        begin(out, run, found)
        if found is not State.COMPLETE:
            with writing(out):
                _prepare(cohort_csv, rows, plan, out / WORK / CASES, workers, progress)
    # The others look only now, for what stood here before may have been another training.
    peers.wait()
    if state(out, run) is State.COMPLETE:
        tidy(out, WORK)
        return out
    with writing(out):
        cases = packed((load_case(out / WORK / CASES, row, plan) for row in rows), out / WORK / IMAGES, peers)
        with (progress if peers.leads else silent)(plan.training.steps, "training") as report:
            trained = train(cases, plan, out / WORK / "training", start.weights, report, peers=peers)
        if peers.leads:
            _finish(out, plan, trained, cases, card_of(cohort_csv, rows, plan, start), progress)
            complete(out, run, {"train": time.perf_counter() - started}, WORK)
    return out


def trainable(cohort_csv: Path) -> list[CohortRow]:
    """The rows to train on: those that are not excluded.

    Raises:
        CohortError: there are none, or the table cannot be used.
    """
    rows = [row for row in read_cohort(cohort_csv) if not row.values.get("exclude")]
    if not rows:
        raise CohortError(f"{cohort_csv.name} has no row to train on; give rows without an exclude reason.")
    return rows


def card_of(cohort_csv: Path, rows: Sequence[CohortRow], plan: Plan, start: Start) -> dict[str, Any]:
    """The card: what the weights were trained on, and that nothing measured them yet."""
    patients = len({row.patient_id for row in rows})
    trained_on = f"{len(rows)} {_scans(plan)} of {patients} patients ({cohort_csv.name}), from {start.name}"
    if start.trained_on:
        trained_on += f", which were trained on: {start.trained_on}"
    return {
        "name": f"lfs-{cohort_csv.stem}",
        "trained_on": trained_on,
        "intended_use": INTENDED_USE,
        "figures": {},
        "seed": plan.training.seed,
        "cohort_sha256": file_sha256(cohort_csv),
        "scans": len(rows),
        "stages": _counts(rows),
    }


def _scans(plan: Plan) -> str:
    return "CTs" if plan.grid.intensity == "hu" else "MRs"


def _counts(rows: Sequence[CohortRow]) -> dict[str, int]:
    """Scans per stage, sets after the stages."""
    names = [row.stage_name for row in rows]
    return {name: names.count(name) for name in (*STAGES, *sorted(set(names) - set(STAGES)))}


def _prepare(
    cohort_csv: Path,
    rows: Sequence[CohortRow],
    plan: Plan,
    folder: Path,
    workers: int | None,
    progress: ReporterFactory,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    job = PrepareJob((), plan.grid, folder, folder / "segmentations")
    with Engine(workers) as engine, progress(len(rows), "preparing scans") as report:
        engine.run(run_prepare, prepare_jobs(rows, job), report)
    require_prepared(rows, folder, cohort_csv)


def _finish(
    out: Path,
    plan: Plan,
    trained: Path,
    cases: Sequence[StagingCase],
    card: Mapping[str, Any],
    progress: ReporterFactory,
) -> None:
    """Fit the domain check of the trained weights, and write the model."""
    weights = load_file(trained)
    with progress(len(cases), "fitting the domain check") as report:
        domain = _domain(plan, weights, cases, report.advance)
    _write(out, plan, weights, domain, card)


def _domain(
    plan: Plan, weights: Mapping[str, Tensor], cases: Sequence[StagingCase], done: Callable[[], None]
) -> DomainModel | None:
    """The domain check of the training scans; None where they are too few for one."""
    if len(cases) < FOLDS:
        return None
    network = new_network(plan.network, plan.training.seed)
    network.load_state_dict(dict(weights))
    model = StagingModel(plan, fast(network.eval()), {}, "")
    features = []
    for case in cases:
        features.append(predict_case(model, case).features)
        done()
    return fit_domain(np.stack(features))


def _write(
    out: Path, plan: Plan, weights: Mapping[str, Tensor], domain: DomainModel | None, card: Mapping[str, Any]
) -> None:
    """Put model, log and card page into `out`."""
    model = out / WORK / "model"
    sha256 = save_model_folder(model, weights, plan, card, domain=None if domain is None else domain.tensors())
    (model / "MODEL_CARD.md").write_text(_page(card, plan, sha256), encoding="utf-8")
    shutil.copyfile(out / WORK / "training" / LOG, model / LOG)
    for path in model.iterdir():
        path.replace(out / path.name)


def _page(card: Mapping[str, Any], plan: Plan, sha256: str) -> str:
    stages = ", ".join(f"{count} {stage}" for stage, count in card["stages"].items())
    training = plan.training
    return f"""# Model card: {card["name"]}

**Research use only; not a medical device.**

- Trained on: {card["trained_on"]}.
- Stages of the {card["scans"]} {_scans(plan)}: {stages}. Rows with an exclude reason were left out.
- Training: {training.steps} steps of {training.batch} slabs, learning rate {training.learning_rate:g}, seed
  {training.seed}. Every decision is in `plan.json`, the loss of every step in `{LOG}`.
- Figures: none. Every scan was trained on, so that nothing here says how well the weights do on others; a five-fold
  study of the same cohort does.
- The weights may hold traces of the patients they were trained on; share them only where you may share those.
- SHA-256 of `weights.safetensors`: `{sha256}`.
"""

"""What a study will take, told before it starts: the first scan and a few steps are tried on this machine."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from fibrolens.engine import Engine
from fibrolens.plan import Plan
from fibrolens.progress import duration, silent
from fibrolens.staging.data import StagingCase, draw_batch
from fibrolens.staging.network import fast
from fibrolens.staging.predict import StagingModel, predict
from fibrolens.staging.train import Learner
from fibrolens.study.fold import LAYERS
from fibrolens.study.folder import Study
from fibrolens.study.prepare import load_case, run_prepare, scan_file

#: Tried steps; the first warms up and does not count.
TRIED = 3
#: A process with our libraries, before it has read anything.
PROCESS_MB = 450.0


@dataclass(frozen=True)
class Trial:
    """What one scan and one step took here, in seconds and megabytes."""

    prepare_s: float
    step_s: float
    predict_s: float
    explain_s: float
    case_mb: float
    scan_mb: float
    step_mb: float


def estimate(study: Study, workers: int | None = None) -> str:
    """Time, memory and disk of a study in a sentence.

    Args:
        study: it need not have been begun; nothing is written.
        workers: processes at once; None suits the machine.

    Raises:
        InputError: the first scan or its masks cannot be used.
    """
    engine = Engine(workers)
    return told(study, tried(study, engine.threads), engine.workers)


def told(study: Study, trial: Trial, workers: int) -> str:
    """The sentence, from what a trial took."""
    scans, training, folds = len(study.rows), study.plan.staging.training, study.plan.folds
    inner = scans * (folds - 1) // study.plan.inner_folds
    looks = 0 if not training.check_every else training.steps // training.check_every + 2
    # Folds are whole jobs: with two workers the fifth fold keeps one of them waiting.
    rounds = -(-folds // workers)
    fold_s = training.steps * trial.step_s + inner / folds * (looks + 1) * trial.predict_s
    rest_s = scans * (trial.prepare_s + trial.predict_s + trial.explain_s) / workers
    memory = workers * (PROCESS_MB + trial.step_mb + scans * trial.case_mb)
    lasting = scans * trial.scan_mb * 0.2
    return (
        f"{scans} scans, {folds} folds of at most {training.steps} steps, {workers} at a time: about "
        f"{duration(rounds * fold_s + rest_s)} on this machine, {memory / 1000:.1f} GB of memory and "
        f"{(scans * trial.scan_mb + lasting) / 1000:.1f} GB of disk, of which {lasting / 1000:.1f} GB stay."
    )


def tried(study: Study, threads: int) -> Trial:
    """Prepare the first scan in a folder of its own, and take a few steps with it."""
    row, plan = study.rows[0], study.plan.staging
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with TemporaryDirectory() as folder:
            place = Path(folder)
            job = replace(study.prepare_job, rows=(row,), cases=place, segmentations=place)
            prepare_s = _seconds(lambda: run_prepare(job, silent()))
            case, scan_mb = load_case(place, row), scan_file(place, row).stat().st_size / 1e6
        started = _peak_mb()
        learner = Learner(plan, [case])
        step_s = [_step(learner, plan, case, number) for number in range(TRIED)][1:]
        step_mb = _peak_mb() - started
        model = StagingModel(plan, fast(learner.network.eval()), {}, "")
        layers = sorted({layer for chosen in LAYERS.values() for layer in chosen})
        predict_s = _seconds(lambda: _look(model, case, ()))
        explain_s = _seconds(lambda: _look(model, case, tuple(layers)))
    finally:
        torch.set_num_threads(before)
    return Trial(prepare_s, min(step_s), predict_s, explain_s, case.image.nbytes / 1e6, scan_mb, step_mb)


def _step(learner: Learner, plan: Plan, case: StagingCase, number: int) -> float:
    """Seconds of one training step."""
    learner.train()
    return _seconds(lambda: torch.autograd.backward(learner.loss(draw_batch([case], plan, number), number)))


def _look(model: StagingModel, case: StagingCase, layers: tuple[str, ...]) -> None:
    image = case.image.astype("float32") / 255.0
    predict(model, image, (case.liver_first, case.liver_last), layers)


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _peak_mb() -> float:
    """The most memory that this process has had; 0 where the system does not count it (Windows)."""
    try:
        import resource  # noqa: PLC0415
    except ModuleNotFoundError:
        return 0.0
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit

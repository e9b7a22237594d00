"""What a study will take, told before it starts: a scan of each kind and a few steps are tried on this machine."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from fibrolens.cohort.table import CohortRow
from fibrolens.engine import Engine
from fibrolens.plan import Plan, TrainingPlan
from fibrolens.progress import duration, silent
from fibrolens.regions import LIVER
from fibrolens.staging.data import StagingCase, draw_batch
from fibrolens.staging.network import fast
from fibrolens.staging.predict import StagingModel, predict_case
from fibrolens.staging.seen import needs_labels, see
from fibrolens.staging.train import Learner
from fibrolens.study.fold import MAP_LAYERS
from fibrolens.study.folder import Study
from fibrolens.study.organs import has_masks
from fibrolens.study.plans import StudyPlan
from fibrolens.study.prepare import load_case, require_prepared, run_prepare, scan_file

#: Tried steps; the first warms up and does not count.
TRIED = 3
LIVER_MM = 160.0
#: A process with our libraries, before it has read anything.
PROCESS_MB = 450.0
#: Both maps that stay of a scan, beside its image as the network sees it.
MAPS_PER_IMAGE = 0.65


@dataclass(frozen=True)
class ScanTrial:
    """What preparing one scan took: seconds, megabytes of its image in a training, on disk, and of organs that stay."""

    seconds: float
    case_mb: float
    scan_mb: float
    organs_mb: float


@dataclass(frozen=True)
class TrainingTrial:
    """One training of a fold: its plan, and the seconds of a step and of predicting one scan."""

    training: TrainingPlan
    step_s: float
    predict_s: float

    def seconds(self, inner: int, tested: int) -> float:
        """Of a fold: steps, looks at the inner split of so many scans, and predicting."""
        every = self.training.check_every
        looks = self.training.steps // every + 2 if every else 0
        return self.training.steps * self.step_s + (inner * (looks + 1) + tested) * self.predict_s


@dataclass(frozen=True)
class Trial:
    """What a study's parts took here.

    Args:
        scans: preparing a scan, and how many there are of its kind (with masks of both organs, or without).
        trainings: of each way of the study's network, and of each rival.
        explain_s: one scan.
        step_mb: memory that a step needs; peak_mb: the most that this process has had, preparing included.
    """

    scans: tuple[tuple[ScanTrial, int], ...]
    trainings: tuple[TrainingTrial, ...]
    explain_s: float
    step_mb: float
    peak_mb: float


def estimate(study: Study, workers: int) -> str:
    """Time, memory and disk of a study in a sentence.

    Args:
        study: it need not have been begun; nothing is written.
        workers: processes at once.

    Raises:
        CohortError: the scans that are tried cannot be used.
    """
    threads, before = Engine(workers).threads, torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        kinds = [[row for row in study.rows if has_masks(row) == given] for given in (True, False)]
        started = _peak_mb()
        plans = [*study.plan.ways, *(rival.staging for rival in study.plan.rivals)]
        trainings = tuple(TrainingTrial(plan.training, _steps(plan), _look(plan)) for plan in plans)
        step_mb = _peak_mb() - started
        scans = tuple((_prepared(study, rows[0]), len(rows)) for rows in kinds if rows)
        explain_s = _look(study.plan.staging, MAP_LAYERS)
    finally:
        torch.set_num_threads(before)
    return told(study.plan, Trial(scans, trainings, explain_s, step_mb, _peak_mb()), workers)


def told(plan: StudyPlan, trial: Trial, workers: int) -> str:
    """The sentence, from what a trial took."""
    folds, scans = plan.folds, sum(count for _, count in trial.scans)
    inner, tested = scans * (folds - 1) // folds // plan.inner_folds, -(-scans // folds)
    # Folds are whole jobs: with two workers the fifth fold keeps one of them waiting.
    own = len(plan.ways)
    often = [plan.seeds] * own + [1] * (len(trial.trainings) - own)
    fold_s = sum(n * one.seconds(inner, tested) for n, one in zip(often, trial.trainings, strict=True))
    prepare_s = sum(one.seconds * count for one, count in trial.scans)
    rest_s = (prepare_s + scans * trial.explain_s) / workers
    images_mb = sum(one.case_mb * count for one, count in trial.scans)
    memory = workers * max(PROCESS_MB + trial.step_mb, trial.peak_mb)
    # Every fold that is trained has a file of its scans' images, which is mapped rather than held.
    passing = sum(one.scan_mb * count for one, count in trial.scans) + workers * images_mb
    lasting = MAPS_PER_IMAGE * images_mb + sum(one.organs_mb * count for one, count in trial.scans)
    steps = " and ".join(str(way.training.steps) for way in plan.ways)
    more = len(plan.rivals)
    rivals = f" by {plan.seeds} seeds" if plan.seeds > 1 else ""
    rivals += f" and {more} other network{'s' * (more > 1)}" if more else ""
    return (
        f"{scans} scans, {folds} folds of at most {steps} steps{rivals}, {workers} at a time: at most about "
        f"{duration(-(-folds // workers) * fold_s + rest_s)} on this machine, {memory / 1000:.1f} GB of memory and "
        f"{(passing + lasting) / 1000:.1f} GB of disk, of which {lasting / 1000:.1f} GB stay."
    )


def _prepared(study: Study, row: CohortRow) -> ScanTrial:
    """Prepare a scan in a folder of its own."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        organs = place / "organs"
        job = replace(study.prepare_job, rows=(row,), cases=place, segmentations=organs)
        seconds = _seconds(lambda: run_prepare(job, silent()))
        require_prepared((row,), place, Path("The table"))
        kept = organs / f"{row.scan_id}.nii.gz"
        return ScanTrial(
            seconds,
            load_case(place, row, study.plan.staging).image.nbytes / 1e6,
            scan_file(place, row).stat().st_size / 1e6,
            kept.stat().st_size / 1e6 if kept.exists() else 0.0,
        )


def _empty_case(plan: Plan) -> StagingCase:
    """A scan of air with a liver of usual height: what the networks do takes as long as on any other."""
    height = max(plan.slab.slices + plan.slab.slices // 2, round(LIVER_MM / plan.grid.spacing_mm[0]))
    labels = np.full((height, *plan.grid.in_plane), LIVER, np.uint8)
    case = StagingCase("air", "air", (0,), np.zeros(labels.shape, np.uint8), 0, height - 1)
    return see(case, labels if needs_labels(plan) else None, plan).case


def _steps(plan: Plan) -> float:
    """Seconds of a training step."""
    case = _empty_case(plan)
    learner = Learner(plan, [case])
    fast(learner.network)
    learner.train()

    def step(number: int) -> None:
        torch.autograd.backward(learner.loss(draw_batch([case], plan, number), number))

    steps = [_seconds(partial(step, number)) for number in range(TRIED)]
    return min(steps[1:])


def _look(plan: Plan, layers: tuple[str, ...] = ()) -> float:
    """Seconds of predicting, or with layers of explaining, one scan."""
    case = _empty_case(plan)
    model = StagingModel(plan, fast(Learner(plan, [case]).network.eval()), {}, "")
    return _seconds(lambda: predict_case(model, case, layers))


def _seconds(work: Callable[[], object]) -> float:
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

"""`fibrolens study`: the paper's whole experiment on a cohort."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fibrolens.cli.engines import add_engine, ray_address
from fibrolens.cli.repeatable import add_deterministic
from fibrolens.cli.train import MOST_SEED, SCRATCH, SHIPPED
from fibrolens.errors import UsageError
from fibrolens.staging.modes import LFS, MODES, modes_for

if TYPE_CHECKING:
    from fibrolens.cohort.criteria import Criteria

MARKERS = "markers"
AUTO, LAST_LAYER, ALL = "auto", "last-layer", "all"


def add_to(verbs: Any) -> argparse.ArgumentParser:
    """Add the verb and its options."""
    verb: argparse.ArgumentParser = verbs.add_parser(
        "study",
        help="five-fold study of a cohort: from a table and a folder of CTs to tables, figures and a report",
        description="Check the cohort, find the organs where a row has no masks, train every fold (early stopping on "
        "an inner split, never on the test fold), predict and explain each scan by the fold that never saw its "
        "patient, evaluate, and write tables, figures and report. A study that was interrupted goes on. `fibrolens "
        "train`, `predict`, `explain` and `evaluate` repeat a step of it. Research use only.",
    )
    verb.add_argument("cohort", type=Path, metavar="COHORT.csv", help="one row per scan")
    verb.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the study")
    verb.add_argument("--overwrite", action="store_true", help="replace a study of other inputs or options")
    verb.add_argument("--prepare-only", action="store_true", help="stop when the scans are prepared; the rest by steps")
    verb.add_argument("--criteria", type=Path, metavar="FILE", help="JSON with other criteria than the paper's")
    _add_training(verb)
    _add_segmentation(verb)
    verb.add_argument("--workers", type=int, metavar="N", help="folds at once (default: as many as suit the machine)")
    add_engine(verb)
    add_deterministic(verb)
    return verb


def _add_training(verb: argparse.ArgumentParser) -> None:
    training = verb.add_argument_group("training")
    training.add_argument(
        "--from",
        dest="start",
        metavar="shipped|scratch|DIR",
        help="weights to begin with: the shipped ones (default of --mode lfs), random ones (of the other modes), those "
        "of a model folder, whose plan then is the mode; they must not have seen a patient of the cohort",
    )
    training.add_argument(
        "--learn",
        choices=(AUTO, LAST_LAYER, ALL),
        default=AUTO,
        help="which layers are trained: the last, all, or (auto, default) both ways in every fold, of which the inner "
        "split decides: all layers where they are clearly better on it",
    )
    training.add_argument(
        "--mode",
        choices=tuple(MODES),
        default=LFS,
        help="what the networks are (default lfs: the paper's, on the whole upper abdomen); another one begins with "
        "random weights",
    )
    training.add_argument(
        "--rivals",
        default=MARKERS,
        metavar="NAMES",
        help="what is compared on the same folds: none, markers (default: models of the measured markers), all (every "
        "network for these scans too, each trained from random weights), or names of --mode with commas between them",
    )
    training.add_argument("--steps", type=int, metavar="N", help="training steps of a fold (default: by the plan)")
    training.add_argument("--folds", type=int, default=5, metavar="K", help="default 5")
    training.add_argument("--seed", type=int, default=0, metavar="S", help="same seed, same study (default 0)")
    training.add_argument(
        "--seeds",
        type=int,
        default=1,
        metavar="N",
        help="train every fold N times, with the seeds S, S + 1 and so on (default 1): the first is the result, the "
        "others show in the report how much of it is chance of the training",
    )


def _add_segmentation(verb: argparse.ArgumentParser) -> None:
    organs = verb.add_argument_group("organs of rows without liver_mask or spleen_mask")
    organs.add_argument("--segmentation-model", type=Path, metavar="DIR", help="folder with segmentation weights")
    organs.add_argument(
        "--segmenter",
        choices=("fibrolens", "totalsegmentator"),
        default="fibrolens",
        help="what finds them; TotalSegmentator (version 2) where you have installed it",
    )


def run(options: argparse.Namespace) -> int:
    """Run the study and say where its report is."""
    _check(options)
    modality, criteria = _cohort(options)
    from fibrolens.cli.steps import running
    from fibrolens.study.run import Networks, run_study

    plan, start = _plan(options, modality, criteria)
    networks = Networks(start, options.segmentation_model)
    run_study(
        options.cohort,
        options.out,
        plan,
        networks,
        running(options.workers, ray_address(options)),
        overwrite=options.overwrite,
        prepare_only=options.prepare_only,
    )
    if options.prepare_only:
        sys.stdout.write(f"{options.out}: prepared; go on with fibrolens train {options.out}\n")
    else:
        sys.stdout.write(f"{options.out / 'report.html'}: research use only\n")
    return 0


def _check(options: argparse.Namespace) -> None:
    if options.start is None:
        options.start = SHIPPED if options.mode == LFS else SCRATCH
    if options.mode != LFS and options.start != SCRATCH:
        raise UsageError(f"--mode {options.mode} begins with random weights; leave --from out or give --from scratch.")
    if not 0 <= options.seed <= MOST_SEED:
        raise UsageError(f"--seed must be from 0 to {MOST_SEED}; it is {options.seed}.")
    if not 1 <= options.seeds <= MOST_SEED + 1 - options.seed:
        raise UsageError(f"--seeds must be 1 or more, and the last seed at most {MOST_SEED}; it is {options.seeds}.")
    if options.folds < 2 or (options.steps is not None and options.steps < 1):
        raise UsageError("study needs at least two folds and one step.")
    ray_address(options)
    if options.start == SCRATCH and options.learn == LAST_LAYER:
        raise UsageError("--learn last-layer needs trained weights; it does not go with --from scratch.")


def _cohort(options: argparse.Namespace) -> tuple[str, Criteria]:
    """CT or MR, and who is in the study: read before torch is loaded, for which nobody waits with a wrong path."""
    from fibrolens.cohort.criteria import read_criteria
    from fibrolens.study.modality import default_criteria, modality_for

    modality = modality_for(options.cohort)
    return modality, default_criteria(modality) if options.criteria is None else read_criteria(options.criteria)


def _plan(options: argparse.Namespace, modality: str, criteria: Criteria) -> tuple[Any, Path | None]:
    """The plan, and the model folder that the training begins with."""
    from fibrolens.plan import Plan
    from fibrolens.staging.network import LFSNetwork
    from fibrolens.study.modality import fitted_plan, require_weights
    from fibrolens.study.plans import StudyPlan, adapting_plan, fine_tuning_plan, scratch_plan, with_training
    from fibrolens.study.rival_plans import with_rivals
    from fibrolens.weights import load_model_folder, shipped

    chosen: dict[str, Any] = {"folds": options.folds, "segmenter": options.segmenter, "seeds": options.seeds}
    if options.start == SCRATCH:
        base = fitted_plan(with_training(scratch_plan(), options.seed, options.steps), modality)
        if options.mode not in (modes := modes_for(base.grid.intensity)):
            raise UsageError(f"--mode {options.mode} is not for {modality}; choose one of {', '.join(modes)}.")
        staging = modes[options.mode].plan(base)
        plan = StudyPlan(staging, criteria=criteria, mode=options.mode, **chosen)
        return with_rivals(plan, options.rivals, options.steps), None
    start = shipped("lfs") if options.start == SHIPPED else Path(options.start)
    folder = load_model_folder(start)
    base = folder.plan(Plan)
    require_weights(base, modality, options.start)
    folder.fill(LFSNetwork(base.network))
    last, every = (
        with_training(plan, options.seed, options.steps) for plan in (fine_tuning_plan(base), adapting_plan(base))
    )
    chosen["also"] = (every.training,) if options.learn == AUTO else ()
    chosen["initial"] = f"{folder.card['name']} (sha256 {folder.sha256[:12]})"
    chosen["initial_trained_on"] = folder.card["trained_on"]
    staging = every if options.learn == ALL else last
    plan = StudyPlan(staging, criteria=criteria, learnt=options.learn, **chosen)
    return with_rivals(plan, options.rivals), start

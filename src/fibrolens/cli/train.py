"""`fibrolens train`: the staging network, or the V-Nets that find the organs, on a user's own cohort."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from fibrolens.cli.engines import LOCAL
from fibrolens.cli.repeatable import add_deterministic
from fibrolens.cli.steps import add_running, run_step_of
from fibrolens.errors import UsageError
from fibrolens.labelmaps import LABEL_MAPS

SHIPPED, SCRATCH = "shipped", "scratch"
STAGING, SEGMENTATION = "staging", "segmentation"
#: Greater ones overflow where torch is seeded step by step.
MOST_SEED = 2**32 - 1


def add_to(verbs: Any) -> argparse.ArgumentParser:
    """Add the verb and its options."""
    verb: argparse.ArgumentParser = verbs.add_parser(
        "train",
        help="train the staging or the segmentation network on your own cohort, or the folds of a study",
        description="Fine-tune the staging network on a cohort (or train it from scratch) and write a model folder for "
        "`fibrolens stage --model DIR`. Rows with an exclude reason are left out; where a row has no masks, the organs "
        "are found by the segmentation network. Given the folder of a study, train its folds. With --task "
        "segmentation, fine-tune the V-Nets on the masks themselves (NIfTI, NRRD, MHA or DICOM SEG; the stage does not "
        "matter, a spleen_mask may be missing) for `fibrolens stage --segmentation-model DIR`. A training that was "
        "interrupted goes on. By torchrun, several processes share the training of the staging network. "
        "Research use only.",
    )
    verb.add_argument("cohort", type=Path, metavar="COHORT.csv|STUDY", help="one row per scan; or a study's folder")
    verb.add_argument(
        "--task", choices=(STAGING, SEGMENTATION), default=STAGING, help="what to learn (default: %(default)s)"
    )
    verb.add_argument("--out", type=Path, metavar="DIR", help="the model folder to write; not for a study")
    verb.add_argument(
        "--from",
        dest="start",
        default=SHIPPED,
        metavar="shipped|scratch|DIR",
        help="weights to begin with: the shipped ones (default), random ones (staging only), those of a model folder",
    )
    verb.add_argument(
        "--label-map",
        choices=tuple(LABEL_MAPS),
        metavar="NAME",
        help=f"segmentation: whose numbers the masks have, if they hold several organs: {', '.join(LABEL_MAPS)}",
    )
    verb.add_argument("--steps", type=int, metavar="N", help="training steps (default: those of the plan)")
    verb.add_argument("--seed", type=int, metavar="S", help="same seed, same weights (default 0)")
    add_deterministic(verb)
    verb.add_argument("--overwrite", action="store_true", help="replace a training with other inputs or options")
    add_running(verb.add_argument_group("folds of a study"))
    return verb


def run(options: argparse.Namespace) -> int:
    """Train and say where the model is."""
    if options.cohort.is_dir():
        _require_one_process("The folds of a study are trained side by side by --workers")
        return _run_study(options)
    if options.out is None:
        raise UsageError("train needs --out DIR for the model folder of a cohort.")
    if options.table is not None or options.workers is not None or options.engine != LOCAL:
        raise UsageError("--cohort, --workers and --engine belong to the folder of a study.")
    options.seed = options.seed or 0
    if not 0 <= options.seed <= MOST_SEED or (options.steps is not None and options.steps < 1):
        raise UsageError(f"train needs at least one step and a seed from 0 to {MOST_SEED}.")
    if options.task == SEGMENTATION:
        _require_one_process("The V-Nets are trained by one process")
        return _run_segmentation(options)
    if options.label_map is not None:
        raise UsageError("--label-map belongs to --task segmentation.")
    from fibrolens.study.modality import modality_for

    # Before torch is loaded, which takes seconds.
    modality = modality_for(options.cohort)
    from dataclasses import replace

    from fibrolens.progress import Progress
    from fibrolens.staging.peers import joined
    from fibrolens.study.tune import tune

    plan, start = _start(options.start, modality)
    steps = plan.training.steps if options.steps is None else options.steps
    plan = replace(plan, training=replace(plan.training, steps=steps, seed=options.seed))
    with joined() as peers:
        tune(options.cohort, options.out, plan, start, overwrite=options.overwrite, progress=Progress)
    if not peers.leads:
        return 0
    use = f"stage with it by --model {options.out}"
    if plan.grid.intensity == "mr":
        use = f"begin a study of MR with it by --from {options.out}"
    sys.stdout.write(f"{options.out}: research use only; {use}\n")
    return 0


def _require_one_process(sentence: str) -> None:
    """Refuse what several processes would do at once, each for itself."""
    from fibrolens.staging.peers import called_by_torchrun

    if called_by_torchrun():
        raise UsageError(f"{sentence}; start fibrolens train without torchrun.")


def _run_study(options: argparse.Namespace) -> int:
    """Train the folds of a study, whose plan has all the rest."""
    own = {"--out": options.out, "--steps": options.steps, "--seed": options.seed, "--label-map": options.label_map}
    given = [name for name, value in own.items() if value is not None]
    if options.task != STAGING or options.start != SHIPPED or given:
        raise UsageError(f"{options.cohort} is a study, whose plan.json says how it is trained; give no such option.")
    options.study = options.cohort
    return run_step_of(options, "train")


def _run_segmentation(options: argparse.Namespace) -> int:
    """Fine-tune the V-Nets, say where the model is and how it does on the scans held out."""
    if options.start == SCRATCH:
        raise UsageError("--task segmentation begins with trained weights; give --from shipped or a model folder.")
    from fibrolens.plan import SegmentationPlan
    from fibrolens.progress import Progress
    from fibrolens.segment.vnet import Cascade
    from fibrolens.study.held_out import sentence
    from fibrolens.study.plans import segmentation_tuning_plan
    from fibrolens.study.tune import Start
    from fibrolens.study.tune_segmentation import tune_segmentation
    from fibrolens.weights import load_model_folder, shipped

    folder = load_model_folder(shipped("vnet") if options.start == SHIPPED else Path(options.start))
    base = folder.plan(SegmentationPlan)
    folder.fill(Cascade(base))
    chosen = {} if options.steps is None else {"steps": options.steps}
    plan = segmentation_tuning_plan(base, seed=options.seed, **chosen)
    start = Start(_named(folder), folder.weights, folder.card["trained_on"])
    tune_segmentation(
        options.cohort,
        options.out,
        plan,
        start,
        label_map=options.label_map,
        overwrite=options.overwrite,
        progress=Progress,
    )
    figures = sentence(load_model_folder(options.out).card["figures"])
    sys.stdout.write(f"{options.out}: {figures}\n")
    sys.stdout.write(f"{options.out}: research use only; use it by stage --segmentation-model {options.out}\n")
    return 0


def _named(folder: Any) -> str:
    return f"{folder.card['name']} (sha256 {folder.sha256[:12]})"


def _start(name: str, modality: str) -> tuple[Any, Any]:
    """The plan of the training, for the modality of a cohort, and what it begins with."""
    from fibrolens.plan import Plan
    from fibrolens.staging.network import LFSNetwork
    from fibrolens.study.modality import fitted_plan, require_weights
    from fibrolens.study.plans import adapting_plan, scratch_plan
    from fibrolens.study.tune import Start
    from fibrolens.weights import load_model_folder, shipped

    if name == SCRATCH:
        return fitted_plan(scratch_plan(), modality), Start("random weights")
    folder = load_model_folder(shipped("lfs") if name == SHIPPED else Path(name))
    plan = folder.plan(Plan)
    require_weights(plan, modality, name)
    folder.fill(LFSNetwork(plan.network))
    return adapting_plan(plan), Start(_named(folder), folder.weights, folder.card["trained_on"])

"""`fibrolens train`: the staging network on a user's own cohort."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from fibrolens.errors import UsageError

SHIPPED, SCRATCH = "shipped", "scratch"
#: Greater ones overflow where torch is seeded step by step.
MOST_SEED = 2**32 - 1


def add_to(verbs: Any) -> argparse.ArgumentParser:
    """Add the verb and its options."""
    verb: argparse.ArgumentParser = verbs.add_parser(
        "train",
        help="train the staging network on your own cohort",
        description="Fine-tune the staging network on a cohort (or train it from scratch) and write a model folder for "
        "`fibrolens stage --model DIR`. Every row needs a liver_mask; rows with an exclude reason and rows whose stage "
        "is a set (F2|F3) are left out. A training that was interrupted goes on. Research use only.",
    )
    verb.add_argument("cohort", type=Path, metavar="COHORT.csv", help="one row per scan")
    verb.add_argument("--out", type=Path, required=True, metavar="DIR", help="the model folder to write")
    verb.add_argument(
        "--from",
        dest="start",
        default=SHIPPED,
        metavar="shipped|scratch|DIR",
        help="weights to begin with: the shipped ones (default), random ones, or those of a model folder",
    )
    verb.add_argument("--steps", type=int, metavar="N", help="training steps (default: those of the plan)")
    verb.add_argument("--seed", type=int, default=0, metavar="S", help="same seed, same weights (default 0)")
    verb.add_argument("--overwrite", action="store_true", help="replace a training with other inputs or options")
    return verb


def run(options: argparse.Namespace) -> int:
    """Train and say where the model is."""
    if not 0 <= options.seed <= MOST_SEED or (options.steps is not None and options.steps < 1):
        raise UsageError(f"train needs at least one step and a seed from 0 to {MOST_SEED}.")
    from dataclasses import replace

    from fibrolens.progress import Progress
    from fibrolens.study.tune import tune

    plan, start = _start(options.start)
    steps = plan.training.steps if options.steps is None else options.steps
    plan = replace(plan, training=replace(plan.training, steps=steps, seed=options.seed))
    tune(options.cohort, options.out, plan, start, overwrite=options.overwrite, progress=Progress)
    sys.stdout.write(f"{options.out}: research use only; stage with it by --model {options.out}\n")
    return 0


def _start(name: str) -> tuple[Any, Any]:
    """The plan of the training and what it begins with."""
    from fibrolens.plan import Plan
    from fibrolens.staging.network import LFSNetwork
    from fibrolens.study.plans import adapting_plan, scratch_plan
    from fibrolens.study.tune import Start
    from fibrolens.weights import load_model_folder, shipped

    if name == SCRATCH:
        return scratch_plan(), Start("random weights")
    folder = load_model_folder(shipped("lfs") if name == SHIPPED else Path(name))
    plan = folder.plan(Plan)
    folder.fill(LFSNetwork(plan.network))
    named = f"{folder.card['name']} (sha256 {folder.sha256[:12]})"
    return adapting_plan(plan), Start(named, folder.weights, folder.card["trained_on"])

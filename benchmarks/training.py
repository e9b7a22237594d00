"""A step of training the staging network, beside the loop that a MONAI user writes (`monai_training.py`).

The same network, batch, scans in memory and kinds of augmentation. The loops take turns in one run, a block of steps
each; a block's first step, in which its input starts, does not count. What counts is the ratio of the same round.
MONAI's loop is run with its input in the same process and in workers, and the quicker of the two is the rival. Beside
them: how much of our step is waiting for its batch, how long a batch takes to draw when nothing else runs, and the
floor, the step's operations at the rate of matrix products. Writes ``training.json``.

usage: training.py [--out DIR] [--rounds N] [--steps N] [--plan NAME]
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

import monai_training
from common import best, machine, operations, rates, write
from fibrolens.plan import Plan
from fibrolens.staging.ahead import drawn_ahead
from fibrolens.staging.data import StagingCase, draw_batch
from fibrolens.staging.network import fast, new_network
from fibrolens.staging.plans import small_plan
from fibrolens.staging.train import Learner, learn

PLANS = {"shipped": small_plan(), "default": Plan()}
SCANS, SLICES = 8, 50
OURS, MONAI = "fibrolens", {0: "MONAI, no worker", 1: "MONAI, one worker", 2: "MONAI, two workers"}

#: Gives the next batch; learns from it.
Batches = AbstractContextManager[Iterator[Any]]
Loop = tuple[Callable[[], Batches], Callable[[Any], object]]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=5, help="in a block, after the first")
    parser.add_argument("--plan", choices=PLANS, help="one of them only")
    options = parser.parse_args()
    report: dict[str, Any] = {"machine": machine(), "rates": rates(), "rounds": options.rounds, "steps": options.steps}
    for name, plan in PLANS.items():
        if options.plan in (None, name):
            report[name] = measure(plan, options.rounds, options.steps, report["rates"]["multiply_gflops"])
    write(report, options.out, "training")


def measure(plan: Plan, rounds: int, steps: int, gflops: float) -> dict[str, Any]:
    """Everything of one plan."""
    cases = scans(plan)
    loops = {OURS: ours(cases, plan)} | {name: monai(cases, plan, workers) for workers, name in MONAI.items()}
    taken = [{name: block(*loop, steps) for name, loop in loops.items()} for _ in range(rounds)]
    seconds = {name: statistics.median(one[name][0] for one in taken) for name in loops}
    rival = min(MONAI.values(), key=lambda name: seconds[name])
    drawing = best(partial(draw_batch, cases, plan, 0))
    return {
        "step_s": {name: round(value, 3) for name, value in seconds.items()},
        "waiting": {name: round(statistics.median(one[name][1] for one in taken), 4) for name in loops},
        "rival": rival,
        "times_as_fast": round(statistics.median(one[rival][0] / one[OURS][0] for one in taken), 2),
        "drawing_s": round(drawing, 4),
        "floor_s": round(step_operations(cases, plan) / gflops / 1e9, 3),
    }


def scans(plan: Plan) -> list[StagingCase]:
    """Scans of nothing; what they show does not change the time."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (SCANS, SLICES, *plan.grid.in_plane), np.uint8)
    return [StagingCase(str(k), str(k), (k % 5,), image, 4, SLICES - 5) for k, image in enumerate(images)]


def ours(cases: list[StagingCase], plan: Plan) -> Loop:
    """The loop of `staging.train`."""
    learner = Learner(plan, cases)
    fast(learner.network)
    learner.train()
    optimiser = torch.optim.AdamW(learner.parameters(), lr=plan.training.learning_rate)
    draw = partial(draw_batch, cases, plan)
    return lambda: drawn_ahead(draw, range(plan.training.steps)), lambda batch: learn(learner, optimiser, batch, 0)


def monai(cases: list[StagingCase], plan: Plan, workers: int) -> Loop:
    """The loop of `monai_training`."""
    network = new_network(plan.network, plan.training.seed).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=plan.training.learning_rate)
    return (
        lambda: closing(monai_training.batches(cases, plan, workers)),
        partial(monai_training.step, network, optimiser),
    )


def block(start: Callable[[], Batches], step: Callable[[Any], object], steps: int) -> tuple[float, float]:
    """Mean seconds of a step, and the share of them that was waiting for the batch."""
    waited = 0.0
    with start() as batches:
        step(next(batches))
        begun = time.perf_counter()
        for _ in range(steps):
            asked = time.perf_counter()
            batch = next(batches)
            waited += time.perf_counter() - asked
            step(batch)
        taken = time.perf_counter() - begun
    return taken / steps, waited / taken


def step_operations(cases: list[StagingCase], plan: Plan) -> int:
    """Of the convolutions and products of a step, both ways."""
    learner = Learner(plan, cases).train()
    return operations(lambda: learner.loss(draw_batch(cases, plan, 0), 0).backward())


if __name__ == "__main__":
    main()

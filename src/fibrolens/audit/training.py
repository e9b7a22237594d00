"""Networks that the audit trains itself: on shuffled stages, with another seed, and of another design."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from safetensors.torch import load_file

from fibrolens.audit.randomise import shuffled
from fibrolens.audit.subjects import Bench, model_in
from fibrolens.plan import Plan
from fibrolens.progress import Reporter
from fibrolens.staging.predict import StagingModel
from fibrolens.staging.train import WEIGHTS, train
from fibrolens.study.folder import FOLDS, INITIAL
from fibrolens.study.plans import scratch_plan

Kind = Literal["shuffled", "seed", "design"]
#: Added to the plan's seed where another one is wanted.
OTHER_SEED = 7919


@dataclass(frozen=True)
class TrainJob:
    """A network to train.

    Args:
        bench: the study.
        kind: ``shuffled``: stages shuffled among the patients. ``seed``: as the study, with another seed. ``design``:
            with a smaller kernel, where the study has no other network of the whole abdomen.
        steps: at most so many.
    """

    bench: Bench
    kind: Kind
    steps: int

    @property
    def folder(self) -> Path:
        """Where it is trained."""
        return self.bench.work / "trained" / self.kind

    @property
    def plan(self) -> Plan:
        """Of the training.

        With another seed it is the study's. Where the study begins with weights that know the stage, shuffled stages
        prove nothing as long as those stay: such a training begins with random weights and learns all of them.
        """
        ours = self.bench.plan
        steps = min(self.steps, ours.training.steps) if self.kind == "seed" else self.steps
        if self.kind == "seed":
            own = ours.training
        else:
            own = replace(scratch_plan().training, warmup_steps=min(50, steps // 4))
        training = replace(own, steps=steps, seed=ours.training.seed + OTHER_SEED, check_every=0)
        network = ours.network
        if self.kind == "design":
            (d, h, w), (a, b, c, e) = (min(3, size) for size in network.kernel), (2 * n for n in network.channels)
            network = replace(network, kernel=(d, h, w), channels=(a, b, c, e))
        return replace(ours, training=training, network=network)

    @property
    def initial(self) -> Path | None:
        """Weights that it begins with; None is random ones."""
        known = self.bench.study.out / FOLDS / INITIAL
        return known if self.kind == "seed" and known.exists() else None

    def model(self) -> StagingModel:
        """The trained network."""
        return model_in(self.folder, self.plan)


def run_train(job: TrainJob, report: Reporter) -> None:
    """Train the network of a job; a training that was cut off goes on."""
    if (job.folder / WEIGHTS).exists():
        report.advance(job.plan.training.steps)
        return
    cases = [job.bench.shown(row).seen(job.plan).case for row in job.bench.learners]
    if job.kind == "shuffled":
        cases = shuffled(cases, job.bench.generator(1))
    train(cases, job.plan, job.folder, None if job.initial is None else load_file(job.initial), report)

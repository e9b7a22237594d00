"""Training of the V-Net: one loop, the same at every run, resumable at any checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float, Int, Int16, UInt8
from torch import Tensor

from fibrolens.plan import SegmentationPlan
from fibrolens.segment.randomise import random_example
from fibrolens.segment.vnet import VNet

#: Steps of linear warm-up, and what the learning rate falls to along a half cosine.
WARMUP_STEPS = 100
FINAL_RATE = 0.02

#: Share of the latest weights in their running mean: it looks back over about 200 steps.
AVERAGE_RATE = 0.005


@dataclass(frozen=True)
class Abdomen:
    """A simulated patient on the plan's grid: Hounsfield units and organ numbers."""

    hu: Int16[np.ndarray, "d h w"]
    labels: UInt8[np.ndarray, "d h w"]


@dataclass(frozen=True)
class Progress:
    """What the loop reports after each step."""

    step: int
    loss: float
    dice: tuple[float, ...]


def train(
    abdomens: Callable[[], Sequence[Abdomen]],
    plan: SegmentationPlan,
    folder: Path,
    patch: tuple[int, int, int] = (48, 80, 80),
) -> Iterator[Progress]:
    """Train a V-Net, from the checkpoint in `folder` if there is one.

    The example of a step depends on the plan's seed, the step, and the abdomens at hand, on nothing else.

    Args:
        abdomens: gives the training patients; asked at every step, so that a cache may grow meanwhile.
        plan: network, grid and training.
        folder: where ``checkpoint.pt`` is kept.
        patch: voxels of a training example.

    Yields:
        The loss and the Dice of each class, step by step.
    """
    state = TrainingState.start(plan)
    path = folder / "checkpoint.pt"
    if path.exists():
        state.restore(path)
    for step in range(state.step, plan.steps):
        state.optimiser.param_groups[0]["lr"] = plan.learning_rate * learning_rate_factor(step, plan.steps)
        image, target = batch(abdomens(), plan, patch, step)
        with torch.autocast("cpu", torch.bfloat16):
            logits = state.network(image)
        loss, dice = segmentation_loss(logits.float(), target)
        state.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(state.network.parameters(), 5.0)
        state.optimiser.step()
        state.count_step()
        if state.step % plan.checkpoint_every == 0 or state.step == plan.steps:
            state.save(path)
        yield Progress(state.step, float(loss.detach()), tuple(float(d) for d in dice))


@dataclass
class TrainingState:
    """All that a training needs in order to go on.

    Args:
        network: the weights being trained.
        average: their running mean, which is what is used afterwards: at any step it is better than the last weights.
        optimiser: with its moments.
        step: how many steps were done.
    """

    network: VNet
    average: VNet
    optimiser: torch.optim.Optimizer
    step: int = 0

    @classmethod
    def start(cls, plan: SegmentationPlan) -> TrainingState:
        """Initial weights, which the plan's seed decides."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(plan.seed)
            network = VNet(plan).train()
        optimiser = torch.optim.AdamW(network.parameters(), lr=plan.learning_rate, weight_decay=1e-4)
        return cls(network, deepcopy(network).eval(), optimiser)

    @torch.no_grad()
    def count_step(self) -> None:
        """Take the new weights into the average."""
        self.step += 1
        rate = max(AVERAGE_RATE, 1 / (self.step + 1))
        for mean, latest in zip(self.average.parameters(), self.network.parameters(), strict=True):
            mean.lerp_(latest, rate)

    def save(self, path: Path) -> None:
        """Write a checkpoint aside, then put it in place."""
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(".part")
        parts = {name: getattr(self, name).state_dict() for name in ("network", "average", "optimiser")}
        torch.save({**parts, "step": self.step}, aside)
        aside.replace(path)

    def restore(self, path: Path) -> None:
        """Go back to what `save` wrote."""
        saved = torch.load(path, weights_only=True)
        for name in ("network", "average", "optimiser"):
            getattr(self, name).load_state_dict(saved[name])
        self.step = int(saved["step"])


def trained_network(path: Path, plan: SegmentationPlan) -> tuple[VNet, int]:
    """The averaged weights of a checkpoint, ready to predict, and after how many steps they were taken."""
    state = TrainingState.start(plan)
    state.restore(path)
    return state.average, state.step


def batch(
    abdomens: Sequence[Abdomen], plan: SegmentationPlan, patch: tuple[int, int, int], step: int
) -> tuple[Float[Tensor, "n windows d h w"], Int[Tensor, "n d h w"]]:
    """The examples of one step."""
    rng = np.random.default_rng((plan.seed, step))
    pairs = []
    for _ in range(plan.batch):
        abdomen = abdomens[int(rng.integers(len(abdomens)))]
        pairs.append(random_example(abdomen.hu, abdomen.labels, plan, patch, rng))
    images, targets = zip(*pairs, strict=True)
    return torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(targets).astype(np.int64))


def segmentation_loss(
    logits: Float[Tensor, "n classes d h w"], target: Int[Tensor, "n d h w"]
) -> tuple[Float[Tensor, ""], Float[Tensor, " organs"]]:
    """Cross-entropy plus one minus the soft Dice (Milletari 2016, eq. 3) averaged over the organs.

    Returns:
        The loss, and the soft Dice of each class but the background.
    """
    probability = logits.softmax(1)[:, 1:]
    truth = F.one_hot(target, logits.shape[1]).movedim(-1, 1)[:, 1:].float()
    axes = (0, 2, 3, 4)
    overlap = 2 * (probability * truth).sum(axes)
    dice = (overlap + 1) / (probability.square().sum(axes) + truth.square().sum(axes) + 1)
    return F.cross_entropy(logits, target) + 1 - dice.mean(), dice.detach()


def learning_rate_factor(step: int, steps: int) -> float:
    """Linear warm-up, then half a cosine down to `FINAL_RATE`."""
    warm = min(1.0, (step + 1) / WARMUP_STEPS)
    return float(warm * (FINAL_RATE + (1 - FINAL_RATE) * 0.5 * (1 + np.cos(np.pi * step / steps))))

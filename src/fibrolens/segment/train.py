"""Training of the two V-Nets, from random weights or given ones: one loop, the same at every run, resumable.

Both learn together. The fine network sees what the coarse one makes of the same example, spoilt now and then: on real
scans the coarse one errs in ways that no simulated scan shows, and the fine one must not simply copy it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Bool, Float, Int, Int16, UInt8
from torch import Tensor

from fibrolens.plan import SegmentationPlan
from fibrolens.segment.deform import smooth_field
from fibrolens.segment.inputs import coarse_size, prior, windowed
from fibrolens.segment.randomise import random_example
from fibrolens.segment.vnet import Cascade
from fibrolens.tensorfile import load_checked, memory_of, remember, save_checked, under, unusable

CHECKPOINT = "checkpoint.safetensors"

#: What the learning rate falls to along a half cosine.
FINAL_RATE = 0.02

#: Steps whose examples are made ahead.
AHEAD = 3

#: How often the fine network is told nothing by the coarse one, and how often something spoilt.
SILENT, SPOILT = 0.15, 0.5


@runtime_checkable
class Patient(Protocol):
    """Whom examples are drawn from."""

    @property
    def unlabelled(self) -> tuple[int, ...]:
        """Classes that nobody has outlined in this patient: they may be anywhere in the background."""

    def draw(
        self, size: tuple[int, int, int], voxel_mm: float, rng: np.random.Generator
    ) -> tuple[Float[Tensor, "a b c"], UInt8[Tensor, "a b c"]]:
        """Hounsfield units and classes of one example of `size` voxels."""


@dataclass(frozen=True)
class Abdomen:
    """A simulated patient on the fine network's voxels: Hounsfield units and organ numbers, on any device."""

    hu: Int16[Tensor, "d h w"]
    labels: UInt8[Tensor, "d h w"]
    unlabelled: tuple[int, ...] = ()

    def draw(
        self, size: tuple[int, int, int], voxel_mm: float, rng: np.random.Generator
    ) -> tuple[Float[Tensor, "a b c"], UInt8[Tensor, "a b c"]]:
        """One example, repainted."""
        return random_example(self.hu, self.labels, size, voxel_mm, rng)


@dataclass(frozen=True)
class Progress:
    """What the loop reports after each step: the soft Dice of each organ, of the coarse, then of the fine network."""

    step: int
    loss: float
    dice: tuple[float, ...]


@dataclass(frozen=True)
class Examples:
    """The examples of one step on the fine network's voxels.

    Args:
        hu: Hounsfield units; classes: of the coarse network.
        rng: for what else the step leaves to chance.
        unlabelled: classes that are not told from the background in an example; None where all are.
    """

    hu: Float[Tensor, "n d h w"]
    classes: UInt8[Tensor, "n d h w"]
    rng: np.random.Generator
    unlabelled: Bool[Tensor, "n classes"] | None = None


def train(
    patients: Callable[[], Sequence[Patient]],
    plan: SegmentationPlan,
    folder: Path,
    device: str = "cpu",
    done: Callable[[int], float] | None = None,
    initial: Mapping[str, Tensor] | None = None,
    learning: Collection[str] = ("coarse", "fine"),
) -> Iterator[Progress]:
    """Train both V-Nets, from the checkpoint in `folder` if there is one.

    The examples of a step depend on the plan's seed, the step, the patients at hand and the kind of device, on nothing
    else.

    Args:
        patients: gives the training patients on `device`; asked at every step, so that a cache may grow meanwhile.
        plan: networks, grids and training.
        folder: where the checkpoint is kept.
        device: of torch.
        done: share of the training that is done before a step, for one that ends by the clock; the learning rate falls
            with it. Where None, the plan's steps are counted.
        initial: weights to begin with instead of random ones.
        learning: which of the two networks learn; the other one stays as it is.

    Yields:
        The loss and the Dice of each class, step by step; nothing where the checkpoint is of the last step.

    Raises:
        ModelError: the checkpoint is damaged, or of other networks.
    """
    done = done or (lambda step: step / plan.steps)
    state = TrainingState.start(plan, device, initial)
    for name, network in state.network.named_children():
        network.requires_grad_(name in learning)
    path = folder / CHECKPOINT
    if path.exists():
        state.restore(path)
        if done(state.step) >= 1:
            return
    for step, examples in enumerate(_ahead(patients, plan, state.step), state.step):
        rate = learning_rate_factor(step, done(step), plan.warmup_steps)
        state.optimiser.param_groups[0]["lr"] = plan.learning_rate * rate
        with torch.autocast(state.device.type, torch.bfloat16, enabled=state.device.type == "cuda"):
            loss, dice = cascade_loss(state.network, examples, plan)
        state.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(state.network.parameters(), 5.0)
        state.optimiser.step()
        state.count_step(plan.average_steps)
        over = done(state.step) >= 1
        # Told first: a step that the checkpoint counts is never told again, and would be missing in a log.
        yield Progress(state.step, float(loss.detach()), tuple(dice.tolist()))
        if state.step % plan.checkpoint_every == 0 or over:
            state.save(path)
        if over:
            return


def _ahead(patients: Callable[[], Sequence[Patient]], plan: SegmentationPlan, first: int) -> Iterator[Examples]:
    """The examples of each step from `first` on; those of the next steps are made meanwhile."""
    with ThreadPoolExecutor(AHEAD) as workers:
        coming: deque[Future[Examples]] = deque()
        for step in range(first, plan.steps):
            coming.append(workers.submit(draw_examples, patients(), plan, step))
            if len(coming) > AHEAD:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()


@dataclass
class TrainingState:
    """All that a training needs in order to go on.

    Args:
        network: the weights being trained.
        average: their running mean, which is what is used afterwards: at any step it is better than the last weights.
        optimiser: with its moments.
        device: of both.
        step: how many steps were done.
    """

    network: Cascade
    average: Cascade
    optimiser: torch.optim.Optimizer
    device: torch.device
    step: int = 0

    @classmethod
    def start(
        cls, plan: SegmentationPlan, device: str = "cpu", initial: Mapping[str, Tensor] | None = None
    ) -> TrainingState:
        """The given weights, or random ones, which the plan's seed decides."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(plan.seed)
            network = Cascade(plan).train()
        if initial is not None:
            network.load_state_dict(dict(initial))
        network.to(device)
        for weight in network.parameters():
            weight.data = _laid_out(weight.data)
        optimiser = torch.optim.AdamW(network.parameters(), lr=plan.learning_rate, weight_decay=1e-4)
        return cls(network, deepcopy(network).eval(), optimiser, torch.device(device))

    @torch.no_grad()
    def count_step(self, average_steps: int) -> None:
        """Take the new weights into the average, which looks back over about so many steps."""
        self.step += 1
        rate = 1 / min(average_steps, self.step + 1)
        for mean, latest in zip(self.average.parameters(), self.network.parameters(), strict=True):
            mean.lerp_(latest, rate)

    def save(self, path: Path) -> None:
        """Write a checkpoint; it is whole or absent."""
        path.parent.mkdir(parents=True, exist_ok=True)
        tensors = {f"network.{name}": t for name, t in self.network.state_dict().items()}
        tensors |= {f"average.{name}": t for name, t in self.average.state_dict().items()}
        tensors |= {f"optimiser.{name}": t for name, t in memory_of(self.optimiser).items()}
        save_checked(tensors, path, {"step": str(self.step)})

    def restore(self, path: Path) -> None:
        """Go back to what `save` wrote.

        Raises:
            ModelError: the file is damaged, or of other networks.
        """
        tensors, about = load_checked(path, str(self.device))
        try:
            self.step = int(about["step"])
            self.network.load_state_dict(under("network.", tensors))
            self.average.load_state_dict(under("average.", tensors))
            moments = {name: _laid_out(tensor) for name, tensor in under("optimiser.", tensors).items()}
            remember(self.optimiser, moments)
        except (KeyError, ValueError, RuntimeError) as error:
            raise unusable(path, str(error).partition("\n")[0]) from None


def _laid_out(tensor: Tensor) -> Tensor:
    """Kernels as 3D convolutions like them best, anything else as it is."""
    return tensor.contiguous(memory_format=torch.channels_last_3d) if tensor.ndim == 5 else tensor


def trained_network(path: Path, plan: SegmentationPlan) -> tuple[Cascade, int]:
    """The averaged weights of a checkpoint, ready to predict, and after how many steps they were taken."""
    state = TrainingState.start(plan)
    state.restore(path)
    return state.average, state.step


def draw_examples(patients: Sequence[Patient], plan: SegmentationPlan, step: int) -> Examples:
    """The examples of one step."""
    rng = np.random.default_rng((plan.seed, step))
    pairs, unlabelled = [], torch.zeros(plan.batch, len(plan.coarse.classes), dtype=torch.bool)
    for index in range(plan.batch):
        patient = patients[int(rng.integers(len(patients)))]
        pairs.append(patient.draw(plan.canvas, plan.fine.spacing_mm[0], rng))
        unlabelled[index, list(patient.unlabelled)] = True
    images, classes = (torch.stack(parts) for parts in zip(*pairs, strict=True))
    return Examples(images, classes, rng, unlabelled.to(images.device) if unlabelled.any() else None)


def cascade_loss(
    network: Cascade, examples: Examples, plan: SegmentationPlan
) -> tuple[Float[Tensor, ""], Float[Tensor, " organs"]]:
    """The losses of both networks on the same examples, and the soft Dice of their organs."""
    grid = coarse_size(plan)
    seen = windowed(F.interpolate(examples.hu[:, None], grid, mode="area")[:, 0], plan.windows_hu)
    classes = examples.classes[:, None].float()
    target = F.interpolate(classes, grid, mode="nearest-exact")[:, 0].long()
    coarse = network.coarse(seen.contiguous(memory_format=torch.channels_last_3d)).float()
    unlabelled = examples.unlabelled
    coarse_loss, coarse_dice = segmentation_loss(coarse, target, unlabelled)

    told = prior(spoil(coarse.detach(), examples.rng), plan)
    told = F.interpolate(told, plan.canvas, mode="trilinear", align_corners=False)
    size = plan.crops[int(examples.rng.integers(len(plan.crops)))]
    boxes = [_box(c, size, examples.rng) for c in F.interpolate(coarse.detach(), plan.canvas).argmax(1)]
    hu, told, labels = (
        torch.stack([part[(..., *box)] for part, box in zip(parts, boxes, strict=True)])
        for parts in (examples.hu, told, examples.classes)
    )
    inputs = torch.cat([windowed(hu, plan.windows_hu), told], dim=1)
    fine = network.fine(inputs.contiguous(memory_format=torch.channels_last_3d)).float()
    known = torch.where(labels < len(plan.fine.classes), labels, 0).long()
    fine_loss, fine_dice = segmentation_loss(fine, known, unlabelled)
    return coarse_loss + fine_loss, torch.cat([coarse_dice, fine_dice])


def spoil(coarse: Float[Tensor, "n classes d h w"], rng: np.random.Generator) -> Float[Tensor, "n classes d h w"]:
    """Scores with errors that simulated scans would not cause: blobs lost and added, a shift, or no organ at all."""
    spoilt = coarse.clone()
    for scores in spoilt:
        chance = rng.random()
        if chance < SILENT:
            scores[0] = 30.0
        elif chance < SILENT + SPOILT:
            field = smooth_field(int(rng.integers(4, 12)), coarse.shape[2:], 1, rng, coarse.device)[0]
            organ = int(rng.integers(1, 3))
            scores[organ] += float(rng.uniform(2, 12)) * (field - float(rng.uniform(-0.3, 0.7)))
            offset = tuple(int(n) for n in rng.integers(-2, 3, 3))
            scores.copy_(scores.roll(offset, (1, 2, 3)))
    return spoilt


def _box(classes: Int[Tensor, "d h w"], size: tuple[int, int, int], rng: np.random.Generator) -> tuple[slice, ...]:
    """A box of `size` inside the example, near the middle of what is liver or spleen in `classes`."""
    organs = (classes == 1) | (classes == 2)
    box = []
    for axis, (n, whole) in enumerate(zip(size, classes.shape, strict=True)):
        present = organs.movedim(axis, 0).flatten(1).any(1).nonzero()[:, 0]
        low, high = (int(present[0]), int(present[-1])) if len(present) else (0, whole - 1)
        start = round((low + high - n) / 2 + float(rng.uniform(-1, 1)) * max(4.0, (high - low - n) / 2))
        start = min(max(start, 0), whole - n)
        box.append(slice(start, start + n))
    return tuple(box)


def with_background(
    logits: Float[Tensor, "n classes d h w"], unlabelled: Bool[Tensor, "n classes"]
) -> Float[Tensor, "n classes d h w"]:
    """Scores in which the unlabelled classes of each example are part of its background, and impossible themselves.

    Where nobody has outlined an organ, background may be that organ: the loss asks for neither
    (marginal loss; Shi et al., Med Image Anal 2021;70:101979).
    """
    absent = unlabelled[:, :, None, None, None]
    background = absent.clone()
    background[:, 0] = True
    merged = logits.masked_fill(~background, -torch.inf).logsumexp(1, keepdim=True)
    return torch.cat([merged, logits.masked_fill(absent, -torch.inf)[:, 1:]], dim=1)


def segmentation_loss(
    logits: Float[Tensor, "n classes d h w"],
    target: Int[Tensor, "n d h w"],
    unlabelled: Bool[Tensor, "n known"] | None = None,
) -> tuple[Float[Tensor, ""], Float[Tensor, " organs"]]:
    """Cross-entropy plus one minus the soft Dice (Milletari 2016, eq. 3) averaged over the organs.

    Args:
        logits: scores of each class.
        target: the class of each voxel; an unlabelled one is 0 there.
        unlabelled: classes to be taken together with the background, for each example; ones that this network does not
            know are ignored.

    Returns:
        The loss, and the soft Dice of each class but the background; 1 for one that is unlabelled everywhere.
    """
    if unlabelled is not None:
        logits = with_background(logits, unlabelled[:, : logits.shape[1]])
    probability = logits.softmax(1)[:, 1:]
    truth = F.one_hot(target, logits.shape[1]).movedim(-1, 1)[:, 1:].float()
    axes = (0, 2, 3, 4)
    overlap = 2 * (probability * truth).sum(axes)
    dice = (overlap + 1) / (probability.square().sum(axes) + truth.square().sum(axes) + 1)
    return F.cross_entropy(logits, target) + 1 - dice.mean(), dice.detach()


def learning_rate_factor(step: int, done: float, warmup_steps: int) -> float:
    """Linear warm-up over the first steps, and half a cosine down to `FINAL_RATE` as the share `done` goes to 1."""
    warm = min(1.0, (step + 1) / warmup_steps)
    return float(warm * (FINAL_RATE + (1 - FINAL_RATE) * 0.5 * (1 + np.cos(np.pi * min(done, 1.0)))))

"""From scans to training batches: cases on the network grid, random slabs, augmentation, class balance.

A batch is a pure function of the plan's seed and the step, so that a training that was killed goes on with exactly
the batches that it would have seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from fibrolens.errors import CoverageError
from fibrolens.plan import STAGES, GridPlan, Plan, TrainingPlan
from fibrolens.staging.noise import normal
from fibrolens.transforms import ToNetworkGrid
from fibrolens.volume import Volume

#: Half a grey level of the stored images: values nearer than this to 0 or 1 lie at the window's edge.
CLIPPED = 0.5 / 255.0


@dataclass(frozen=True, eq=False)
class StagingCase:
    """One scan as the network sees it.

    Args:
        scan_id: identifier of the scan.
        patient_id: identifier of the patient, who may have several scans.
        stages: those that the reference allows, 0 to 4 for F0 to F4; one, or several where it does not decide.
        image: windowed CT on the network grid, 0 to 255 for [0, 1]; a quarter of the memory of float32.
        liver_first: first slice that shows liver.
        liver_last: last slice that shows liver (inclusive).
        signs: what is known of the patient beside the stage, each value standardised; simulated patients only.
        chances: probability of F0..F4 given all known signs, in the `prior` of the plan; simulated patients only.
        parts: number of the body part in each voxel, from 1, or 0 elsewhere; simulated patients only.
        covariates: what the plan's last layer knows of the patient, standardised; see `covariates`.
    """

    scan_id: str
    patient_id: str
    stages: tuple[int, ...]
    image: UInt8[np.ndarray, "d h w"]
    liver_first: int
    liver_last: int
    signs: Float[np.ndarray, " s"] | None = None
    chances: Float[np.ndarray, " k"] | None = None
    parts: UInt8[np.ndarray, "d h w"] | None = None
    covariates: Float[np.ndarray, " c"] | None = None

    @property
    def stage(self) -> int:
        """The stage of a case that has one.

        Raises:
            ValueError: it has several.
        """
        (stage,) = self.stages
        return stage


def prepare_case(
    volume: Volume,
    liver_mask: Volume,
    plan: GridPlan,
    *,
    scan_id: str,
    patient_id: str,
    stage: int,
    parts: Volume | None = None,
) -> StagingCase:
    """Bring a CT and its liver's slice range to the network grid.

    Args:
        volume: CT in Hounsfield units.
        liver_mask: boolean mask of the liver on the CT's grid.
        plan: the network grid.
        scan_id: identifier of the scan.
        patient_id: identifier of the patient.
        stage: 0 to 4 for F0 to F4.
        parts: numbers of body parts on the CT's grid, uint8, where they are known.

    Raises:
        CoverageError: the mask is empty.
        GeometryError: the mask or the parts are not on the CT's grid.
    """
    volume.require_grid(liver_mask)
    way = ToNetworkGrid.fit(volume, plan)
    image = np.round(way.forward(volume).array * 255.0).astype(np.uint8)
    first, last = liver_range(way.forward_labels(liver_mask).array, volume.source)
    numbers = None if parts is None else way.forward_labels(parts).array
    return StagingCase(scan_id, patient_id, (stage,), image, first, last, parts=numbers)


def liver_range(mask: Bool[np.ndarray, "d h w"], source: str) -> tuple[int, int]:
    """First and last slice (inclusive) of a liver mask; `source` names the scan in the error.

    Raises:
        CoverageError: the mask is empty.
    """
    slices = np.flatnonzero(mask.any(axis=(1, 2)))
    if slices.size == 0:
        raise CoverageError(f"The liver mask of {source} is empty; give a mask of the liver.")
    return int(slices[0]), int(slices[-1])


@dataclass(frozen=True, eq=False)
class Batch:
    """What one training step sees.

    Args:
        slabs: windowed CT in [0, 1].
        allowed: which of F0 to F4 the reference allows.
        signs: the patients' known signs, or None where a case has none.
        chances: of the stages given the patients' signs, or None where a case has none.
        parts: numbers of body parts, moved as the slabs are, or None where a case has none.
        covariates: of the patients, or None where a case has none.
        rows: which of the whole batch's rows these are.
    """

    slabs: Float[Tensor, "n 1 s h w"]
    allowed: Bool[Tensor, "n 5"]
    signs: Float[Tensor, "n k"] | None
    chances: Float[Tensor, "n 5"] | None
    parts: UInt8[Tensor, "n s h w"] | None
    covariates: Float[Tensor, "n c"] | None
    rows: range


def draw_batch(cases: Sequence[StagingCase], plan: Plan, step: int, rows: range | None = None) -> Batch:
    """The batch of one training step: augmented slabs with stages and, where every case has them, signs and parts.

    Args:
        cases: all training cases.
        plan: slab, grid and training plan; its seed and `step` alone decide what is drawn.
        step: number of the step, from 0.
        rows: which rows of the batch are wanted, None for all; they are what they are in the whole batch.
    """
    rows = range(plan.training.batch) if rows is None else rows
    rng = np.random.default_rng((plan.training.seed, step))
    belonging = memberships([case.stages for case in cases])
    weights = drawing_weights(belonging, plan.training.class_balance)
    drawn = rng.choice(len(cases), size=plan.training.batch, p=weights)
    size = plan.slab.slices
    starts = [random_start(cases[i], size, rng) for i in drawn][rows.start : rows.stop]
    drawn = drawn[rows.start : rows.stop]
    chosen = [cases[i] for i in drawn]
    slabs = np.stack([cut_slab(case.image, start, size) for case, start in zip(chosen, starts, strict=True)])
    parts = [cut_slab(c.parts, start, size) for c, start in zip(chosen, starts, strict=True) if c.parts is not None]
    moved, followed = augment(
        torch.from_numpy(slabs).float().div_(255.0),
        torch.from_numpy(np.stack(parts)) if len(parts) == len(chosen) else None,
        plan.grid,
        plan.training,
        rng,
        rows,
    )
    return Batch(
        moved[:, None],
        torch.from_numpy(belonging[drawn] > 0),
        _stacked([case.signs for case in chosen]),
        _stacked([case.chances for case in chosen]),
        followed,
        _stacked([case.covariates for case in chosen]),
        rows,
    )


def _stacked(known: Sequence[Float[np.ndarray, " k"] | None]) -> Float[Tensor, "n k"] | None:
    """What is known of every case as rows; None where a case has none."""
    rows = [values for values in known if values is not None]
    return torch.from_numpy(np.stack(rows).astype(np.float32)) if len(rows) == len(known) else None


def memberships(stages: Sequence[tuple[int, ...]]) -> Float[np.ndarray, "n 5"]:
    """How much each case counts for each stage: a set counts for all its stages in equal shares."""
    shares = np.zeros((len(stages), len(STAGES)))
    for row, allowed in zip(shares, stages, strict=True):
        row[list(allowed)] = 1.0 / len(allowed)
    return shares


def drawing_weights(belonging: Float[np.ndarray, "n 5"], balance: float) -> Float[np.ndarray, " n"]:
    """Probability of each case to be drawn: inverse frequency of its stage to the power `balance`.

    0 draws as sampled, 1 draws every stage equally often.

    Args:
        belonging: the `memberships` of the cases.
        balance: the exponent.
    """
    counts = belonging.sum(axis=0)
    rarity = np.where(counts > 0, 1.0 / np.where(counts > 0, counts, 1.0), 0.0) ** balance
    weights = belonging @ rarity
    return np.asarray(weights / weights.sum(), dtype=float)


def prior_shift(
    belonging: Float[np.ndarray, "n 5"], balance: float, prior: Sequence[float] = ()
) -> Float[np.ndarray, " 5"]:
    """What the training adds to the scores of the stages, so that drawing rare ones more often shifts no probability.

    The logarithm of how much more often a stage is drawn than `prior` says (Menon et al., logit adjustment, ICLR 2021).

    Args:
        belonging: the `memberships` of the training cases.
        balance: exponent of `drawing_weights`.
        prior: how frequent F0..F4 are where the probabilities shall hold; as among the cases if empty.
    """
    counts = belonging.sum(axis=0)
    present = counts > 0
    drawn = np.where(present, counts, 1.0) ** (1.0 - balance)
    wanted = np.where(present, np.asarray(prior or counts, dtype=float), 1.0)
    shift = np.log(drawn / drawn[present].sum()) - np.log(wanted / wanted[present].sum())
    return np.where(present, shift, 0.0)


def random_start(case: StagingCase, size: int, rng: np.random.Generator) -> int:
    """First slice of a run of `size` slices at a random position inside the liver's range.

    A shorter range is widened by neighbouring slices at a random position that keeps it whole; in a shorter scan the
    run begins before it, at a negative number.
    """
    depth = len(case.image)
    if depth < size:
        return -((size - depth) // 2)
    low, high = sorted((case.liver_first, case.liver_last - size + 1))
    return int(rng.integers(min(max(low, 0), depth - size), min(max(high, 0), depth - size) + 1))


def cut_slab(array: UInt8[np.ndarray, "d h w"], start: int, size: int) -> UInt8[np.ndarray, "s h w"]:
    """`size` slices from `start` on, padded with zeros (air) where the scan is shorter."""
    if start >= 0:
        return array[start : start + size]
    return np.pad(array, ((-start, size + start - len(array)), (0, 0), (0, 0)))


def augment(
    slabs: Float[Tensor, "n s h w"],
    parts: UInt8[Tensor, "n s h w"] | None,
    grid: GridPlan,
    training: TrainingPlan,
    rng: np.random.Generator,
    rows: range,
) -> tuple[Float[Tensor, "n s h w"], UInt8[Tensor, "n s h w"] | None]:
    """Random shift, rotation and scale in the plane, which `parts` follow, then HU offset and noise; a draw per slab.

    There is no left-right flip: on which side liver and spleen lie is anatomy.

    Args:
        slabs: windowed CT in [0, 1].
        parts: numbers of body parts.
        grid: spacing and window.
        training: how large the changes are, and the size of the whole batch, of which all is drawn.
        rng: what is drawn from.
        rows: which of the whole batch's slabs these are.
    """
    batch, size = training.batch, (slabs.shape[-2], slabs.shape[-1])
    placements = _placements(batch, size, grid, training, rng)[rows.start : rows.stop]
    placement = affine_grid(placements, [len(slabs), 1, *size], align_corners=False)
    moved = grid_sample(slabs, placement, padding_mode="zeros", align_corners=False)
    followed = None
    if parts is not None:
        followed = grid_sample(parts.float(), placement, mode="nearest", align_corners=False).to(torch.uint8)
    width = grid.window_hu[1] - grid.window_hu[0]
    offset = rng.uniform(-1, 1, batch).astype(np.float32) * np.float32(training.offset_hu / width)
    sigma = rng.uniform(0, 1, batch).astype(np.float32) * np.float32(training.noise_hu / width)
    # Slab by slab, since one fits into a processor's cache and a batch does not.
    for row in range(rows.stop):
        noise = torch.from_numpy(normal(rng, tuple(slabs.shape[1:]), float(offset[row]), float(sigma[row])))
        if row in rows:
            _disturb(moved[row - rows.start], noise)
    return moved, followed


def _disturb(slab: Float[Tensor, "s h w"], noise: Float[Tensor, "s h w"]) -> None:
    """Add noise to a slab where it is not clipped; `noise` is used up.

    Air, fat at the window's edge and bone are clipped: their true value lies too far outside for offset and noise.
    """
    unclipped = (slab - 0.5).abs_().lt_(0.5 - CLIPPED)
    # By 0 or by 1, which is exact; the choice by a mask of truth values takes torch five times as long.
    slab.lerp_(noise.add_(slab).clamp_(0.0, 1.0), unclipped)


def _placements(
    n: int, size: tuple[int, int], grid: GridPlan, training: TrainingPlan, rng: np.random.Generator
) -> Float[Tensor, "n 2 3"]:
    """Affine matrices for `affine_grid`: rotation in millimetres, never a reflection."""
    angle = np.deg2rad(training.rotation_deg) * rng.uniform(-1, 1, n)
    zoom = np.exp(np.log1p(training.scale) * rng.uniform(-1, 1, n))
    half_mm = np.array([size[1] * grid.spacing_mm[2], size[0] * grid.spacing_mm[1]]) / 2.0  # x, y
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], -1).reshape(n, 2, 2)
    matrix = zoom[:, None, None] * turn * (half_mm[None, None, :] / half_mm[None, :, None])
    shift = training.shift_mm * rng.uniform(-1, 1, (n, 2)) / half_mm
    return torch.from_numpy(np.concatenate([matrix, shift[:, :, None]], axis=2).astype(np.float32))

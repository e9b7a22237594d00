"""From scans to training batches: cases on the network grid, random slabs, augmentation, class balance.

A batch is a pure function of the plan's seed and the step, so that a training that was killed goes on with exactly
the batches that it would have seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from fibrolens.errors import CoverageError
from fibrolens.plan import GridPlan, Plan, TrainingPlan
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
        stage: 0 to 4 for F0 to F4.
        image: windowed CT on the network grid, 0 to 255 for [0, 1]; a quarter of the memory of float32.
        liver_first: first slice that shows liver.
        liver_last: last slice that shows liver (inclusive).
        signs: what is known of the patient beside the stage, each value standardised; simulated patients only.
    """

    scan_id: str
    patient_id: str
    stage: int
    image: UInt8[np.ndarray, "d h w"]
    liver_first: int
    liver_last: int
    signs: Float[np.ndarray, " s"] | None = None


def prepare_case(
    volume: Volume, liver_mask: Volume, plan: GridPlan, *, scan_id: str, patient_id: str, stage: int
) -> StagingCase:
    """Bring a CT and its liver's slice range to the network grid.

    Args:
        volume: CT in Hounsfield units.
        liver_mask: boolean mask of the liver on the CT's grid.
        plan: the network grid.
        scan_id: identifier of the scan.
        patient_id: identifier of the patient.
        stage: 0 to 4 for F0 to F4.

    Raises:
        CoverageError: the mask is empty.
        GeometryError: the mask is not on the CT's grid.
    """
    volume.require_grid(liver_mask)
    way = ToNetworkGrid.fit(volume, plan)
    image = np.round(way.forward(volume).array * 255.0).astype(np.uint8)
    first, last = liver_range(way.forward_labels(liver_mask).array, volume.source)
    return StagingCase(scan_id, patient_id, stage, image, first, last)


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
        stages: 0 to 4 for F0 to F4.
        signs: the patients' known signs, or None where a case has none.
    """

    slabs: Float[Tensor, "n 1 s h w"]
    stages: Int[Tensor, " n"]
    signs: Float[Tensor, "n k"] | None


def draw_batch(cases: Sequence[StagingCase], plan: Plan, step: int) -> Batch:
    """The batch of one training step: augmented slabs with their stages and, where every case has them, signs.

    Args:
        cases: all training cases.
        plan: slab, grid and training plan; its seed and `step` alone decide what is drawn.
        step: number of the step, from 0.
    """
    rng = np.random.default_rng((plan.training.seed, step))
    stages = np.array([case.stage for case in cases])
    chosen = rng.choice(len(cases), size=plan.training.batch, p=drawing_weights(stages, plan.training.class_balance))
    slabs = np.stack([random_slab(cases[i], plan.slab.slices, rng) for i in chosen])
    batch = torch.from_numpy(slabs).float().div_(255.0)
    signs = [case.signs for case in (cases[i] for i in chosen) if case.signs is not None]
    return Batch(
        augment(batch, plan.grid, plan.training, rng)[:, None],
        torch.from_numpy(stages[chosen]),
        torch.from_numpy(np.stack(signs).astype(np.float32)) if len(signs) == len(chosen) else None,
    )


def drawing_weights(stages: Int[np.ndarray, " n"], balance: float) -> Float[np.ndarray, " n"]:
    """Probability of each case to be drawn: inverse frequency of its stage to the power `balance`.

    0 draws as sampled, 1 draws every stage equally often.
    """
    counts = np.bincount(stages)
    weights = (1.0 / counts[stages]) ** balance
    return np.asarray(weights / weights.sum(), dtype=float)


def random_slab(case: StagingCase, size: int, rng: np.random.Generator) -> UInt8[np.ndarray, "s h w"]:
    """`size` consecutive slices at a random position inside the liver's range.

    A shorter range is widened by neighbouring slices at a random position that keeps it whole; a shorter scan is
    padded with air.
    """
    depth = len(case.image)
    if depth < size:
        before = (size - depth) // 2
        return np.pad(case.image, ((before, size - depth - before), (0, 0), (0, 0)))
    low, high = sorted((case.liver_first, case.liver_last - size + 1))
    start = int(rng.integers(min(max(low, 0), depth - size), min(max(high, 0), depth - size) + 1))
    return case.image[start : start + size]


def augment(
    slabs: Float[Tensor, "n s h w"], grid: GridPlan, training: TrainingPlan, rng: np.random.Generator
) -> Float[Tensor, "n s h w"]:
    """Random shift, rotation and scale in the plane, HU offset and noise; one draw per slab.

    There is no left-right flip: on which side liver and spleen lie is anatomy.
    """
    n = len(slabs)
    placement = affine_grid(_placements(n, grid, training, rng), [n, 1, *slabs.shape[-2:]], align_corners=False)
    moved = grid_sample(slabs, placement, padding_mode="zeros", align_corners=False)
    width = grid.window_hu[1] - grid.window_hu[0]
    offset = torch.from_numpy(rng.uniform(-1, 1, (n, 1, 1, 1)).astype(np.float32)) * (training.offset_hu / width)
    sigma = torch.from_numpy(rng.uniform(0, 1, (n, 1, 1, 1)).astype(np.float32)) * (training.noise_hu / width)
    noise = torch.from_numpy(rng.standard_normal(moved.shape, dtype=np.float32))
    changed = (moved + offset + sigma * noise).clamp_(0.0, 1.0)
    # Air, fat at the window's edge and bone are clipped: their true value lies too far outside for offset and noise.
    return torch.where((moved > CLIPPED) & (moved < 1.0 - CLIPPED), changed, moved)


def _placements(n: int, grid: GridPlan, training: TrainingPlan, rng: np.random.Generator) -> Float[Tensor, "n 2 3"]:
    """Affine matrices for `affine_grid`: rotation in millimetres, never a reflection."""
    angle = np.deg2rad(training.rotation_deg) * rng.uniform(-1, 1, n)
    zoom = np.exp(np.log1p(training.scale) * rng.uniform(-1, 1, n))
    half_mm = np.array([grid.in_plane[1] * grid.spacing_mm[2], grid.in_plane[0] * grid.spacing_mm[1]]) / 2.0  # x, y
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], -1).reshape(n, 2, 2)
    matrix = zoom[:, None, None] * turn * (half_mm[None, None, :] / half_mm[None, :, None])
    shift = training.shift_mm * rng.uniform(-1, 1, (n, 2)) / half_mm
    return torch.from_numpy(np.concatenate([matrix, shift[:, :, None]], axis=2).astype(np.float32))

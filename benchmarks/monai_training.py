"""The training step of the staging network as a MONAI user writes it, to be measured against.

A CacheDataset of windowed scans, random cropping along the slices, a random affine move in the plane, brightness and
noise, a DataLoader, a network of ordinary torch layers in their ordinary layout, cross-entropy and AdamW.
"""

from collections.abc import Iterator, Sequence
from math import radians

import numpy as np
import torch
from monai.data import CacheDataset, DataLoader
from monai.transforms import (
    Compose,
    EnsureTyped,
    RandAffined,
    RandGaussianNoised,
    RandShiftIntensityd,
    RandSpatialCropd,
    ScaleIntensityRanged,
)
from torch import Tensor
from torch.nn.functional import cross_entropy

from fibrolens.plan import Plan
from fibrolens.staging.data import StagingCase
from fibrolens.staging.network import LFSNetwork


def batches(cases: Sequence[StagingCase], plan: Plan, workers: int) -> Iterator[dict[str, Tensor]]:
    """One batch after the other; scans come again when all have been seen."""
    scans = [
        {"image": case.image[None, case.liver_first : case.liver_last + 1].astype(np.float32), "stage": case.stage}
        for case in cases
    ]
    data = CacheDataset(scans, transforms(plan), progress=False)
    loader = DataLoader(
        data,
        batch_size=plan.training.batch,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    while True:
        yield from loader


def transforms(plan: Plan) -> Compose:
    """What is kept of each scan, then what is drawn anew."""
    grid, training = plan.grid, plan.training
    width = grid.window_hu[1] - grid.window_hu[0]
    rows, columns = (training.shift_mm / spacing for spacing in grid.spacing_mm[1:])
    slab = (plan.slab.slices, *grid.in_plane)
    return Compose(
        [
            ScaleIntensityRanged("image", 0, 255, 0.0, 1.0, clip=True),
            EnsureTyped("image"),
            RandSpatialCropd("image", slab, random_size=False),
            RandAffined(
                "image",
                prob=1.0,
                spatial_size=slab,
                cache_grid=True,
                rotate_range=(radians(training.rotation_deg), 0.0, 0.0),
                translate_range=(0.0, rows, columns),
                scale_range=(0.0, training.scale, training.scale),
                padding_mode="zeros",
            ),
            RandShiftIntensityd("image", training.offset_hu / width, prob=1.0),
            RandGaussianNoised("image", prob=1.0, std=training.noise_hu / width),
        ]
    )


def step(network: LFSNetwork, optimiser: torch.optim.Optimizer, batch: dict[str, Tensor]) -> float:
    """Learn from a batch."""
    optimiser.zero_grad()
    loss = cross_entropy(network(batch["image"]), batch["stage"])
    loss.backward()
    optimiser.step()
    return loss.item()

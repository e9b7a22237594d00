"""What the two V-Nets see."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from fibrolens.plan import SegmentationPlan


def windowed(
    hu: Float[Tensor, "*n d h w"], windows_hu: Sequence[tuple[float, float]]
) -> Float[Tensor, "*n windows d h w"]:
    """The CT through each window, each scaled to [0, 1]."""
    return torch.stack([((hu - low) / (high - low)).clamp(0, 1) for low, high in windows_hu], dim=-4)


def prior(coarse: Float[Tensor, "n classes d h w"], plan: SegmentationPlan) -> Float[Tensor, "n organs d h w"]:
    """What the fine network is told: the coarse one's probability of each organ that both know, from its scores."""
    return coarse.softmax(1)[:, 1 : len(plan.fine.classes)]


def coarse_size(plan: SegmentationPlan) -> tuple[int, int, int]:
    """Voxels of a training example on the coarse grid."""
    d, h, w = (
        round(n * plan.fine.spacing_mm[axis] / plan.coarse.spacing_mm[axis]) for axis, n in enumerate(plan.canvas)
    )
    return d, h, w

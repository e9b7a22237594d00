"""A ReLU and the max-pooling behind it, with one way back for both: to where a positive maximum was.

The pooling hands a gradient on to one voxel of a window, and the ReLU then takes it away where the maximum is 0. It is
the same to take it away from the windows, of which there are fewer, and to keep none of the voxels for the way back.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fibrolens.staging.network import LFSNetwork

NOWHERE, EVERYWHERE = (0, 0, 0), (1, 1, 1)


class PositivePooling(nn.MaxPool3d):
    """As `nn.MaxPool3d` of what a ReLU made, windows side by side; gradients are those of before the ReLU."""

    def forward(self, x: Float[Tensor, "n c d h w"]) -> Float[Tensor, "n c a b e"]:
        """The maximum of each window."""
        pooled: Tensor = _Pooling.apply(x, self.kernel_size)  # type: ignore[no-untyped-call]
        return pooled


class PassingReLU(nn.ReLU):
    """As `nn.ReLU` in its place; gradients pass, since a `PositivePooling` has done its part."""

    def forward(self, x: Float[Tensor, "n c d h w"]) -> Float[Tensor, "n c d h w"]:
        """What is positive, else 0."""
        positive: Tensor = _ReLU.apply(x)  # type: ignore[no-untyped-call]
        return positive


def learn_by_positives(network: LFSNetwork) -> None:
    """Put both in the places of every ReLU before a pooling and of the pooling."""
    pairs = ((network.conv1, network.pool1), (network.conv2, network.pool2), (network.conv3, network.pool3))
    for convolution, pooling in pairs:
        convolution[-1].__class__ = PassingReLU
        pooling.__class__ = PositivePooling


class _ReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.mark_dirty(x)
        return x.relu_()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0]


class _Pooling(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, size: tuple[int, int, int]) -> Tensor:
        pooled: Tensor
        pooled, places = torch.ops.aten.max_pool3d_with_indices(x, size)
        ctx.save_for_backward(pooled, places)
        ctx.size, ctx.shape = size, x.shape
        return pooled

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        pooled, places = ctx.saved_tensors
        gradient = torch.ops.aten.threshold_backward(gradients[0], pooled, 0)
        # Only its shape and layout are looked at.
        like = torch.empty(ctx.shape, dtype=pooled.dtype, device=pooled.device, memory_format=torch.channels_last_3d)
        found: Tensor = torch.ops.aten.max_pool3d_with_indices_backward(
            gradient, like, ctx.size, ctx.size, NOWHERE, EVERYWHERE, False, places
        )
        return found, None

"""A 3D convolution whose weights' gradient is made of 2D convolutions, which have quicker kernels.

On a processor, torch (oneDNN) has none for the gradient of the weights of a padded 3D convolution: it copies every
neighbourhood and multiplies, which cost more than all other convolutions of a step. In 2D there is one. A 3D kernel is
a pile of 2D ones; the gradient of each is that of a 2D convolution from the slices that it reads to the slices that it
adds to. With channels last, slices of a scan are images of a batch as they lie in memory, so that nothing is copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

LAST = torch.channels_last_3d


class ConvolutionBySlices(nn.Conv3d):
    """As `nn.Conv3d` with zeros around and neither dilation nor groups; the weights' gradient is so to rounding."""

    def forward(self, x: Float[Tensor, "n c d h w"]) -> Float[Tensor, "n o a b e"]:
        """The convolution."""
        convolved: Tensor = _Convolution.apply(  # type: ignore[no-untyped-call]
            x, self.weight, self.bias, self.stride, self.padding
        )
        return convolved


def learn_by_slices(network: nn.Module) -> None:
    """Put `ConvolutionBySlices` in the place of every 3D convolution, with the same weights."""
    for module in network.modules():
        if type(module) is nn.Conv3d:
            # The same parameters, under the same names, in another class.
            module.__class__ = ConvolutionBySlices


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: tuple[int, ...], padding: tuple[int, ...]
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return torch.conv3d(x, weight, bias, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        gradient = gradients[0].contiguous(memory_format=LAST)
        of_x, of_weight, of_bias, *_ = ctx.needs_input_grad
        return (
            _backward(gradient, x, weight, ctx.stride, ctx.padding, 0) if of_x else None,
            weight_gradient(gradient, x, weight, ctx.stride, ctx.padding) if of_weight else None,
            gradient.sum((0, 2, 3, 4)) if of_bias else None,
            None,
            None,
        )


def weight_gradient(
    gradient: Float[Tensor, "n o a b e"],
    x: Float[Tensor, "n c d h w"],
    weight: Float[Tensor, "o c k l m"],
    stride: Sequence[int],
    padding: Sequence[int],
) -> Float[Tensor, "o c k l m"]:
    """The gradient of a convolution's weights.

    Args:
        gradient: of what the convolution gave, quickest with channels last.
        x: what was convolved, likewise.
        weight: the kernels; their sizes alone matter.
        stride: steps of the convolution along each axis.
        padding: zeros on either side of each axis.
    """
    outputs, inputs, taps, *plane = weight.shape
    like = weight.new_empty((outputs, inputs, *plane)).contiguous(memory_format=torch.channels_last)
    found = weight.new_zeros((taps, outputs, inputs, *plane))
    for images, behind in zip(_images(x), _images(gradient), strict=True):
        for tap in range(taps):
            read, added_to = _slices(tap, len(images), len(behind), stride[0], padding[0])
            if added_to.start < added_to.stop:
                found[tap] += _backward(behind[added_to], images[read], like, stride[1:], padding[1:], 1)
    return found.movedim(0, 2)


def _slices(tap: int, depth: int, depth_behind: int, stride: int, padding: int) -> tuple[slice, slice]:
    """Which slices a slice of the kernel reads, and which it adds to; the others meet zeros beside the scan."""
    first = max(0, -((tap - padding) // stride))
    stop = max(first, min(depth_behind, (depth - 1 + padding - tap) // stride + 1))
    begin = first * stride + tap - padding
    return slice(begin, begin + (stop - first) * stride, stride), slice(first, stop)


def _images(scans: Float[Tensor, "n c d h w"]) -> Float[Tensor, "n d c h w"]:
    """The slices of each scan as a batch with channels last."""
    rows = scans.permute(0, 2, 3, 4, 1)
    # A single channel may have any stride, and torch takes another layout unless it is 1.
    return rows.flatten(3).view(rows.shape).permute(0, 1, 4, 2, 3)


def _backward(
    gradient: Tensor, x: Tensor, weight: Tensor, stride: Sequence[int], padding: Sequence[int], wanted: int
) -> Tensor:
    """Of a convolution the gradient of `x` (0) or of `weight` (1)."""
    nothing = [0] * len(stride)
    mask = [wanted == 0, wanted == 1, False]
    found: tuple[Tensor, ...] = torch.ops.aten.convolution_backward(
        gradient, x, weight, None, stride, padding, [1] * len(stride), False, nothing, 1, mask
    )
    return found[wanted]

"""Grad-CAM of the LFS network at its third and last convolution without a pass back through a convolution.

Grad-CAM (Selvaraju et al., ICCV 2017, eq. 1) needs of a layer's gradient only its sum over space, channel by channel.
The gradients of all scores at the pooled cells behind the last convolution come from one small pass back. From there on
only sums are made:

* An average pooling hands a cell's gradient on in equal parts, a max-pooling to one voxel; the sum stays what it is.
* To the sum before a convolution, a tap of its kernel adds its weight times the gradient of every voxel from which it
  reaches into the input. Along an axis, neighbours that the same taps reach from, and that the same cells pool, are
  alike: it is enough to count how many of them the ReLU let pass.

Five stages at the third convolution then cost hardly more than the forward pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool1d, one_hot, pad

from fibrolens.errors import ExplanationError
from fibrolens.explain.passes import LocationMaps, evaluating, score_of
from fibrolens.explain.targets import Target

if TYPE_CHECKING:
    from fibrolens.staging.network import LFSNetwork

#: The layers that it knows.
THIRD, LAST = "conv3", "conv4"


def grad_cam_by_adjoint(
    network: LFSNetwork, x: Float[Tensor, "n 1 d h w"], targets: Sequence[Target], layers: Sequence[str]
) -> LocationMaps:
    """As `explain.cam.cam_maps` with Grad-CAM, to rounding; the network is handed back as it was.

    Args:
        network: the LFS network.
        x: slabs.
        targets: stages by their number, or functions of the logits.
        layers: ``conv3``, ``conv4`` or both.

    Raises:
        ExplanationError: a target is not an output, or its score does not depend on the network.
    """
    with torch.inference_mode(False), torch.no_grad(), evaluating(network):
        slabs = x.clone() if x.is_inference() else x
        third = network.conv3(network.pool2(network.conv2(network.pool1(network.conv1(slabs)))))
        last = network.conv4(network.pool3(third))
        logits, at_cells = _at_cells(network, last, targets)
        found = {}
        for layer in layers:
            if layer == LAST:
                activation, sums = last, at_cells.sum(dim=(3, 4, 5))
            else:
                # Little work, in which products in bfloat16 would round counts of voxels.
                with torch.autocast(x.device.type, enabled=False):
                    activation, sums = third, _sums_at_third(network, last, at_cells)
            weights = sums / activation[0, 0].numel()
            found[layer] = torch.relu(torch.einsum("tnc,nc...->tn...", weights, activation))
    return LocationMaps(logits, found, tuple(x.shape[2:]))


def _at_cells(
    network: LFSNetwork, last: Float[Tensor, "n o d h w"], targets: Sequence[Target]
) -> tuple[Float[Tensor, "n k"], Float[Tensor, "t n o a b e"]]:
    """The logits, and the gradient of each target's score at the pooled cells, from one pass back for all of them."""
    pooled = network.pool(last)
    # A copy for each target, so that one pass back keeps their gradients apart.
    cells = pooled.expand(len(targets), *pooled.shape).clone().requires_grad_()
    with torch.enable_grad():
        rows = network.scores(network.dropout(network.hidden(cells.flatten(0, 1))))
        logits = rows.view(len(targets), len(pooled), -1)
        scores = [score_of(own, target).sum() for own, target in zip(logits, targets, strict=True)]
    if not all(score.requires_grad for score in scores):
        raise ExplanationError("A target's score does not depend on the network; choose another target.")
    return logits[0].detach(), torch.autograd.grad(scores, cells)[0]


def _sums_at_third(
    network: LFSNetwork, last: Float[Tensor, "n o d h w"], at_cells: Float[Tensor, "t n o a b e"]
) -> Float[Tensor, "t n c"]:
    """The sum over space of the gradient at the third convolution, by that at the pooled cells."""
    convolution, norm, _ = network.conv4
    weight = cast(nn.Conv3d, convolution).weight
    grid = zip(last.shape[2:], weight.shape[2:], at_cells.shape[3:], strict=True)
    axes = [_Axis.of(*sizes, like=weight) for sizes in grid]
    members, shares, taps = zip(*((axis.members, axis.shares, axis.taps) for axis in axes), strict=True)
    slope = scale_of(cast(nn.BatchNorm3d, norm))[:, None, None, None]
    passing = torch.einsum("nodhw,wz,hy,dx->noxyz", (last > 0).to(weight.dtype), *reversed(members)) * slope
    gradient = torch.einsum("tnoabe,ez,by,ax->tnoxyz", at_cells.to(weight.dtype), *reversed(shares)) * passing
    by_tap = torch.einsum("tnoxyz,kz,jy,ix->tnoijk", gradient, *reversed(taps))
    return torch.einsum("tnoijk,ocijk->tnc", by_tap, weight)


def scale_of(norm: nn.BatchNorm3d) -> Float[Tensor, " o"]:
    """What a batch normalisation multiplies by in evaluation mode."""
    return norm.weight * (cast(Tensor, norm.running_var) + norm.eps).rsqrt()


@dataclass(frozen=True, eq=False)
class _Axis:
    """Kinds of voxels along an axis, those that are alike behind each other.

    Args:
        members: 1 where a voxel is of a kind.
        shares: which part of a cell's mean is a voxel of a kind.
        taps: 1 where a tap of the kernel reaches from voxels of a kind into the input.
    """

    members: Float[Tensor, "voxels kinds"]
    shares: Float[Tensor, "cells kinds"]
    taps: Float[Tensor, "kernel kinds"]

    @classmethod
    def of(cls, voxels: int, kernel: int, cells: int, like: Tensor) -> _Axis:
        """Those of an axis; `like` has the numbers' type and device."""
        reached = torch.arange(voxels) + torch.arange(kernel)[:, None] - kernel // 2
        inside = ((reached >= 0) & (reached < voxels)).double()
        shares = adaptive_avg_pool1d(torch.eye(voxels, dtype=torch.double), cells).T
        both = torch.cat([shares, inside])
        begins = pad((both[:, 1:] != both[:, :-1]).any(dim=0), (1, 0), value=True)
        made = (one_hot(begins.cumsum(0) - 1), both[:cells, begins], both[cells:, begins])
        members, shares, taps = (part.to(like) for part in made)
        return cls(members, shares, taps)

"""Grad-CAM of the LFS network at its third and last convolution without a pass back through a convolution.

Grad-CAM (Selvaraju et al., ICCV 2017, eq. 1) needs of a layer's gradient only its sum over space, channel by channel.
Behind the last convolution there are two small dense layers, so that the gradient there is cheap. Before it:

* A max-pooling hands each cell's gradient to one voxel; the sums over space stay what they are.
* Of a convolution's transpose only the sum over space is wanted. To that sum a cell of the output contributes by the
  taps of the kernel that lie inside the input, which are all of them unless the cell is near an edge. Cells that are
  alike may be added up first: what is left of any grid is one of the kernel's size, and the transpose runs on that.

Five stages at the third convolution then cost hardly more than the forward pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv_transpose3d

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
        ExplanationError: a target is not an output.
    """
    with torch.inference_mode(False), torch.no_grad(), evaluating(network):
        slabs = x.clone() if x.is_inference() else x
        third = network.conv3(network.pool2(network.conv2(network.pool1(network.conv1(slabs)))))
        convolution, *rest = network.conv4
        sums = convolution(network.pool3(third)).requires_grad_()
        with torch.enable_grad():
            # The layers behind write over their input.
            last = nn.Sequential(*rest)(sums.clone())
            logits = network.scores(network.dropout(network.connected(last.clone())))
            gradients = [_gradients(score_of(logits, target).sum(), (sums, last)) for target in targets]
        found = {}
        for layer in layers:
            if layer == LAST:
                activation, weights = last, [at_last.mean(dim=(2, 3, 4)) for _, at_last in gradients]
            else:
                weights = [sums_before(cast(nn.Conv3d, convolution), at_sums) for at_sums, _ in gradients]
                activation, weights = third, [weight / third[0, 0].numel() for weight in weights]
            found[layer] = torch.relu(torch.einsum("tnc,nc...->tn...", torch.stack(weights), activation.detach()))
    return LocationMaps(logits.detach(), found, tuple(x.shape[2:]))


def _gradients(score: Tensor, at: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    at_sums, at_last = torch.autograd.grad(score, at, retain_graph=True)
    return at_sums, at_last


def sums_before(convolution: nn.Conv3d, gradient: Float[Tensor, "n o d h w"]) -> Float[Tensor, "n c"]:
    """The sum over space of the gradient before a convolution that keeps the size, by the gradient behind it."""
    for axis, kernel in enumerate(convolution.kernel_size, start=2):
        gradient = _alike(gradient, axis, kernel)
    padding = tuple(kernel // 2 for kernel in convolution.kernel_size)
    return conv_transpose3d(gradient, convolution.weight, padding=padding).sum(dim=(2, 3, 4))


def _alike(values: Tensor, axis: int, kernel: int) -> Tensor:
    """Cells of an axis that see the whole kernel added up into one; those nearer to the ends stay."""
    size, edge = values.shape[axis], kernel // 2
    if size <= kernel:
        return values
    inner = values.narrow(axis, edge, size - 2 * edge).sum(dim=axis, keepdim=True)
    return torch.cat([values.narrow(axis, 0, edge), inner, values.narrow(axis, size - edge, edge)], dim=axis)

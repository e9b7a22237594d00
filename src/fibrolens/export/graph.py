"""The LFS network as one graph that also makes the location maps, for runtimes that cannot differentiate.

Grad-CAM (Selvaraju et al., ICCV 2017, eq. 1) needs the derivative of each stage's score by the activations of a layer.
Behind the last convolution there are an average pooling, a dense layer, perhaps a layer normalisation, a ReLU and a
dense layer, and each has a derivative in closed form, so that the maps are ordinary outputs of the forward pass. From
the last convolution to the third lead a few cells of its transpose (`_sums_before`). `staging.adjoint` makes the same
maps for any target, by differentiation of the dense layers and another sum; one is tested by the other.
"""

from __future__ import annotations

from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv_transpose3d

from fibrolens.plan import STAGES
from fibrolens.staging.adjoint import scale_of
from fibrolens.staging.network import LFSNetwork

#: What comes out, in this order.
OUTPUTS = ("logits", "probabilities", "features", "map_conv3", "map_conv4")


class StagingGraph(nn.Module):
    """Scores, probabilities, features, and raw Grad-CAM of F0 to F4 at the third and the last convolution.

    Args:
        network: in evaluation mode, of the image alone, with the head of the softmax.
        shape: slices, rows and columns of the slabs that go in.
    """

    def __init__(self, network: LFSNetwork, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.network = network
        with torch.no_grad():
            cells = network.convolved(torch.zeros(1, 1, *shape))
        self.pooled = cast(tuple[int, int, int], network.pool.output_size)
        sizes = zip(cells.shape[2:], self.pooled, strict=True)
        self.over_slices, self.over_rows, self.over_columns = (nn.Buffer(averages(old, new)) for old, new in sizes)

    def forward(self, slabs: Float[Tensor, "n 1 d h w"]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """The outputs named in `OUTPUTS`: ``n 5``, ``n 5``, ``n f``, and ``n 5 *space`` of each layer's own grid.

        Args:
            slabs: windowed CT in [0, 1].
        """
        network = self.network
        third = network.conv3(network.pool2(network.conv2(network.pool1(network.conv1(slabs)))))
        last = network.conv4(network.pool3(third))
        axes = (self.over_slices, self.over_rows, self.over_columns)
        dense, norm, rectify = _layers(network.hidden)
        summed = dense(torch.einsum("ncabe,ia,jb,ke->ncijk", last, *axes).flatten(1))
        features = rectify(summed if norm is None else norm(summed))
        head = cast(nn.Linear, network.head)
        logits = head(features)
        gradient = head.weight * (features > 0)[:, None].to(features.dtype)
        if norm is not None:
            gradient = _before_norm(gradient, summed, norm)
        pooled = (gradient @ dense.weight).reshape(-1, len(STAGES), last.shape[1], *self.pooled)
        at_last = torch.einsum("ntcijk,ia,jb,ke->ntcabe", pooled, *axes)
        map_third = _map(third, _sums_at_third(network, at_last, last))
        return logits, torch.softmax(logits, dim=1), features, map_third, _map(last, pooled.sum((3, 4, 5)))


def _layers(hidden: nn.Sequential) -> tuple[nn.Linear, nn.LayerNorm | None, nn.ReLU]:
    """The parts of the first fully connected layer behind the flattening."""
    _, dense, *norm, rectify = hidden
    return cast(nn.Linear, dense), cast(nn.LayerNorm, norm[0]) if norm else None, cast(nn.ReLU, rectify)


def _sums_at_third(
    network: LFSNetwork, at_last: Float[Tensor, "n 5 o a b e"], last: Float[Tensor, "n o a b e"]
) -> Float[Tensor, "n 5 c"]:
    """Sum over space of the gradient at the third convolution, by that at the last one."""
    convolution, norm, _ = network.conv4
    slope = scale_of(cast(nn.BatchNorm3d, norm))[:, None, None, None]
    gradient = at_last * ((last > 0).to(last.dtype) * slope)[:, None]
    sums = _sums_before(cast(nn.Conv3d, convolution), gradient.flatten(0, 1))
    return sums.reshape(-1, len(STAGES), sums.shape[1])


def _sums_before(convolution: nn.Conv3d, gradient: Float[Tensor, "n o d h w"]) -> Float[Tensor, "n c"]:
    """The sum over space of the gradient before a convolution that keeps the size, by the gradient behind it.

    A cell of the output contributes by the taps of the kernel that lie inside the input, which are all of them unless
    it is near an edge. Cells that are alike may be added up first: what is left of any grid is one of the kernel's
    size, and the transpose runs on that.
    """
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


def _map(activation: Float[Tensor, "n c a b e"], gradient_sums: Float[Tensor, "n 5 c"]) -> Float[Tensor, "n 5 a b e"]:
    weights = gradient_sums / activation[0, 0].numel()
    return torch.relu(torch.einsum("ntc,ncabe->ntabe", weights, activation))


def averages(old: int, new: int) -> Float[Tensor, "new old"]:
    """What adaptive average pooling does along one axis, as a matrix."""
    matrix = torch.zeros(new, old)
    for cell in range(new):
        first, last = cell * old // new, -(-(cell + 1) * old // new)
        matrix[cell, first:last] = 1.0 / (last - first)
    return matrix


def _before_norm(
    gradient: Float[Tensor, "n 5 f"], before: Float[Tensor, "n f"], norm: nn.LayerNorm
) -> Float[Tensor, "n 5 f"]:
    """The gradient before a layer normalisation, by that behind it (Ba et al., arXiv 1607.06450)."""
    centred = before - before.mean(dim=1, keepdim=True)
    scale = (centred.square().mean(dim=1, keepdim=True) + norm.eps).rsqrt()[:, None]
    unit = centred[:, None] * scale
    inside = gradient * norm.weight
    return scale * (inside - inside.mean(dim=2, keepdim=True) - unit * (inside * unit).mean(dim=2, keepdim=True))

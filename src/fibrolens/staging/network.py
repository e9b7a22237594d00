"""The liver fibrosis staging (LFS) network of Yin et al. (Eur Radiol 2021;31:9620-9627).

Four convolutional layers, three max-poolings, two fully connected layers, softmax over F0..F4. What the paper leaves
open (channels, normalisation, pooling before the fully connected layers) is declared in the plan or said here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from fibrolens.explain.passes import LocationMaps
from fibrolens.explain.targets import Target
from fibrolens.plan import NetworkPlan
from fibrolens.staging.adjoint import LAST, THIRD, grad_cam_by_adjoint
from fibrolens.staging.heads import new_head

#: Layers for location maps, in the order of the data.
LAYERS = ("conv1", "conv2", "conv3", "conv4")


class LFSNetwork(nn.Module):
    """The LFS network; ``conv1`` to ``conv4`` give activations after the ReLU and before the pooling.

    Those are the feature maps that Grad-CAM weighs at the third and the final convolutional layer. An explanation may
    put a larger batch in the place of one of them, so that the batch of the output is not always that of the input.

    Args:
        plan: channels, kernel, poolings, and sizes of the fully connected layers; `plan.stride` steps the first
            convolution, which is half the cost of the network where it visits every voxel.
    """

    def __init__(self, plan: NetworkPlan) -> None:
        super().__init__()
        self.stride = plan.stride
        first, second, third, fourth = plan.channels
        everywhere = plan.normalise == "all"
        self.conv1 = _convolution(1, first, plan.kernel, plan.stride, normalise=everywhere)
        self.conv2 = _convolution(first, second, plan.kernel)
        self.conv3 = _convolution(second, third, plan.kernel)
        self.conv4 = _convolution(third, fourth, plan.kernel)
        self.pool1, self.pool2, self.pool3 = (nn.MaxPool3d(size) for size in plan.pools)
        self.pool = nn.AdaptiveAvgPool3d(plan.pooled)
        cells = plan.pooled[0] * plan.pooled[1] * plan.pooled[2]
        # Without it all units can fall silent in the first steps, and then stay so.
        norm = [nn.LayerNorm(plan.hidden)] if everywhere else []
        self.hidden = nn.Sequential(nn.Flatten(), nn.Linear(fourth * cells, plan.hidden), *norm, nn.ReLU())
        self.dropout = nn.Dropout(plan.dropout)
        self.covariates = len(plan.covariates)
        self.head = new_head(plan.head, plan.hidden + self.covariates)

    def convolved(self, x: Float[Tensor, "n 1 d h w"]) -> Float[Tensor, "_ c a b e"]:
        """Activations of the last convolution, a cell per place of the slab.

        Args:
            x: slabs of windowed CT in [0, 1].
        """
        x = self.pool1(self.conv1(x))
        x = self.pool2(self.conv2(x))
        x = self.pool3(self.conv3(x))
        cells: Tensor = self.conv4(x)
        return cells

    def connected(self, cells: Float[Tensor, "n c a b e"]) -> Float[Tensor, "n hidden"]:
        """Activations of the first fully connected layer, from which the stage is read, by those of `convolved`."""
        hidden: Tensor = self.hidden(self.pool(cells))
        return hidden

    def features(self, x: Float[Tensor, "n 1 d h w"]) -> Float[Tensor, "_ hidden"]:
        """Activations of the first fully connected layer.

        Args:
            x: slabs of windowed CT in [0, 1].
        """
        return self.connected(self.convolved(x))

    def scores(
        self, features: Float[Tensor, "n hidden"], covariates: Float[Tensor, "n c"] | None = None
    ) -> Float[Tensor, "n 5"]:
        """Scores of the stages F0..F4 before the softmax (logits).

        Args:
            features: of the first fully connected layer.
            covariates: what is known of each patient, standardised; None is the average patient.
        """
        logits: Tensor = self.head(self.with_covariates(features, covariates))
        return logits

    def with_covariates(
        self, features: Float[Tensor, "n hidden"], covariates: Float[Tensor, "n c"] | None
    ) -> Float[Tensor, "n known"]:
        """What the last layer sees."""
        if covariates is None:
            covariates = features.new_zeros((len(features), self.covariates))
        return torch.cat([features, covariates], dim=1)

    #: Where `grad_cam` knows the way.
    quick_layers = (THIRD, LAST)

    def grad_cam(self, x: Float[Tensor, "n 1 d h w"], targets: Sequence[Target], layers: Sequence[str]) -> LocationMaps:
        """Grad-CAM at some of `quick_layers`; see `adjoint`."""
        return grad_cam_by_adjoint(self, x, targets, layers)

    def forward(self, x: Float[Tensor, "n 1 d h w"]) -> Float[Tensor, "_ 5"]:
        """Scores of the stages F0..F4 before the softmax (logits), of an average patient.

        Args:
            x: slabs of windowed CT in [0, 1].
        """
        return self.scores(self.dropout(self.features(x)))


def new_network(plan: NetworkPlan, seed: int) -> LFSNetwork:
    """A network with random weights that depend on `seed` alone; torch's global generator is left as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return LFSNetwork(plan)


def cell_of(plan: NetworkPlan, layer: str) -> tuple[int, int, int]:
    """How many voxels of the input a voxel of a layer's map covers along each axis.

    Args:
        plan: of the network.
        layer: one of `LAYERS`; of anything else, such as the input itself, a voxel is a voxel.
    """
    if layer not in LAYERS:
        return (1, 1, 1)
    steps = np.array([plan.stride, *plan.pools[: LAYERS.index(layer)]])
    slices, rows, columns = (int(n) for n in steps.prod(axis=0))
    return slices, rows, columns


def fast(network: LFSNetwork) -> LFSNetwork:
    """The same network with its kernels in the layout in which 3D convolutions on a CPU are quickest."""
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim == 5:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last_3d)
    return network


def channels_last(slabs: Float[Tensor, "n 1 d h w"]) -> Float[Tensor, "n 1 d h w"]:
    """The same slabs in that layout, in which all that a `fast` network makes of them then is.

    The step over a single channel may be any number. torch asks for 1 and leaves another as it is; then the first
    convolution and what follows it, the largest arrays of all, lie channel by channel and are copied on the way back.
    """
    return slabs[:, 0, ..., None].contiguous().movedim(-1, 1)


def _convolution(
    inputs: int,
    outputs: int,
    kernel: tuple[int, int, int],
    stride: tuple[int, int, int] = (1, 1, 1),
    normalise: bool = True,
) -> nn.Sequential:
    """Convolution that keeps the size but for its stride, batch normalisation (then the bias is redundant), ReLU."""
    padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    layers: list[nn.Module] = [nn.Conv3d(inputs, outputs, kernel, stride, padding, bias=not normalise)]
    if normalise:
        layers.append(nn.BatchNorm3d(outputs))
    layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)

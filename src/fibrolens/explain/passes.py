"""What every explanation of a network shares: its scores, its evaluation mode, and maps on the input's grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate

from fibrolens.errors import ExplanationError
from fibrolens.explain.targets import Target

#: Linear interpolation by the number of spatial axes, as torch names it.
INTERPOLATION = {1: "linear", 2: "bilinear", 3: "trilinear"}

#: Up to this many cells along each axis, a processor enlarges quicker by products of matrices than torch interpolates.
SMALL = 64


@dataclass(frozen=True, eq=False)
class LocationMaps:
    """Location maps of one batch.

    Args:
        logits: the network's output ``n k`` before the softmax, from the same pass.
        raw: per layer, the unscaled map at the layer's own resolution, ``t n *feature``: target, input, space.
        size: spatial size of the input.
    """

    logits: Float[Tensor, "n k"]
    raw: Mapping[str, Tensor]
    size: tuple[int, ...]

    @property
    def maps(self) -> Mapping[str, Tensor]:
        """Per layer, the unscaled map on the input's grid, ``t n *space``; interpolated when it is asked for."""
        return _Upsampled(self.raw, self.size)


@dataclass(frozen=True, eq=False)
class _Upsampled(Mapping[str, Tensor]):
    """Maps on the input's grid, made one layer at a time: five stages of a whole scan are large."""

    raw: Mapping[str, Tensor]
    size: tuple[int, ...]

    def __getitem__(self, layer: str) -> Tensor:
        return upsample(self.raw[layer], self.size)

    def __iter__(self) -> Iterator[str]:
        return iter(self.raw)

    def __len__(self) -> int:
        return len(self.raw)


def upsample(raw: Float[Tensor, "t n *feature"], size: tuple[int, ...]) -> Float[Tensor, "t n *space"]:
    """Linear interpolation of maps to the input's size, both grids filling the same extent.

    This is exact for strides that divide the input's size, as poolings after same-size convolutions do. On a processor,
    small maps are enlarged axis by axis, the last one first, by matrices that torch's own interpolation gives.
    """
    if raw.device.type != "cpu" or max(raw.shape[2:]) > SMALL:
        return interpolate(raw, size=size, mode=INTERPOLATION[len(size)], align_corners=False)
    *others, (last, length) = enumerate(size, start=2)
    found = raw if raw.shape[last] == length else raw @ _weights(raw, last, length)
    for axis, voxels in reversed(others):
        if raw.shape[axis] != voxels:
            behind = found.shape[axis + 1 :]
            mixed = _weights(raw, axis, voxels).T @ found.flatten(axis + 1)
            found = mixed.view(*found.shape[:axis], voxels, *behind)
    return found


def _weights(raw: Tensor, axis: int, voxels: int) -> Float[Tensor, "cells voxels"]:
    """How much each cell along an axis adds to each voxel."""
    one_each = torch.eye(raw.shape[axis], dtype=raw.dtype, device=raw.device)
    return interpolate(one_each[None], size=voxels, mode="linear", align_corners=False)[0]


def score_of(logits: Float[Tensor, "n k"], target: Target) -> Float[Tensor, " n"]:
    """The target's score of each input.

    Inputs do not mix in evaluation mode, so that the sum over a batch keeps each one's gradient.

    Raises:
        ExplanationError: the target is not an output, or gives something else than a number per input.
    """
    if not callable(target):
        if not 0 <= target < logits.shape[1]:
            raise ExplanationError(f"Target {target} is not an output of the network; it has {logits.shape[1]}.")
        return logits[:, target]
    scores = target(logits)
    if scores.shape != logits.shape[:1]:
        raise ExplanationError(f"A target gives a score per input; this one gives the shape {tuple(scores.shape)}.")
    return scores


def as_logits(output: object) -> Float[Tensor, "n k"]:
    """A network's output as ``n k``; the one number ``n`` of a regressor is one output.

    Raises:
        ExplanationError: it is neither.
    """
    if isinstance(output, Tensor) and output.dim() in (1, 2):
        return output[:, None] if output.dim() == 1 else output
    given = f"a tensor of shape {tuple(output.shape)}" if isinstance(output, Tensor) else f"a {type(output).__name__}"
    raise ExplanationError(f"The network gives {given}, not scores ``n k``; wrap it in explain.adapters.Scores.")


def names_of(model: nn.Module) -> str:
    """The network's layers, for messages."""
    return ", ".join(name for name, _ in model.named_modules() if name)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode within the block; afterwards every submodule's own train flag again."""
    flags = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in flags:
            module.training = training


def modules_of(model: nn.Module, layers: Sequence[str]) -> dict[str, nn.Module]:
    """The modules of `layers` by name.

    Raises:
        ExplanationError: a layer does not exist.
    """
    modules = dict(model.named_modules())
    for layer in layers:
        if layer not in modules:
            raise ExplanationError(f"The network has no layer {layer!r}; it has {names_of(model)}.")
    return {layer: modules[layer] for layer in layers}

"""Grad-CAM location maps of any spatial rank, for several outputs and layers from one forward pass.

Selvaraju et al., ICCV 2017, eq. 1 and 2: a feature channel's weight is the spatial mean of the score's gradient, the
map is the rectified weighted sum of the channels. The score is the network's output before the softmax.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate

from fibrolens.errors import ExplanationError

#: What is explained: the index of an output, or a function of the logits ``n k`` that gives one score per input.
Target = int | Callable[[Tensor], Tensor]

#: Linear interpolation by the number of spatial axes, as torch names it.
INTERPOLATION = {1: "linear", 2: "bilinear", 3: "trilinear"}


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

    This is exact for strides that divide the input's size, as poolings after same-size convolutions do.
    """
    return interpolate(raw, size=size, mode=INTERPOLATION[len(size)], align_corners=False)


def location_maps(
    model: nn.Module, x: Float[Tensor, "n c *space"], targets: Sequence[Target], layers: Sequence[str]
) -> LocationMaps:
    """Grad-CAM of each of `targets` at each of `layers`, from one forward pass in evaluation mode.

    Only the part of the network behind the earliest of `layers` is recorded and differentiated. The parameters'
    ``.grad``, the train flags and the hooks of the model are left as they were found, also after an error.

    Args:
        model: takes `x` to logits ``n k``, not probabilities; parameters may be frozen.
        x: a batch with one to three spatial axes.
        targets: outputs to explain: an index, or a function of the logits that gives ``n`` scores.
        layers: names of modules as in ``model.named_modules()`` whose output is ``n channels *feature``.

    Raises:
        ExplanationError: a layer does not exist, does not give one tensor with spatial axes in one pass, or a target's
            score does not depend on it; or a target is not an output.
    """
    modules = dict(model.named_modules())
    for layer in layers:
        if layer not in modules:
            raise ExplanationError(f"The network has no layer {layer!r}; it has {_names(model)}.")
    # Inside, gradients are off until the earliest layer's hook turns them on; both modes end with the block.
    with torch.inference_mode(False), torch.no_grad(), _evaluating(model):
        recorded = _Recorded(_names(model))
        with ExitStack() as hooks:
            for layer in layers:
                hooks.callback(modules[layer].register_forward_hook(recorded.hook(layer)).remove)
            logits = model(x.clone() if x.is_inference() else x)
        raw = recorded.explain(logits, targets, layers)
    return LocationMaps(logits.detach(), raw, tuple(x.shape[2:]))


@dataclass
class _Recorded:
    """The outputs of the layers in one forward pass; `names` lists the network's layers for messages."""

    names: str
    activations: dict[str, Tensor] = field(default_factory=dict)

    def hook(self, layer: str) -> Callable[[nn.Module, object, object], Tensor]:
        """A forward hook that keeps the output of `layer` and, at the earliest layer, starts to record gradients."""

        def keep(_module: nn.Module, _inputs: object, output: object) -> Tensor:
            if layer in self.activations:
                raise ExplanationError(
                    f"The layer {layer!r} runs more than once in a pass; choose one of {self.names}."
                )
            if not isinstance(output, Tensor) or output.dim() - 2 not in INTERPOLATION:
                raise ExplanationError(f"The layer {layer!r} gives no feature map; choose one of {self.names}.")
            torch.set_grad_enabled(True)
            activation = output if output.requires_grad else output.detach().requires_grad_()
            self.activations[layer] = activation
            # A copy goes on, so that an in-place ReLU behind the layer does not overwrite what was kept.
            return activation.clone()

        return keep

    def explain(self, logits: Tensor, targets: Sequence[Target], layers: Sequence[str]) -> dict[str, Tensor]:
        """The map of every target at every layer, ``t n *feature``."""
        missing = [layer for layer in layers if layer not in self.activations]
        if missing:
            raise ExplanationError(f"The layer {missing[0]!r} takes no part in the pass; choose one of {self.names}.")
        with torch.enable_grad():
            scores = [_score(logits, target) for target in targets]
        maps = [self._maps_of(score, layers) for score in scores]
        return {layer: torch.stack([of_target[layer] for of_target in maps]) for layer in layers}

    def _maps_of(self, score: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        activations = [self.activations[layer] for layer in layers]
        gradients: Sequence[Tensor | None] = [None] * len(layers)
        if score.requires_grad:
            gradients = torch.autograd.grad(score, activations, retain_graph=True, allow_unused=True)
        maps = {}
        for layer, activation, gradient in zip(layers, activations, gradients, strict=True):
            if gradient is None:
                raise ExplanationError(
                    f"The score does not depend on the layer {layer!r} (disconnected); choose one of {self.names}."
                )
            maps[layer] = _grad_cam(activation.detach(), gradient)
        return maps


def _grad_cam(
    activation: Float[Tensor, "n channels *feature"], gradient: Float[Tensor, "n channels *feature"]
) -> Float[Tensor, "n ..."]:
    weights = gradient.mean(dim=tuple(range(2, gradient.dim())), keepdim=True)
    return torch.relu((weights * activation).sum(dim=1))


def _score(logits: Tensor, target: Target) -> Tensor:
    """Sum over the batch of the target's scores; inputs do not mix in evaluation mode, so each keeps its gradient."""
    if callable(target):
        return target(logits).sum()
    if not 0 <= target < logits.shape[1]:
        raise ExplanationError(f"Target {target} is not an output of the network; it has {logits.shape[1]}.")
    return logits[:, target].sum()


def _names(model: nn.Module) -> str:
    return ", ".join(name for name, _ in model.named_modules() if name)


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode within the block; afterwards every submodule's own train flag again."""
    flags = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in flags:
            module.training = training

"""Location maps of any network's layers, of any spatial rank, for several scores and layers from one forward pass.

The score is the network's output before the softmax, or a function of it (`targets`). `methods` turn a layer's
activations and the score's gradient into a map; Grad-CAM is the paper's.
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
from fibrolens.explain.methods import METHODS, Method
from fibrolens.explain.targets import Target

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
    model: nn.Module,
    x: Float[Tensor, "n c *space"],
    targets: Sequence[Target],
    layers: Sequence[str],
    method: str | Method = "gradcam",
) -> LocationMaps:
    """Maps of each of `targets` at each of `layers`, from one forward pass in evaluation mode.

    Only the part of the network behind the earliest of `layers` is recorded and differentiated. The parameters'
    ``.grad``, the train flags and the hooks of the model are left as they were found, also after an error.

    Args:
        model: takes `x` to logits ``n k``, not probabilities, or to one number ``n`` (a regressor); parameters may be
            frozen. `adapters.Scores` makes such a model of one that returns something else.
        x: a batch with one to three spatial axes.
        targets: outputs to explain: an index, or a function of the logits ``n k`` that gives ``n`` scores.
        layers: names of modules as in ``model.named_modules()`` whose output is ``n channels *feature``.
        method: a name of `methods.METHODS`, or a function of a layer's activations and gradients.

    Raises:
        ExplanationError: a layer does not exist, does not give one tensor with spatial axes in one pass, or a target's
            score does not depend on it; a target is not an output, or there is no such method.
    """
    rule = METHODS.get(method) if isinstance(method, str) else method
    if rule is None:
        raise ExplanationError(f"There is no method {method!r}; choose one of {', '.join(METHODS)}.")
    modules = dict(model.named_modules())
    for layer in layers:
        if layer not in modules:
            raise ExplanationError(f"The network has no layer {layer!r}; it has {_names(model)}.")
    # Inside, gradients are off until the earliest layer's hook turns them on; both modes end with the block.
    with torch.inference_mode(False), torch.no_grad(), evaluating(model):
        recorded = _Recorded(_names(model), rule)
        with ExitStack() as hooks:
            for layer in layers:
                hooks.callback(modules[layer].register_forward_hook(recorded.hook(layer)).remove)
            logits = as_logits(model(x.clone() if x.is_inference() else x))
        raw = recorded.explain(logits, targets, layers)
    return LocationMaps(logits.detach(), raw, tuple(x.shape[2:]))


@dataclass
class _Recorded:
    """The outputs of the layers in one forward pass; `names` lists the network's layers for messages."""

    names: str
    method: Method
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
            scores = [score_of(logits, target).sum() for target in targets]
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
            maps[layer] = self.method(activation.detach(), gradient)
        return maps


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


def _names(model: nn.Module) -> str:
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

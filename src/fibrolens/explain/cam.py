"""Class activation maps of any network's layers, of any spatial rank, for several scores and layers from one pass.

The score is the network's output before the softmax, or a function of it (`targets`). `methods` turn a layer's
activations and the score's gradient into a map; Grad-CAM is the paper's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fibrolens.errors import ExplanationError
from fibrolens.explain.methods import Method, grad_cam
from fibrolens.explain.passes import (
    INTERPOLATION,
    LocationMaps,
    as_logits,
    evaluating,
    modules_of,
    names_of,
    score_of,
)
from fibrolens.explain.targets import Target


def cam_maps(
    model: nn.Module,
    x: Float[Tensor, "n c *space"],
    targets: Sequence[Target],
    layers: Sequence[str],
    method: Method = grad_cam,
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
        method: from a layer's activations and gradients to its map.

    Raises:
        ExplanationError: a layer does not exist, does not give one tensor with spatial axes in one pass, or a target's
            score does not depend on it; or a target is not an output.
    """
    modules = modules_of(model, layers)
    # Inside, gradients are off until the earliest layer's hook turns them on; both modes end with the block.
    with torch.inference_mode(False), torch.no_grad(), evaluating(model):
        recorded = _Recorded(names_of(model), method)
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

"""Location maps by the name of their method: the public way to explain any torch model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor, nn

from fibrolens.errors import ExplanationError
from fibrolens.explain.cam import cam_maps
from fibrolens.explain.integrated import integrated_maps
from fibrolens.explain.methods import METHODS, Method
from fibrolens.explain.passes import LocationMaps
from fibrolens.explain.targets import Target

INTEGRATED = "integrated"
GRADCAM = "gradcam"
NAMES = (*METHODS, INTEGRATED)


@runtime_checkable
class Explaining(Protocol):
    """A network that knows a quicker way to its own Grad-CAM than differentiation."""

    quick_layers: tuple[str, ...]

    def grad_cam(self, x: Tensor, targets: Sequence[Target], layers: Sequence[str]) -> LocationMaps:
        """What `cam.cam_maps` gives at some of `quick_layers`, to rounding."""


def location_maps(
    model: nn.Module,
    x: Float[Tensor, "n c *space"],
    targets: Sequence[Target],
    layers: Sequence[str],
    method: str | Method = GRADCAM,
) -> LocationMaps:
    """Location maps of each of `targets` at each of `layers`.

    The parameters' ``.grad``, the train flags and the hooks of the model are left as they were found, also after an
    error.

    Args:
        model: takes `x` to logits ``n k``, not probabilities, or to one number ``n`` (a regressor); parameters may be
            frozen. `adapters.Scores` makes such a model of one that returns something else.
        x: a batch with one to three spatial axes.
        targets: outputs to explain: an index, or a function of the logits that gives a score per input (`targets`).
        layers: names of modules as in ``model.named_modules()`` whose output is ``n channels *feature``.
        method: ``gradcam``, ``gradcam++``, ``hirescam`` or ``layercam`` (one pass for all targets and layers),
            ``integrated`` (layer integrated gradients; the layer may be ``input``), or a function of a layer's
            activations and gradients.

    Raises:
        ExplanationError: a layer does not exist, does not give one tensor with spatial axes in one pass, or a target's
            score does not depend on it; a target is not an output, or there is no such method.
    """
    if method == INTEGRATED:
        return integrated_maps(model, x, targets, layers)
    if method == GRADCAM and isinstance(model, Explaining) and set(layers) <= set(model.quick_layers):
        return model.grad_cam(x, targets, layers)
    rule = METHODS.get(method) if isinstance(method, str) else method
    if rule is None:
        raise ExplanationError(f"There is no method {method!r}; choose one of {', '.join(NAMES)}.")
    return cam_maps(model, x, targets, layers, rule)

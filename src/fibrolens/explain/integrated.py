"""Integrated gradients: how much each place of the input, or of a layer, adds to a score on the way from a baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fibrolens.errors import ExplanationError
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

#: The layer that maps of the input are kept under.
INPUT = "input"
#: Parts of the way: from the input many kinks are passed, from a late layer few.
INPUT_STEPS, LAYER_STEPS = 32, 8


def blank(x: Float[Tensor, "n c *space"]) -> Float[Tensor, "n c *space"]:
    """An input that shows nothing, the baseline: each channel's mean everywhere."""
    return x.mean(dim=tuple(range(2, x.dim())), keepdim=True).expand_as(x)


def integrated_maps(
    model: nn.Module,
    x: Float[Tensor, "n c *space"],
    targets: Sequence[Target],
    layers: Sequence[str],
    steps: int = LAYER_STEPS,
) -> LocationMaps:
    """Rectified integrated gradients of each target at each layer, from the `blank` input to `x`.

    The way is straight between the layer's activations of both (layer integrated gradients). With one step, and a
    blank input that leaves the layer silent, this is HiResCAM; the way takes in what the layers behind do not do
    linearly, and what any input would show drops out. The model is handed back as it was, also after an error.

    Args:
        model: as for `cam.cam_maps`; all behind a layer must take a larger batch than the input's.
        x: a batch.
        targets: what to explain.
        layers: names of modules, or ``input``.
        steps: parts of the way.

    Raises:
        ExplanationError: a layer does not exist, gives no feature map, does not count for a score or cannot take the
            batch; a target is not an output; or there is no step.
    """
    inner = [layer for layer in layers if layer != INPUT]
    raw, logits = layer_attributions(model, x, targets, inner, steps=steps)
    if INPUT in layers:
        whole = integrated_gradients(model, x, targets, blank(x), max(steps, INPUT_STEPS))
        raw, logits = raw | {INPUT: whole.raw[INPUT]}, whole.logits
    rectified = {layer: torch.relu(raw[layer]) for layer in layers}
    return LocationMaps(logits, rectified, tuple(x.shape[2:]))


def layer_attributions(
    model: nn.Module,
    x: Float[Tensor, "n c *space"],
    targets: Sequence[Target],
    layers: Sequence[str],
    baseline: Tensor | None = None,
    steps: int = LAYER_STEPS,
) -> tuple[dict[str, Tensor], Float[Tensor, "n k"]]:
    """Signed layer integrated gradients, summed over the channels: per layer ``t n *feature``; and the logits of `x`.

    The values of an input sum to its score less the baseline's (Sundararajan et al., ICML 2017, eq. 1 and proposition
    1), up to the error of the midpoint rule over `steps`. All steps run through the rest of the network as one batch,
    so that what comes before the layer is computed once. Arguments as for `integrated_maps`.
    """
    _require_steps(steps)
    modules = modules_of(model, layers)
    begin = blank(x) if baseline is None else baseline
    with torch.inference_mode(False), torch.no_grad(), evaluating(model):
        own, logits = _activations(model, x.clone() if x.is_inference() else x, modules)
        start, _ = _activations(model, begin.clone() if begin.is_inference() else begin, modules)
        raw = {}
        for layer, module in modules.items():
            difference = own[layer] - start[layer]
            parts = (torch.arange(steps, dtype=x.dtype, device=x.device) + 0.5) / steps
            way = torch.cat([start[layer] + part * difference for part in parts])
            gradients = _at_layer(model, x, module, layer, way, targets)
            means = [gradient.reshape(steps, len(x), *gradient.shape[1:]).mean(dim=0) for gradient in gradients]
            raw[layer] = torch.stack([(mean * difference).sum(dim=1) for mean in means])
    return raw, logits


def integrated_gradients(
    model: nn.Module,
    x: Float[Tensor, "n c *space"],
    targets: Sequence[Target],
    baseline: Tensor,
    steps: int = INPUT_STEPS,
) -> LocationMaps:
    """Integrated gradients of each target at the input, signed, as the layer ``input``; see `layer_attributions`.

    Args:
        model: as for `cam.cam_maps`.
        x: a batch.
        targets: what to explain.
        baseline: inputs that show nothing, of the size of `x`; for example `blank`.
        steps: a forward and a backward pass each.

    Raises:
        ExplanationError: the baseline has another size, there is no step, or a score does not depend on the input.
    """
    if baseline.shape != x.shape:
        raise ExplanationError(f"The baseline has the shape {tuple(baseline.shape)}, the input {tuple(x.shape)}.")
    _require_steps(steps)
    with torch.inference_mode(False), evaluating(model):
        begin, end = (tensor.clone() if tensor.is_inference() else tensor.detach() for tensor in (baseline, x))
        with torch.no_grad():
            logits = as_logits(model(end))
        sums = torch.zeros((len(targets), *end.shape), dtype=end.dtype, device=end.device)
        for step in range(steps):
            at = torch.lerp(begin, end, (step + 0.5) / steps).requires_grad_()
            with torch.enable_grad():
                gradients = _gradients(as_logits(model(at)), at, targets, "the input")
            for number, gradient in enumerate(gradients):
                sums[number] += gradient
    raw = (sums / steps * (end - begin)).sum(dim=2)
    return LocationMaps(logits, {INPUT: raw}, tuple(x.shape[2:]))


def _require_steps(steps: int) -> None:
    if steps < 1:
        raise ExplanationError(f"Integrated gradients need at least one step; there are {steps}.")


def _activations(model: nn.Module, x: Tensor, modules: dict[str, nn.Module]) -> tuple[dict[str, Tensor], Tensor]:
    """What each layer gives, and the logits."""
    found: dict[str, Tensor] = {}

    def keeper(layer: str) -> Callable[[nn.Module, object, object], None]:
        def keep(_module: nn.Module, _inputs: object, output: object) -> None:
            if not isinstance(output, Tensor) or output.dim() - 2 not in INTERPOLATION or layer in found:
                raise ExplanationError(
                    f"The layer {layer!r} gives no feature map, or runs twice; choose one of {names_of(model)}."
                )
            # An in-place step behind the layer would overwrite what was kept.
            found[layer] = output.clone()

        return keep

    hooks = [module.register_forward_hook(keeper(layer)) for layer, module in modules.items()]
    try:
        logits = as_logits(model(x))
    finally:
        for hook in hooks:
            hook.remove()
    if missing := [layer for layer in modules if layer not in found]:
        raise ExplanationError(f"The layer {missing[0]!r} takes no part in the pass; choose one of {names_of(model)}.")
    return found, logits


def _at_layer(
    model: nn.Module, x: Tensor, module: nn.Module, layer: str, way: Tensor, targets: Sequence[Target]
) -> list[Tensor]:
    """Gradient of each target's score with respect to `way`, put in the place of what the layer gives."""
    way = way.detach().requires_grad_()

    def replace(_module: nn.Module, _inputs: object, _output: object) -> Tensor:
        torch.set_grad_enabled(True)
        return way.clone()

    hook = module.register_forward_hook(replace)
    try:
        with torch.no_grad():
            logits = as_logits(model(x))
    except RuntimeError as error:
        raise ExplanationError(
            f"What comes behind the layer {layer!r} cannot take a batch of {len(way)} ({error})."
        ) from None
    finally:
        hook.remove()
    if len(logits) != len(way):
        raise ExplanationError(f"The score does not depend on the layer {layer!r} alone; choose another.")
    with torch.enable_grad():
        return _gradients(logits, way, targets, f"the layer {layer!r}")


def _gradients(logits: Tensor, at: Tensor, targets: Sequence[Target], where: str) -> list[Tensor]:
    scores = [score_of(logits, target).sum() for target in targets]
    if not all(score.requires_grad for score in scores):
        raise ExplanationError(f"The score does not depend on {where}; integrated gradients cannot be made.")
    return [torch.autograd.grad(score, at, retain_graph=True)[0] for score in scores]

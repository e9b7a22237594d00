"""Explaining networks that return something else than scores, and making maps by other packages' methods."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from fibrolens.errors import ExplanationError
from fibrolens.explain.passes import LocationMaps, as_logits, evaluating, score_of
from fibrolens.explain.targets import Target


class Scores(nn.Module):
    """A network with its scores chosen out of what it returns; its layers keep their names.

    Args:
        model: the network.
        choose: from what it returns to scores ``n k`` or ``n``, for example ``lambda out: out["logits"]``.
    """

    def __init__(self, model: nn.Module, choose: Callable[[Any], Tensor]) -> None:
        super().__init__()
        self.model, self.choose = model, choose

    def named_modules(self, *args: Any, **kwargs: Any) -> Any:
        """Those of the network, by its own names."""
        return self.model.named_modules(*args, **kwargs)

    def forward(self, x: Tensor) -> Tensor:
        """The chosen scores."""
        return self.choose(self.model(x))


def captum_maps(
    attribution: Callable[..., Any],
    model: nn.Module,
    x: Tensor,
    targets: Sequence[Target],
    layers: Sequence[str],
    **options: Any,
) -> LocationMaps:
    """Maps by one of captum's layer attributions, for example ``captum.attr.LayerGradCam``.

    Args:
        attribution: a class of captum that is made of a function and a layer.
        model: as for `location_maps`.
        x: a batch.
        targets: what to explain.
        layers: names of modules.
        options: of the attribution's ``attribute``.

    Raises:
        ExplanationError: a layer does not exist.
    """
    modules = dict(model.named_modules())
    raw = {}
    with torch.inference_mode(False), evaluating(model):
        given = x.clone() if x.is_inference() else x.detach()
        for layer in layers:
            if layer not in modules:
                raise ExplanationError(
                    f"The network has no layer {layer!r}; it has {', '.join(filter(None, modules))}."
                )
            maps = [
                attribution(_scored(model, target), modules[layer]).attribute(given, **options).detach()
                for target in targets
            ]
            # One map per input, whether the attribution keeps the layer's channels or has summed them.
            raw[layer] = torch.stack([one.sum(dim=1) for one in maps])
        with torch.no_grad():
            logits = as_logits(model(given))
    return LocationMaps(logits, raw, tuple(x.shape[2:]))


def _scored(model: nn.Module, target: Target) -> Callable[[Tensor], Tensor]:
    return lambda x: score_of(as_logits(model(x)), target)


def torchcam_maps(
    extractor: Callable[..., Any],
    model: nn.Module,
    x: Tensor,
    targets: Sequence[int],
    layers: Sequence[str],
) -> LocationMaps:
    """Maps by one of torch-cam's methods, for example ``torchcam.methods.LayerCAM``, not normalised.

    Args:
        extractor: a class of torch-cam.
        model: as for `location_maps`.
        x: a batch.
        targets: indices of outputs; most of torch-cam's methods know no functions.
        layers: names of modules.
    """
    with torch.inference_mode(False), torch.enable_grad(), evaluating(model):
        given = x.clone() if x.is_inference() else x.detach()
        with extractor(model, target_layer=list(layers)) as cam:
            maps = []
            for target in targets:
                scores = model(given)
                maps.append(cam([target] * len(given), scores, normalized=False))
        logits = as_logits(scores.detach())
        raw = {layer: torch.stack([found[k].detach() for found in maps]) for k, layer in enumerate(layers)}
    return LocationMaps(logits, raw, tuple(x.shape[2:]))

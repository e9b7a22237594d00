"""Maps that must fail: guided backpropagation, which sharpens the image, and edges, which know no network."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor, nn

from fibrolens.explain.integrated import INPUT
from fibrolens.explain.passes import LocationMaps, as_logits, evaluating, score_of
from fibrolens.explain.recipe import Recipe
from fibrolens.explain.targets import Target


class _Guided(torch.autograd.Function):
    """A ReLU whose gradient passes only where input and gradient are positive (Springenberg et al., ICLR 2015)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        out = x.clamp(min=0)
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (out,) = ctx.saved_tensors
        return gradients[0].clamp(min=0) * (out > 0)


class _GuidedReLU(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        guided: Tensor = _Guided.apply(x)  # type: ignore[no-untyped-call]
        return guided


def guided_backprop(
    model: nn.Module, x: Tensor, targets: Sequence[Target], layers: Sequence[str] = (INPUT,)
) -> LocationMaps:
    """Guided backpropagation to the input, its size without its sign; works on a copy, `model` is not touched.

    Adebayo et al. (NeurIPS 2018) and Nie et al. (ICML 2018) show that it recovers the image, whatever the weights.

    Args:
        model: as for `location_maps`.
        x: a batch ``n c *space``.
        targets: what to explain.
        layers: the input alone.
    """
    guided = copy.deepcopy(model)
    for parent in list(guided.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.ReLU):
                setattr(parent, name, _GuidedReLU())
    with torch.inference_mode(False), torch.enable_grad(), evaluating(guided):
        at = x.detach().clone().requires_grad_()
        logits = as_logits(guided(at))
        scores = [score_of(logits, target).sum() for target in targets]
        found = [torch.autograd.grad(score, at, retain_graph=True)[0].abs().sum(dim=1) for score in scores]
    return LocationMaps(logits.detach(), dict.fromkeys(layers, torch.stack(found)), tuple(x.shape[2:]))


def edges(model: nn.Module, x: Tensor, targets: Sequence[Target], layers: Sequence[str] = (INPUT,)) -> LocationMaps:
    """Size of the image's gradient by Sobel's operator; network and targets do not count.

    Args:
        model: gives the logits alone.
        x: a batch ``n c *space``.
        targets: as many maps are given, all alike.
        layers: the input alone.
    """
    with torch.no_grad(), evaluating(model):
        logits = as_logits(model(x))
    found = [ndimage.generic_gradient_magnitude(one.numpy(), ndimage.sobel) for one in x.detach().sum(dim=1)]
    size = torch.from_numpy(np.stack(found))
    return LocationMaps(logits, dict.fromkeys(layers, size.expand(len(targets), *size.shape)), tuple(x.shape[2:]))


#: Negative controls; a test that lets them pass is no test.
CONTROLS: tuple[Recipe, ...] = (
    Recipe("guided backprop", INPUT, guided_backprop),
    Recipe("edges", INPUT, edges),
)

"""Integrated gradients: how much each voxel of the input adds to a score on the way from a baseline."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fibrolens.errors import ExplanationError
from fibrolens.explain.location_maps import LocationMaps, as_logits, evaluating, score_of
from fibrolens.explain.targets import Target

#: The layer that maps of the input are kept under.
INPUT = "input"
STEPS = 32


def integrated_gradients(
    model: nn.Module,
    x: Float[Tensor, "n c *space"],
    targets: Sequence[Target],
    baseline: Tensor,
    steps: int = STEPS,
) -> LocationMaps:
    """Integrated gradients of each target (Sundararajan et al., ICML 2017, eq. 1), signed.

    The integral along the straight way from `baseline` to `x` is the sum over the midpoints of `steps` equal parts. All
    values of an input sum to its score less the baseline's, up to the error of that sum. The model is handed back as it
    was, also after an error, and its parameters collect no gradient.

    Args:
        model: as for `location_maps`.
        x: a batch.
        targets: what to explain.
        baseline: inputs that show nothing, of the size of `x`; for example `occlusion.blank`.
        steps: a forward and a backward pass each.

    Returns:
        The attributions of each voxel, summed over the channels, as the layer ``input``; logits are those of `x`.

    Raises:
        ExplanationError: the baseline has another size, there is no step, or a score does not depend on the input.
    """
    if baseline.shape != x.shape:
        raise ExplanationError(f"The baseline has the shape {tuple(baseline.shape)}, the input {tuple(x.shape)}.")
    if steps < 1:
        raise ExplanationError(f"Integrated gradients need at least one step; there are {steps}.")
    with torch.inference_mode(False), evaluating(model):
        begin, end = (tensor.clone() if tensor.is_inference() else tensor.detach() for tensor in (baseline, x))
        with torch.no_grad():
            logits = as_logits(model(end))
        sums = torch.zeros((len(targets), *end.shape), dtype=end.dtype, device=end.device)
        for step in range(steps):
            at = torch.lerp(begin, end, (step + 0.5) / steps).requires_grad_()
            for number, gradient in enumerate(_gradients(model, at, targets)):
                sums[number] += gradient
    raw = (sums / steps * (end - begin)).sum(dim=2)
    return LocationMaps(logits, {INPUT: raw}, tuple(x.shape[2:]))


def _gradients(model: nn.Module, x: Tensor, targets: Sequence[Target]) -> list[Tensor]:
    with torch.enable_grad():
        logits = as_logits(model(x))
        scores = [score_of(logits, target).sum() for target in targets]
        if not all(score.requires_grad for score in scores):
            raise ExplanationError("The score does not depend on the input; integrated gradients cannot be made.")
        return [torch.autograd.grad(score, x, retain_graph=True)[0] for score in scores]

"""Occlusion by organ: what happens to a score when a region is replaced by neutral tissue.

Unlike gradients it is an experiment on the network: Zeiler and Fergus (ECCV 2014) with anatomical regions in the place
of squares. What is put there is grown in from the region's surroundings, so that no edge appears that was not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool1d, avg_pool2d, avg_pool3d, interpolate

from fibrolens.errors import ExplanationError
from fibrolens.explain.passes import INTERPOLATION, as_logits, evaluating, score_of
from fibrolens.explain.targets import Target

POOLS = {1: avg_pool1d, 2: avg_pool2d, 3: avg_pool3d}


@dataclass(frozen=True, eq=False)
class Effects:
    """What replacing regions does to scores.

    Args:
        logits: of the inputs as they are, ``n k``.
        regions: their names.
        effects: by how much each score falls when a region is replaced, ``r t n``: region, target, input.
        voxels: size of each region in each input, ``r n``.
    """

    logits: Float[Tensor, "n k"]
    regions: tuple[str, ...]
    effects: Float[Tensor, "r t n"]
    voxels: Float[Tensor, "r n"]

    @property
    def density(self) -> Float[Tensor, "r t n"]:
        """The effect per voxel; NaN where a region is empty."""
        return self.effects / self.voxels.where(self.voxels > 0, torch.nan)[:, None]


def occlusion(
    model: nn.Module,
    x: Float[Tensor, "n c *space"],
    targets: Sequence[Target],
    regions: Mapping[str, Tensor],
) -> Effects:
    """Effect of each region on each target's score, a forward pass per region.

    Args:
        model: as for `location_maps`; it is handed back as it was.
        x: a batch.
        targets: what to explain.
        regions: boolean masks ``n *space`` by name; they may overlap, and a region may be empty in an input.

    Raises:
        ExplanationError: a mask has another size than the inputs, or a target is not an output.
    """
    for name, mask in regions.items():
        if mask.shape != (len(x), *x.shape[2:]):
            raise ExplanationError(f"The mask of {name} has the shape {tuple(mask.shape)}, the input {tuple(x.shape)}.")
    with torch.inference_mode(False), torch.no_grad(), evaluating(model):
        logits = as_logits(model(x))
        own = torch.stack([score_of(logits, target) for target in targets])
        effects = []
        for mask in regions.values():
            without = as_logits(model(grown_in(x, mask)))
            effects.append(own - torch.stack([score_of(without, target) for target in targets]))
    voxels = torch.stack([mask.flatten(1).sum(dim=1) for mask in regions.values()]).to(x.dtype)
    return Effects(logits, tuple(regions), torch.stack(effects), voxels)


def grown_in(x: Float[Tensor, "n c *space"], mask: Bool[Tensor, "n ..."]) -> Float[Tensor, "n c *space"]:
    """`x` with the voxels of `mask` replaced by what surrounds them, smoothly.

    Averages of the known voxels on ever coarser grids; on the way back each grid fills what it does not know from the
    next coarser one (pull-push, Gortler et al., SIGGRAPH 1996, section 3.4.1). Where all is masked it becomes 0.
    """
    known = (~mask)[:, None].to(x.dtype)
    return torch.where(mask[:, None], _filled(x * known, known), x)


def _filled(total: Tensor, weight: Tensor) -> Tensor:
    """Values from sums of known values and how much of each cell is known."""
    mean = total / weight.clamp(min=torch.finfo(total.dtype).tiny)
    size = total.shape[2:]
    if max(size) == 1:
        return mean
    pool = POOLS[len(size)]
    steps = [min(2, side) for side in size]
    coarse = _filled(*(pool(part, steps, ceil_mode=True) for part in (total, weight)))
    below = interpolate(coarse, size=tuple(size), mode=INTERPOLATION[len(size)], align_corners=False)
    return torch.lerp(below, mean, weight.clamp(max=1.0))

"""Batch normalisation whose mean and variance are those of the whole batch, wherever its rows are.

torch's ``SyncBatchNorm`` does the same on GPUs alone.
"""

from __future__ import annotations

from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fibrolens.staging.peers import added_up

SPACE = (0, 2, 3, 4)


class SharedBatchNorm(nn.BatchNorm3d):
    """As `nn.BatchNorm3d`, to rounding, of rows that several processes share."""

    def forward(self, x: Float[Tensor, "n c d h w"]) -> Float[Tensor, "n c d h w"]:
        """Normalised activations; in training all processes must come here."""
        if not self.training:
            normalised: Tensor = super().forward(x)
            return normalised
        found = added_up(torch.cat([x.sum(SPACE), x.new_tensor([x.numel() / x.shape[1]])]))
        mean, count = found[:-1] / found[-1], found[-1]
        centred = x - mean[:, None, None, None]
        variance = added_up(centred.square().sum(SPACE)) / count
        self._follow(mean, variance * count / (count - 1))
        scale = self.weight * (variance + self.eps).rsqrt()
        return centred * scale[:, None, None, None] + self.bias[:, None, None, None]

    @torch.no_grad()
    def _follow(self, mean: Float[Tensor, " c"], variance: Float[Tensor, " c"]) -> None:
        """Move the running statistics, which evaluation uses."""
        cast(Tensor, self.num_batches_tracked).add_(1)
        for running, now in ((self.running_mean, mean), (self.running_var, variance)):
            cast(Tensor, running).lerp_(now, cast(float, self.momentum))


def share_norms(network: nn.Module) -> None:
    """Put `SharedBatchNorm` in the place of every batch normalisation, with the same weights and statistics."""
    for module in network.modules():
        if type(module) is nn.BatchNorm3d:
            # The same parameters, under the same names, in another class.
            module.__class__ = SharedBatchNorm

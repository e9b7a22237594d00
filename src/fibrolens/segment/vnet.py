"""The V-Net (Milletari 2016, 3DV, doi 10.1109/3DV.2016.79), smaller: 3 x 3 x 3 kernels, few channels, made for CPUs.

Kept from the paper: residual blocks, down by strided convolution, up by transposed convolution, skips concatenated.
Changed: kernel 3 instead of 5, leaky ReLU instead of PReLU, and instance normalisation, because a network trained on
simulated intensities must not lean on their absolute level.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float
from torch import Tensor, nn

from fibrolens.plan import SegmentationPlan, VNetPlan


class Cascade(nn.Module):
    """A V-Net that finds the organs, and one that draws their borders where the first one found them.

    Args:
        plan: both networks, and the windows, one input channel each. The fine network also sees the coarse one's
            probability of each of its own organs.
    """

    def __init__(self, plan: SegmentationPlan) -> None:
        super().__init__()
        windows = len(plan.windows_hu)
        self.coarse = VNet(plan.coarse, windows)
        self.fine = VNet(plan.fine, windows + len(plan.fine.classes) - 1)


class VNet(nn.Module):
    """Class scores per voxel.

    Args:
        plan: channels and convolutions per level, kernel, classes.
        inputs: channels that come in.
    """

    def __init__(self, plan: VNetPlan, inputs: int) -> None:
        super().__init__()
        channels, counts = plan.channels, plan.convolutions
        self.multiple = 2 ** (len(channels) - 1)
        self.stem = ResidualBlock(inputs, channels[0], counts[0], plan.kernel)
        self.down = nn.ModuleList(
            nn.Sequential(
                nn.Conv3d(above, below, 2, stride=2, bias=False),
                nn.InstanceNorm3d(below, affine=True),
                nn.LeakyReLU(0.01, inplace=True),
                ResidualBlock(below, below, count, plan.kernel),
            )
            for above, below, count in zip(channels[:-1], channels[1:], counts[1:], strict=True)
        )
        self.up = nn.ModuleList(
            UpBlock(below, above, count, plan.kernel)
            for above, below, count in reversed(list(zip(channels[:-1], channels[1:], counts[:-1], strict=True)))
        )
        self.head = nn.Conv3d(channels[0], len(plan.classes), 1)

    def forward(self, x: Float[Tensor, "n inputs d h w"]) -> Float[Tensor, "n classes d h w"]:
        """Logits; any size goes in, padded inside to what the levels need."""
        size = x.shape[2:]
        short = [-n % self.multiple for n in size]
        x = F.pad(x, (0, short[2], 0, short[1], 0, short[0]))
        levels = [self.stem(x)]
        for down in self.down:
            levels.append(down(levels[-1]))
        x = levels.pop()
        for up in self.up:
            x = up(x, levels.pop())
        logits: Tensor = self.head(x)
        return logits[:, :, : size[0], : size[1], : size[2]]


class ResidualBlock(nn.Module):
    """Convolutions whose result is added to the block's input (projected where the channels differ)."""

    def __init__(self, channels_in: int, channels_out: int, convolutions: int, kernel: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index in range(convolutions):
            layers += [
                nn.Conv3d(
                    channels_out if index else channels_in, channels_out, kernel, padding=kernel // 2, bias=False
                ),
                nn.InstanceNorm3d(channels_out, affine=True),
            ]
            if index < convolutions - 1:
                layers.append(nn.LeakyReLU(0.01, inplace=True))
        self.body = nn.Sequential(*layers)
        self.shortcut = nn.Identity() if channels_in == channels_out else nn.Conv3d(channels_in, channels_out, 1)

    def forward(self, x: Float[Tensor, "n c d h w"]) -> Float[Tensor, "n k d h w"]:
        """Features of the same size."""
        # In place, as all activations here: a V-Net's largest maps are what a scan's peak of memory is made of.
        return F.leaky_relu_(self.body(x).add_(self.shortcut(x)), 0.01)


class UpBlock(nn.Module):
    """Doubles the grid, joins the skip, and mixes both."""

    def __init__(self, below: int, above: int, convolutions: int, kernel: int) -> None:
        super().__init__()
        self.enlarge = nn.ConvTranspose3d(below, above, 2, stride=2)
        self.block = ResidualBlock(2 * above, above, convolutions, kernel)

    def forward(
        self, x: Float[Tensor, "n k d h w"], skip: Float[Tensor, "n c d2 h2 w2"]
    ) -> Float[Tensor, "n c d2 h2 w2"]:
        """Features on the skip's grid."""
        return self.block(torch.cat([self.enlarge(x), skip], dim=1))

"""Overlapping runs of consecutive slices over the liver, and their maps put together again."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from fibrolens.plan import SlabPlan


@dataclass(frozen=True)
class Slabs:
    """Windows of `size` slices each.

    Args:
        starts: first slice of each window, ascending; negative where a short scan was padded in front.
        size: slices per window.
        depth: slices of the scan.
        pad: slices of air added before and after the scan, where it has fewer than `size`.
    """

    starts: tuple[int, ...]
    size: int
    depth: int
    pad: tuple[int, int] = (0, 0)

    @classmethod
    def over(cls, first: int, last: int, depth: int, plan: SlabPlan) -> Slabs:
        """Windows over the slices `first` to `last` (inclusive, the liver's range) of a scan of `depth` slices.

        The last window ends at `last`. A range shorter than a window is widened evenly into the neighbouring slices,
        and a scan shorter than a window is padded with air.

        Raises:
            ValueError: the range is empty or leaves the scan.
        """
        if not 0 <= first <= last < depth:
            raise ValueError(f"first and last must satisfy 0 <= first <= last < {depth}; they are {first} and {last}")
        size = plan.slices
        if depth < size:
            before = (size - depth) // 2
            return cls((-before,), size, depth, (before, size - depth - before))
        final = last - size + 1
        if final <= first:
            middle = first - (size - (last - first + 1)) // 2
            return cls((min(max(middle, 0), depth - size),), size, depth)
        return cls((*range(first, final, plan.stride), final), size, depth)

    def extract(self, x: Float[Tensor, "d h w"]) -> Float[Tensor, "n s h w"]:
        """The windows of a scan on the network grid; added air is 0, as it is after windowing."""
        padded = pad(x, (0, 0, 0, 0, *self.pad))
        return torch.stack([padded[start : start + self.size] for start in self._padded_starts])

    def merge(self, maps: Float[Tensor, "n *c s h w"]) -> tuple[Float[Tensor, "*c d h w"], Float[Tensor, " d"]]:
        """Mean of the windows' maps where they overlap, 0 on slices that no window covered.

        Returns:
            The mean map over the whole scan, and per slice how many windows covered it.
        """
        depth = sum(self.pad) + self.depth
        total = maps.new_zeros((*maps.shape[1:-3], depth, *maps.shape[-2:]))
        coverage = maps.new_zeros(depth)
        for start, window in zip(self._padded_starts, maps, strict=True):
            total[..., start : start + self.size, :, :] += window
            coverage[start : start + self.size] += 1
        mean = total / coverage.clamp(min=1)[:, None, None]
        scan = slice(self.pad[0], self.pad[0] + self.depth)
        return mean[..., scan, :, :], coverage[scan]

    @property
    def _padded_starts(self) -> tuple[int, ...]:
        return tuple(start + self.pad[0] for start in self.starts)

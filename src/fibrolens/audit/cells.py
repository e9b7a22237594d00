"""Maps on coarser cells: what is compared is no finer than a map can be, and hardly longer one way than another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped

#: Edge of a cell in which maps are compared, mm.
CELL_MM = 6.0
#: A cell counts with at least this share of its voxels inside.
LEAST_INSIDE = 0.5


@dataclass(frozen=True)
class Cells:
    """Blocks of voxels from the grid's first on; the last along an axis may be cut short.

    Args:
        edges: in voxels.
    """

    edges: tuple[int, int, int]

    @classmethod
    def about(cls, spacing: tuple[float, float, float], edge_mm: float = CELL_MM) -> Cells:
        """Cells whose edges are the nearest whole number of voxels to `edge_mm`."""
        d, h, w = (max(1, round(edge_mm / side)) for side in spacing)
        return cls((d, h, w))

    def means(
        self, array: Shaped[np.ndarray, "d h w"], inside: Bool[np.ndarray, "d h w"]
    ) -> Float[np.ndarray, "a b c"]:
        """Mean of the voxels inside, of each cell; 0 where there is none."""
        voxels = self.sums(inside)
        sums = self.sums(np.where(inside, array, 0.0))
        return np.divide(sums, voxels, out=np.zeros_like(sums), where=voxels > 0)

    def inside(self, inside: Bool[np.ndarray, "d h w"]) -> Bool[np.ndarray, "a b c"]:
        """The cells that count."""
        voxels = self.sums(inside)
        return np.asarray((voxels > 0) & (voxels >= LEAST_INSIDE * self.sums(np.ones(inside.shape))))

    def sums(self, array: Shaped[np.ndarray, "d h w"]) -> Float[np.ndarray, "a b c"]:
        """Sum over each cell."""
        pads = [(0, -size % edge) for size, edge in zip(array.shape, self.edges, strict=True)]
        padded = np.pad(array, pads)
        (a, b, c), (d, h, w) = padded.shape, self.edges
        blocks = padded.reshape(a // d, d, b // h, h, c // w, w)
        return np.asarray(blocks.sum(axis=(1, 3, 5), dtype=np.float64))

    def spread(self, cells: Shaped[np.ndarray, "a b c"], shape: tuple[int, int, int]) -> Shaped[np.ndarray, "d h w"]:
        """Every voxel with the value of its cell."""
        for axis, edge in enumerate(self.edges):
            cells = np.repeat(cells, edge, axis=axis)
        return cells[: shape[0], : shape[1], : shape[2]]

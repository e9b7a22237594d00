"""Change the spacing of a volume, axis by axis.

Toward the new grid the weights along one axis form a matrix ``[new, old]``, applied by matrix product, slice by slice
in the plane so that no full-size float copy of the CT is made. The way back is an `Enlarged` volume.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int, Shaped

from fibrolens.transforms.enlarged import Enlarged, Taps
from fibrolens.volume import Geometry, Triple, Volume

#: A field of view that exceeds whole voxels by less than this fraction of a voxel gets no further voxel.
SLACK = 1e-3

Matrix = Float[np.ndarray, "new old"]


@dataclass(frozen=True)
class Resample:
    """Resample to another spacing on a grid with the same centre and axes, which covers the whole field of view.

    Args:
        source: the grid that volumes come from.
        spacing: millimetres between slices, rows and columns of the new grid.
        floor: values below it are raised to it first, so that scanner padding such as -3024 does not bleed into
            its neighbours; None keeps all values.
    """

    source: Geometry
    spacing: Triple
    floor: float | None = None

    @property
    def target(self) -> Geometry:
        """The new grid: as many voxels along each axis as cover the source's extent, centred on the source."""
        d, h, w = (
            max(1, int(np.ceil(n * old / new - SLACK)))
            for n, old, new in zip(self.source.shape, self.source.spacing, self.spacing, strict=True)
        )
        centre = self.source.to_world((np.asarray(self.source.shape) - 1.0) / 2.0)
        grid = replace(self.source, shape=(d, h, w), spacing=self.spacing, origin=(0.0, 0.0, 0.0))
        x, y, z = (float(v) for v in centre - grid.to_world((np.asarray(grid.shape) - 1.0) / 2.0))
        return replace(grid, origin=(x, y, z))

    def forward(self, volume: Volume) -> Volume:
        """`volume` as float32 on the new grid, by linear interpolation widened to the new voxel (antialiased)."""
        new, old = self.target.shape, self.source.shape
        slices, rows, columns = (antialiased(new[a], old[a], self._ratio(a)) for a in range(3))
        plane = np.empty((len(volume.array), len(rows), len(columns)), np.float32)
        image = np.empty(old[1:], np.float32)
        for index, values in enumerate(volume.array):
            np.copyto(image, values)
            if self.floor is not None:
                np.maximum(image, np.float32(self.floor), out=image)
            plane[index] = rows @ image @ columns.T
        return replace(volume, array=_along_slices(slices, plane), geometry=self.target)

    def forward_nearest(self, volume: Volume) -> Volume:
        """`volume` on the new grid by its nearest voxels, for labels; the type of its values stays."""
        target = self.target
        nearest = [
            np.clip(np.floor(positions(target.shape[a], self.source.shape[a], self._ratio(a)) + 0.5), 0, None)
            for a in range(3)
        ]
        index: list[Int[np.ndarray, " new"]] = [
            np.minimum(p, n - 1).astype(int) for p, n in zip(nearest, self.source.shape, strict=True)
        ]
        return replace(volume, array=volume.array[np.ix_(*index)], geometry=target)

    def taps(self) -> tuple[Taps, Taps, Taps]:
        """From which voxels of the new grid each of the source is interpolated, axis by axis; edges clamped."""
        new, old = self.target.shape, self.source.shape
        slices, rows, columns = (Taps.at(positions(old[a], new[a], 1.0 / self._ratio(a)), new[a]) for a in range(3))
        return slices, rows, columns

    def inverse(self, volume: Volume) -> Volume:
        """A volume on the new grid back on the source grid: float32, trilinear, edges clamped."""
        enlarged = Enlarged(np.asarray(volume.array, dtype=np.float32), self.taps())
        return replace(volume, array=enlarged[:], geometry=self.source)

    def _ratio(self, axis: int) -> float:
        return self.spacing[axis] / self.source.spacing[axis]


def positions(new: int, old: int, ratio: float) -> Float[np.ndarray, " new"]:
    """Where `new` voxels lie among `old` ones with the same centre; `ratio` is new spacing over old."""
    return np.asarray((np.arange(new) - (new - 1) / 2.0) * ratio + (old - 1) / 2.0)


def antialiased(new: int, old: int, ratio: float) -> Matrix:
    """Weights of `old` voxels in each of `new`: a triangle as wide as the coarser voxel, each row summing to 1."""
    distance = np.abs(positions(new, old, ratio)[:, None] - np.arange(old))
    weights = np.maximum(0.0, 1.0 - distance / max(1.0, ratio))
    return np.asarray(weights / weights.sum(1, keepdims=True), dtype=np.float32)


def _along_slices(matrix: Matrix, array: Shaped[np.ndarray, "old h w"]) -> Float[np.ndarray, "new h w"]:
    flat = matrix @ array.reshape(len(array), -1)
    return np.asarray(flat.reshape(len(matrix), *array.shape[1:]))

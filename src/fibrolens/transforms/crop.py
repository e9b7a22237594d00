"""Crop or pad the axial plane to the network's size, centred on the body."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool

from fibrolens.volume import Geometry, Volume


@dataclass(frozen=True)
class CropPad:
    """Crop and pad rows and columns; slices stay.

    Args:
        source: the grid that volumes come from.
        start: row and column of `source` that become row 0 and column 0; negative where the plane is padded.
        in_plane: rows and columns of the result.
        fill: value of padded voxels, Hounsfield units for a CT.
    """

    source: Geometry
    start: tuple[int, int]
    in_plane: tuple[int, int]
    fill: float = -1000.0

    @classmethod
    def around(cls, source: Geometry, centre: tuple[float, float], in_plane: tuple[int, int], fill: float) -> CropPad:
        """The crop of `source` whose middle is nearest to the fractional (row, column) `centre`."""
        row, column = (round(c - (n - 1) / 2.0) for c, n in zip(centre, in_plane, strict=True))
        return cls(source, (row, column), in_plane, fill)

    @property
    def target(self) -> Geometry:
        """The cropped grid."""
        x, y, z = (float(v) for v in self.source.to_world(np.array([0.0, *self.start])))
        return replace(self.source, shape=(self.source.shape[0], *self.in_plane), origin=(x, y, z))

    def forward(self, volume: Volume, fill: float | None = None) -> Volume:
        """`volume` cropped and padded; `fill` replaces the step's own value, as labels need."""
        value = self.fill if fill is None else fill
        array = np.full(self.target.shape, value, dtype=volume.array.dtype)
        inside, outside = self._overlap()
        array[outside] = volume.array[inside]
        return replace(volume, array=array, geometry=self.target)

    @property
    def places(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """First index in `source`, and size, of the rows and of the columns."""
        rows, columns = zip(self.start, self.in_plane, strict=True)
        return rows, columns

    def _overlap(self) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        """The shared rectangle, as slices of the source array and of the cropped array."""
        inside, outside = [slice(None)], [slice(None)]
        for start, size, n in zip(self.start, self.in_plane, self.source.shape[1:], strict=True):
            low = min(max(start, 0), n)
            high = max(min(start + size, n), low)
            inside.append(slice(low, high))
            outside.append(slice(low - start, high - start))
        return tuple(inside), tuple(outside)


def box_centre(mask: Bool[np.ndarray, "d h w"]) -> tuple[float, float]:
    """Fractional (row, column) of the middle of the mask's bounding box; of the plane where the mask is empty."""
    return _middle(np.asarray(mask.any(axis=(0, 2)))), _middle(np.asarray(mask.any(axis=(0, 1))))


def _middle(present: Bool[np.ndarray, " n"]) -> float:
    where = np.flatnonzero(present)
    return (where[0] + where[-1]) / 2.0 if where.size else (len(present) - 1) / 2.0

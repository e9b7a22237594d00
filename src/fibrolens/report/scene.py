"""A CT with a location map over it, cut into slices: which ones a picture shows, and where its colour scale ends.

Slices are shown by radiological convention: the patient's right is on the left of the picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int, Shaped

from fibrolens.body import BODY_HU, body_mask
from fibrolens.transforms import Enlarged, Located, Orient, filled_slices
from fibrolens.volume import Geometry, Volume

Plane = Literal["axial", "coronal", "sagittal"]
#: Values ``d h w``, of which some are computed where they are looked at.
Array = Shaped[np.ndarray, "d h w"] | Enlarged

#: At least this much of the scale is shown, so that an even map does not look like a focus.
LEAST_TOP = 2.0


@dataclass(frozen=True, eq=False)
class Cut:
    """One slice of a CT as a picture, first row at the top, with what may be drawn over it.

    Args:
        ct: Hounsfield units.
        map: location map, or None.
        labels: 1 liver, 2 spleen, or None.
        plane: its kind.
        number: of the slice, row or column, counted from 1.
        size_mm: height and width.
    """

    ct: Shaped[np.ndarray, "y x"]
    map: Shaped[np.ndarray, "y x"] | None
    labels: Shaped[np.ndarray, "y x"] | None
    plane: Plane
    number: int
    size_mm: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Scene:
    """A CT, its map and its labels in array order, ready to be cut into slices.

    Args:
        ct: Hounsfield units.
        map: location map on the CT's grid, or None.
        labels: 1 liver, 2 spleen on the CT's grid, or None.
        given: the CT as it was given.
        turn: from its orientation to array order.
        box: rows and columns that hold the body.
    """

    ct: Shaped[np.ndarray, "d h w"]
    map: Array | None
    labels: Shaped[np.ndarray, "d h w"] | None
    given: Volume
    turn: Orient
    box: tuple[slice, slice]

    @classmethod
    def of(cls, ct: Volume, location_map: Volume | Located | None, labels: Volume | None = None) -> Scene:
        """The scene of volumes of any orientation.

        Raises:
            GeometryError: map or labels do not lie on the CT's grid.
        """
        if labels is not None:
            ct.require_grid(labels)
        turn = Orient.fit(ct.geometry)
        turned = turn.forward(ct).array
        marks = None if labels is None else turn.forward(labels).array
        bare = cls(turned, None, marks, ct, turn, _body_box(turned, turn.target.spacing))
        return bare if location_map is None else bare.under(location_map)

    def under(self, location_map: Volume | Located) -> Scene:
        """The same CT and organs under another map.

        Raises:
            GeometryError: it does not lie on the CT's grid.
        """
        self.given.require_grid(location_map)
        if isinstance(location_map, Volume):
            return replace(self, map=self.turn.forward(location_map).array)
        return replace(self, map=self.turn.turned(location_map.array))

    @property
    def covered(self) -> Bool[np.ndarray, " d"]:
        """Slices where the map is not zero."""
        if self.map is None:
            return np.zeros(len(self.ct), dtype=bool)
        return filled_slices(self.map)

    @cached_property
    def top(self) -> float:
        """Upper end of the colour scale: above it lies 0.5 % of the map in the body where it is not zero."""
        if self.map is None:
            return LEAST_TOP
        # Every 4th row and column is plenty for a percentile.
        values, hounsfield = self.map[::2, ::4, ::4], self.ct[::2, ::4, ::4]
        positive = values[(values > 0) & (hounsfield > BODY_HU)]
        high = float(np.percentile(positive, 99.5)) if positive.size else 0.0
        return max(LEAST_TOP, float(np.ceil(2 * high) / 2))

    def axial_slices(self, count: int) -> list[int]:
        """`count` slices evenly through the liver, from the top down; through the map where there is no liver."""
        shown = np.array([bool(liver.any()) for liver in self._liver()])
        if not shown.any():
            shown = self.covered
        if not shown.any():
            shown = np.ones(len(self.ct), dtype=bool)
        first, last = np.flatnonzero(shown)[[0, -1]]
        steps = (np.arange(count)[::-1] + 0.5) / count
        return [round(float(first + s * (last - first))) for s in steps]

    def central(self, plane: Plane) -> int:
        """The row (coronal) or column (sagittal) that shows most liver, else the middle of the body."""
        axis = {"axial": 0, "coronal": 1, "sagittal": 2}[plane]
        area = self._liver_area(axis)
        if area.any():
            return int(area.argmax())
        return len(self.ct) // 2 if axis == 0 else (self.box[axis - 1].start + self.box[axis - 1].stop) // 2

    def cut(self, plane: Plane, index: int) -> Cut:
        """One slice with all that lies over it."""
        map_cut = None if self.map is None else self._cut(self.map, plane, index)
        labels = None if self.labels is None else self._cut(self.labels, plane, index)
        return Cut(self._cut(self.ct, plane, index), map_cut, labels, plane, index + 1, self._size_mm(plane))

    def central_cut(self, plane: Plane) -> Cut:
        """The coronal or sagittal slice at `central`."""
        return self.cut(plane, self.central(plane))

    def _cut(self, volume: Array, plane: Plane, index: int) -> Shaped[np.ndarray, "y x"]:
        rows, columns = self.box
        if plane == "axial":
            return volume[index, rows, columns]
        return volume[::-1, index, columns] if plane == "coronal" else volume[::-1, rows, index]

    def _size_mm(self, plane: Plane) -> tuple[float, float]:
        rows, columns = (part.stop - part.start for part in self.box)
        slice_mm, row_mm, column_mm = (
            n * mm for n, mm in zip((len(self.ct), rows, columns), self.turn.target.spacing, strict=True)
        )
        return {"axial": (row_mm, column_mm), "coronal": (slice_mm, column_mm), "sagittal": (slice_mm, row_mm)}[plane]

    def _liver(self) -> Iterator[Bool[np.ndarray, "h w"]]:
        """Slice by slice, for all of it takes a quarter of what a long CT takes; none where no organ is known."""
        return (np.asarray(plane == 1) for plane in (() if self.labels is None else self.labels))

    def _liver_area(self, axis: int) -> Int[np.ndarray, " n"]:
        """How many voxels of liver lie at each index of an axis."""
        if axis == 0:
            return np.array([np.count_nonzero(liver) for liver in self._liver()], int)
        area = np.zeros(self.ct.shape[axis], int)
        for liver in self._liver():
            area += np.count_nonzero(liver, axis=2 - axis)
        return area


def _body_box(array: Shaped[np.ndarray, "d h w"], spacing: tuple[float, float, float]) -> tuple[slice, slice]:
    """Rows and columns that hold the body with a small margin; all where no body is found."""
    # A quarter of the resolution finds the body just as well.
    steps = tuple(max(1, round(4.0 / mm)) for mm in spacing)
    coarse = array[:: steps[0], :: steps[1], :: steps[2]]
    d, h, w = (mm * step for mm, step in zip(spacing, steps, strict=True))
    body = body_mask(Volume(coarse, Geometry(coarse.shape, (d, h, w))))
    if not body.any():
        return slice(0, array.shape[1]), slice(0, array.shape[2])
    rows, columns = (np.flatnonzero(body.any(axis=axes)) for axes in ((0, 2), (0, 1)))
    return _with_margin(rows, steps[1], array.shape[1]), _with_margin(columns, steps[2], array.shape[2])


def _with_margin(found: Shaped[np.ndarray, " n"], step: int, size: int) -> slice:
    return slice(max(0, int(found[0] - 2) * step), min(size, int(found[-1] + 3) * step))

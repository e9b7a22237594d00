"""A small volume as it looks on a finer grid: linear interpolation, computed where somebody looks.

A location map is a few megabytes on the network grid and a hundred or a thousand on the CT's. What is written, drawn or
measured needs it slice by slice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from fibrolens.volume import Shape

#: One voxel of an axis, or a run of them.
Index = int | np.integer[Any] | slice

#: Slices that are computed at a time: few enough for a cache, and for other threads enough to be left alone meanwhile.
RUN = 4
#: Fine voxels along an axis that one product makes: enough to be worth a call, few enough to have few small neighbours.
BAND = 64


@dataclass(frozen=True, eq=False)
class Taps:
    """From which two voxels of the small grid each of the fine one is interpolated, along one axis.

    Args:
        first: index of the one before; second: of the one behind.
        weights: of both, as columns. Together less than 1 where the small grid does not reach.
        size: voxels of the small grid.
    """

    first: Int[np.ndarray, " n"]
    second: Int[np.ndarray, " n"]
    weights: Float[np.ndarray, "n 2"]
    size: int

    @classmethod
    def at(cls, places: Float[np.ndarray, " n"], size: int) -> Taps:
        """Taps at fractional indices of the small grid, clamped to its ends."""
        inside = np.clip(places, 0, size - 1)
        first = np.floor(inside).astype(int)
        part = inside - first
        weights = np.stack([1.0 - part, part], axis=1).astype(np.float32)
        return cls(first, np.minimum(first + 1, size - 1), weights, size)

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, key: slice | Int[np.ndarray, " k"]) -> Taps:
        """The taps of some of the fine voxels."""
        return replace(self, first=self.first[key], second=self.second[key], weights=self.weights[key])

    def within(self, start: int, size: int) -> Taps:
        """The same places counted in a crop of the small grid, `size` voxels from `start`; outside it is zero."""
        moved = [index - start for index in (self.first, self.second)]
        there = [(index >= 0) & (index < size) for index in moved]
        first, second = (np.clip(index, 0, size - 1) for index in moved)
        return Taps(first, second, self.weights * np.stack(there, axis=1).astype(np.float32), size)

    @property
    def reached(self) -> Bool[np.ndarray, " size"]:
        """Which voxels of the small grid count for any of the fine one."""
        return self.matrix.sum(axis=0) > 0

    @property
    def matrix(self) -> Float[np.ndarray, "n size"]:
        """The weights as a matrix."""
        dense = np.zeros((len(self), self.size), np.float32)
        rows = np.arange(len(self))
        dense[rows, self.first] = self.weights[:, 0]
        dense[rows, self.second] += self.weights[:, 1]
        return dense

    def mix(self, values: Float[np.ndarray, "size h w"]) -> Float[np.ndarray, "n h w"]:
        """Slices between those of the small grid.

        Not by a product of matrices: that may round one slice otherwise than several, and how a slice is cut out, alone
        or among others, must not change its values by a bit.
        """
        before, behind = (part[:, None, None] for part in self.weights.T)
        mixed = values[self.first] * before
        mixed += values[self.second] * behind
        return mixed

    def bands(self, step: int) -> Iterator[tuple[slice, slice, Float[np.ndarray, "n used"]]]:
        """Runs of `step` fine voxels, the voxels of the small grid that each is made of, and the weights as a matrix.

        Products of such small matrices take a quarter of the time in which numpy gathers and weighs two neighbours.
        """
        for at in range(0, len(self), step):
            run = slice(at, at + step)
            some = self[run]
            ends = np.concatenate([some.first, some.second])
            used = slice(int(ends.min()), int(ends.max()) + 1)
            yield run, used, some.matrix[:, used]


@dataclass(frozen=True, eq=False)
class Enlarged:
    """A volume on a finer grid, cut like an array: ``enlarged[3]``, ``enlarged[10:20]``, ``enlarged[::-1, :, 7]``.

    Args:
        values: on the small grid, axes in the order of the fine one.
        taps: along each axis.
    """

    values: Float[np.ndarray, "d h w"]
    taps: tuple[Taps, Taps, Taps]

    @property
    def shape(self) -> Shape:
        """Slices, rows and columns of the fine grid."""
        slices, rows, columns = (len(taps) for taps in self.taps)
        return slices, rows, columns

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of what a cut gives."""
        return np.dtype(np.float32)

    def __len__(self) -> int:
        return len(self.taps[0])

    def __iter__(self) -> Iterator[Float[np.ndarray, "h w"]]:
        """Slice by slice."""
        return (self[index] for index in range(len(self)))

    def __getitem__(self, key: Index | tuple[Index, ...]) -> Float[np.ndarray, ...]:
        """The values of a cut, as an array of its own."""
        keys = (*(key if isinstance(key, tuple) else (key,)), *[slice(None)] * 3)[:3]
        slices, rows, columns = (
            taps[np.array([one]) if not isinstance(one, slice) else one]
            for taps, one in zip(self.taps, keys, strict=True)
        )
        found = self._block(slices, rows, columns)
        dropped = tuple(axis for axis, one in enumerate(keys) if not isinstance(one, slice))
        return found.squeeze(axis=dropped) if dropped else found

    def turned(self, axes: Sequence[int], reversed_axes: Sequence[int]) -> Enlarged:
        """The volume with its axes in another order, and then some of them reversed."""
        taps = [self.taps[axis] for axis in axes]
        for axis in reversed_axes:
            taps[axis] = taps[axis][::-1]
        slices, rows, columns = taps
        return Enlarged(np.ascontiguousarray(self.values.transpose(axes)), (slices, rows, columns))

    @property
    def filled(self) -> Bool[np.ndarray, " d"]:
        """Which slices hold anything but zeros, as far as the small grid tells: values of both signs may cancel out."""
        slices, rows, columns = self.taps
        held = (self.values != 0) & rows.reached[:, None] & columns.reached
        return (slices.matrix != 0) @ held.any(axis=(1, 2))

    def whole(self) -> Float[np.ndarray, "d h w"]:
        """All of it."""
        return self[:]

    def _block(self, slices: Taps, rows: Taps, columns: Taps) -> Float[np.ndarray, "d h w"]:
        """Along the slices, then the columns, then the rows: a few slices at a time."""
        block = np.empty((len(slices), len(rows), len(columns)), np.float32)
        across, down = list(columns.bands(BAND)), list(rows.bands(BAND))
        for at in range(0, len(slices), RUN):
            some = slice(at, at + RUN)
            planes = slices[some].mix(self.values)
            wide = np.empty((*planes.shape[:2], len(columns)), np.float32)
            for run, used, matrix in across:
                np.matmul(planes[:, :, used], matrix.T, out=wide[:, :, run])
            for run, used, matrix in down:
                np.matmul(matrix, wide[:, used], out=block[some, run])
        return block


def filled_slices(values: Shaped[np.ndarray, "d h w"] | Enlarged) -> Bool[np.ndarray, " d"]:
    """Which slices hold anything but zeros, of an array or of what is computed where it is looked at."""
    if isinstance(values, Enlarged):
        return values.filled
    # Slice by slice, for an axis that was reversed or turned makes a copy of it all.
    return np.array([bool(plane.any()) for plane in values], dtype=bool)

"""A CT on its own grid: `Geometry` says where the voxels are, `Volume` adds what they hold.

Arrays are indexed ``[slice, row, column]`` (torch's ``d h w``). World coordinates are DICOM patient coordinates,
LPS in millimetres (PS3.3 C.7.6.2.1.1). What a person reads (repr, messages, ``result.json``) is in file order
``column x row x slice``, as nibabel, ITK-SNAP and 3D Slicer show it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Shaped

from fibrolens.errors import GeometryError

Triple = tuple[float, float, float]
Shape = tuple[int, int, int]

#: Two grids are one grid when no voxel corner is further apart than this.
SAME_GRID_MM = 0.01


@dataclass(frozen=True)
class Geometry:
    """Where the voxels of an array ``[slice, row, column]`` lie in the patient.

    Args:
        shape: number of slices, rows and columns.
        spacing: millimetres between neighbouring slices, rows and columns; each > 0.
        origin: LPS millimetres of the centre of voxel (0, 0, 0).
        direction: three unit vectors (LPS), along increasing slice, row and column index.

    Raises:
        GeometryError: a size or spacing that is not positive and finite, or axes that are not orthonormal.
    """

    shape: Shape
    spacing: Triple
    origin: Triple = (0.0, 0.0, 0.0)
    direction: tuple[Triple, Triple, Triple] = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))

    def __post_init__(self) -> None:
        if min(self.shape) < 1:
            raise GeometryError(f"A volume needs at least one voxel along each axis; its shape is {self.shape}.")
        if not (np.isfinite(self.spacing).all() and min(self.spacing) > 0):
            raise GeometryError(f"Voxel spacing must be positive and finite; it is {self.spacing} mm.")
        axes = np.asarray(self.direction)
        if not (np.isfinite(self.origin).all() and np.allclose(axes @ axes.T, np.eye(3), atol=1e-3)):
            raise GeometryError(
                "The axes of the volume are not at right angles (sheared or missing orientation); "
                "resample it to an orthogonal grid first."
            )

    @classmethod
    def from_affine(cls, shape: Shape, affine: Float[np.ndarray, "4 4"]) -> Geometry:
        """Geometry of an array whose index (slice, row, column) the 4 x 4 `affine` takes to LPS millimetres."""
        columns = np.asarray(affine, dtype=float)[:3, :3]
        spacing = np.linalg.norm(columns, axis=0)
        if not (np.isfinite(spacing).all() and (spacing > 0).all()):
            raise GeometryError("The affine of the volume is singular or not finite; write it again with a valid one.")
        axes = (columns / spacing).T
        return cls(
            shape, _triple(spacing), _triple(affine[:3, 3]), (_triple(axes[0]), _triple(axes[1]), _triple(axes[2]))
        )

    @property
    def affine(self) -> Float[np.ndarray, "4 4"]:
        """4 x 4 matrix from index (slice, row, column) to LPS millimetres."""
        matrix = np.eye(4)
        matrix[:3, :3] = np.asarray(self.direction).T * np.asarray(self.spacing)
        matrix[:3, 3] = self.origin
        return matrix

    @property
    def orientation(self) -> str:
        """Letters of the patient side toward which column, row and slice index grow, for example ``LPS``."""
        axes = np.asarray(self.direction)[::-1]
        main = np.abs(axes).argmax(axis=1)
        return "".join(("RL", "AP", "IS")[m][int(axes[a, m] > 0)] for a, m in enumerate(main))

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in millilitres."""
        return float(np.prod(self.spacing)) / 1000.0

    def to_world(self, index: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """LPS millimetres of fractional indices (slice, row, column)."""
        return np.asarray(index, dtype=float) @ self.affine[:3, :3].T + self.affine[:3, 3]

    def to_index(self, world: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """Fractional indices (slice, row, column) of LPS millimetres."""
        return (np.asarray(world, dtype=float) - self.affine[:3, 3]) @ np.linalg.inv(self.affine[:3, :3]).T

    def same_grid(self, other: Geometry, tolerance_mm: float = SAME_GRID_MM) -> bool:
        """Whether both grids have the same shape and no corner differs by more than `tolerance_mm`."""
        if self.shape != other.shape:
            return False
        corners = np.stack(np.meshgrid(*[(0.0, n - 1.0) for n in self.shape], indexing="ij"), -1).reshape(-1, 3)
        return bool(np.abs(self.to_world(corners) - other.to_world(corners)).max() <= tolerance_mm)

    def __str__(self) -> str:
        size = "x".join(str(n) for n in self.shape[::-1])
        spacing = " x ".join(f"{s:.2f}" for s in self.spacing[::-1])
        return f"{size} voxels of {spacing} mm, {self.orientation}"


@runtime_checkable
class OnGrid(Protocol):
    """Whatever lies on a grid and has a name for messages: a `Volume`, or a map that is computed where it is cut."""

    @property
    def geometry(self) -> Geometry:
        """The grid."""

    @property
    def source(self) -> str:
        """The name."""


@dataclass(frozen=True, eq=False)
class Volume:
    """An array on a grid, with where it came from.

    Args:
        array: voxel values ``[slice, row, column]``; Hounsfield units for a CT.
        geometry: the grid; its shape must be the array's.
        source: file or folder name for messages, never a patient's name.
        metadata: facts of the source that travel along (``modality``, ``series_uid``, ``sha256`` and the like).

    Raises:
        GeometryError: array and geometry differ in shape.
    """

    array: Shaped[np.ndarray, "d h w"]
    geometry: Geometry
    source: str = "memory"
    metadata: tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if self.array.shape != self.geometry.shape:
            raise GeometryError(
                f"Array of shape {self.array.shape} does not fit a grid of shape {self.geometry.shape}."
            )

    def with_array(self, array: Shaped[np.ndarray, "d h w"]) -> Volume:
        """The same grid and provenance with other values."""
        return replace(self, array=array)

    def get(self, key: str, default: Any = None) -> Any:
        """The metadata value stored under `key`."""
        return dict(self.metadata).get(key, default)

    def require_grid(self, other: OnGrid) -> None:
        """Check that `other` lies on this volume's grid.

        Raises:
            GeometryError: it does not; both grids are named.
        """
        if not self.geometry.same_grid(other.geometry):
            raise GeometryError(
                f"{other.source} ({other.geometry}) is not on the grid of {self.source} ({self.geometry}); "
                "resample it onto that grid first."
            )

    def values_in(self, labels: Volume, number: int | None = None) -> Shaped[np.ndarray, " n"]:
        """The values of the voxels that have the label `number`, or any label; an array of its own.

        Slice by slice and without joining parts, for in a long CT each copy is large.
        """
        counts = [np.count_nonzero(_where(plane, number)) for plane in labels.array]
        found = np.empty(sum(counts), self.array.dtype)
        ends = np.cumsum(counts)
        for values, plane, count, end in zip(self.array, labels.array, counts, ends, strict=True):
            found[end - count : end] = values[_where(plane, number)]
        return found

    def __repr__(self) -> str:
        return f"Volume({self.geometry}, {self.array.dtype}, from {self.source})"


def _where(plane: Shaped[np.ndarray, "h w"], number: int | None) -> Bool[np.ndarray, "h w"]:
    return np.asarray(plane > 0 if number is None else plane == number)


def _triple(values: Any) -> Triple:
    a, b, c = (float(v) for v in values)
    return a, b, c

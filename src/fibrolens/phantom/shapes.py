"""Signed distances on a grid: negative inside, millimetres of the canonical body.

A `Frame` knows where each voxel of a grid lies in the canonical body; its primitives answer with a `Region`, the
distances inside a box of the grid. What lies outside the box is far outside the shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from fibrolens.phantom.pose import Pose
from fibrolens.volume import Geometry

Box = tuple[slice, slice, slice]
Point = tuple[float, float, float]
#: Distances are kept at least this far outside a shape.
PAD_MM = 14.0


@dataclass(eq=False)
class Region:
    """Signed distances in a box of a frame's grid."""

    box: Box
    d: Float32[np.ndarray, "a b c"]

    def carve(self, other: Region, gap: float = 0.0) -> None:
        """Take `other`, grown by `gap` millimetres, out of this region."""
        for mine, theirs in _overlap(self.box, other.box):
            np.maximum(self.d[mine], gap - other.d[theirs], out=self.d[mine])

    def clip(self, other: Region, inset: float = 0.0) -> None:
        """Keep what lies at least `inset` millimetres inside `other`, whose box must contain this one."""
        for mine, theirs in _overlap(self.box, other.box):
            np.maximum(self.d[mine], other.d[theirs] + inset, out=self.d[mine])

    def clip_to(self, other: Region) -> None:
        """Keep what lies inside `other`; its box need not contain this one, and what it does not reach is outside."""
        outside = np.ones(self.d.shape, bool)
        for mine, theirs in _overlap(self.box, other.box):
            np.maximum(self.d[mine], other.d[theirs], out=self.d[mine])
            outside[mine] = False
        self.d[outside] = PAD_MM

    def join(self, other: Region, softness: float = 0.0) -> None:
        """Add `other` where it lies in this region's box, with a fillet of `softness` millimetres."""
        for mine, theirs in _overlap(self.box, other.box):
            self.d[mine] = smooth_min(self.d[mine], other.d[theirs], softness)

    def grown(self, by: float) -> Region:
        """The region dilated by `by` millimetres (eroded where negative)."""
        return Region(self.box, self.d - np.float32(by))

    @staticmethod
    def empty() -> Region:
        """A region without a voxel: it carves nothing and is painted nowhere."""
        return Region((slice(0, 0),) * 3, np.zeros((0, 0, 0), np.float32))

    def copy(self) -> Region:
        """An independent copy."""
        return Region(self.box, self.d.copy())


class Frame:
    """A grid seen from the canonical body.

    Args:
        geometry: an axial grid, slices increasing superiorly.
        pose: from world to the canonical body.

    Attributes:
        x, y, z: canonical coordinates (left, posterior, superior) of every voxel.
    """

    def __init__(self, geometry: Geometry, pose: Pose) -> None:
        self.geometry = geometry
        self.pose = pose
        self.x, self.y, self.z = pose.to_body(geometry)
        self._reach = pose.reach_mm
        inverse = np.linalg.inv(geometry.affine)[:3]
        self._matrix = inverse[:, :3] @ pose.rotation * pose.stretch
        self._shift = inverse[:, :3] @ pose.offset + inverse[:, 3]

    def box(self, lower: Point, upper: Point, pad: float = PAD_MM) -> Box:
        """Voxels that may lie in a canonical box grown by `pad` and by the deformation."""
        grow = pad + self._reach
        middle = self._matrix @ ((np.asarray(upper) + lower) / 2) + self._shift
        half = np.abs(self._matrix) @ ((np.asarray(upper) - lower) / 2 + grow)
        ends = zip(np.floor(middle - half), np.ceil(middle + half) + 1, self.geometry.shape, strict=True)
        z, y, x = (slice(min(max(int(a), 0), n), min(max(int(b), 0), n)) for a, b, n in ends)
        return z, y, x

    def whole(self, d: Float32[np.ndarray, "a b c"]) -> Region:
        """Distances on the whole grid as a region."""
        return Region(
            (slice(0, d.shape[0]), slice(0, d.shape[1]), slice(0, d.shape[2])), d.astype(np.float32, copy=False)
        )

    def ellipsoid(self, centre: Point, radii: Point, tilt_deg: Point = (0.0, 0.0, 0.0), pad: float = PAD_MM) -> Region:
        """An ellipsoid with its axes turned by `tilt_deg` about x, y and z."""
        reach = max(radii) if any(tilt_deg) else None
        extent = [reach or r for r in radii]
        lower, upper = (tuple(c + sign * e for c, e in zip(centre, extent, strict=True)) for sign in (-1, 1))
        box = self.box(lower, upper, pad)  # type: ignore[arg-type]
        x, y, z = self.x[box] - centre[0], self.y[box] - centre[1], self.z[box] - centre[2]
        if any(tilt_deg):
            x, y, z = _turn(x, y, z, tilt_deg)
        return Region(box, ellipsoid_distance(x, y, z, radii))

    def tube(self, points: Sequence[Point], radii: Sequence[float], pad: float = PAD_MM) -> Region:
        """A polyline of capsules whose radius varies from point to point."""
        path, width = np.asarray(points, float), np.asarray(radii, float)
        box = self.box(tuple(path.min(0) - width.max()), tuple(path.max(0) + width.max()), pad)
        region = Region(box, np.full([s.stop - s.start for s in box], 2 * PAD_MM, np.float32))
        for a, b, ra, rb in zip(path[:-1], path[1:], width[:-1], width[1:], strict=True):
            self._add_capsule(region, a, b, float(ra), float(rb), pad)
        return region

    def _add_capsule(self, region: Region, a: np.ndarray, b: np.ndarray, ra: float, rb: float, pad: float) -> None:
        r = max(ra, rb)
        box = self.box(tuple(np.minimum(a, b) - r), tuple(np.maximum(a, b) + r), pad)
        axis = (b - a).astype(np.float32)
        x, y, z = (c[box] - np.float32(o) for c, o in zip((self.x, self.y, self.z), a, strict=True))
        along = np.clip((x * axis[0] + y * axis[1] + z * axis[2]) / max(float(axis @ axis), 1e-6), 0, 1)
        x, y, z = x - along * axis[0], y - along * axis[1], z - along * axis[2]
        d = np.sqrt(x * x + y * y + z * z) - (np.float32(ra) + along * np.float32(rb - ra))
        for mine, theirs in _overlap(region.box, box):
            np.minimum(region.d[mine], d[theirs], out=region.d[mine])


def ellipsoid_distance(x: np.ndarray, y: np.ndarray, z: np.ndarray | float, radii: Point) -> np.ndarray:
    """Signed distance to an ellipsoid at the origin, first order in the distance (exact on the surface)."""
    rx, ry, rz = (np.float32(1 / r) for r in radii)
    u, v, w = x * rx, y * ry, z * rz
    k0 = np.sqrt(u * u + v * v + w * w) + np.float32(1e-5)
    u, v, w = u * rx, v * ry, w * rz
    k1 = np.sqrt(u * u + v * v + w * w) + np.float32(1e-7)
    distance: np.ndarray = (k0 * (k0 - 1) / k1).astype(np.float32, copy=False)
    return distance


def smooth_min(a: np.ndarray, b: np.ndarray, softness: float) -> np.ndarray:
    """The smaller of two distances, with a fillet `softness` millimetres wide (polynomial)."""
    lower: np.ndarray = np.minimum(a, b)
    if softness <= 0:
        return lower
    k = np.float32(softness)
    h = np.maximum(k - np.abs(a - b), 0)
    blended: np.ndarray = lower - h * h * (np.float32(0.25) / k)
    return blended


def smooth_max(a: np.ndarray, b: np.ndarray, softness: float) -> np.ndarray:
    """The larger of two distances, with a rounded edge."""
    upper: np.ndarray = np.negative(smooth_min(-a, -b, softness))
    return upper


def _turn(x: np.ndarray, y: np.ndarray, z: np.ndarray, tilt_deg: Point) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    about_x, about_y, about_z = (np.deg2rad(t) for t in tilt_deg)
    c, s = np.float32(np.cos(about_x)), np.float32(np.sin(about_x))
    y, z = c * y + s * z, c * z - s * y
    c, s = np.float32(np.cos(about_y)), np.float32(np.sin(about_y))
    z, x = c * z + s * x, c * x - s * z
    c, s = np.float32(np.cos(about_z)), np.float32(np.sin(about_z))
    x, y = c * x + s * y, c * y - s * x
    return x, y, z


def _overlap(mine: Box, theirs: Box) -> list[tuple[Box, Box]]:
    """The common voxels of two boxes as indices into each; empty where they do not meet."""
    low = [max(a.start, b.start) for a, b in zip(mine, theirs, strict=True)]
    high = [min(a.stop, b.stop) for a, b in zip(mine, theirs, strict=True)]
    if any(h <= lo for lo, h in zip(low, high, strict=True)):
        return []
    local = [
        tuple(slice(lo - s.start, h - s.start) for lo, h, s in zip(low, high, box, strict=True))
        for box in (mine, theirs)
    ]
    return [(local[0], local[1])]  # type: ignore[list-item]

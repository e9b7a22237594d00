"""Signed distances on a grid: negative inside, millimetres of the canonical body.

A `Frame` knows where each voxel of a grid lies in the canonical body; its primitives answer with a `Region`, the
distances inside a box of the grid. What lies outside the box is far outside the shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from jaxtyping import Float, Float32

from fibrolens.phantom.pose import Pose
from fibrolens.volume import Geometry

Box = tuple[slice, slice, slice]
Point = tuple[float, float, float]
#: A capsule: both ends and the radii there.
Segment = tuple[Point, Point, float, float]
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
        """Keep what lies at least `inset` millimetres inside `other`; what its box does not reach is outside."""
        outside = np.ones(self.d.shape, bool)
        for mine, theirs in _overlap(self.box, other.box):
            np.maximum(self.d[mine], other.d[theirs] + inset, out=self.d[mine])
            outside[mine] = False
        self.d[outside] = PAD_MM

    def join(self, other: Region, softness: float = 0.0) -> None:
        """Add `other` where it lies in this region's box, with a fillet of `softness` millimetres."""
        for mine, theirs in _overlap(self.box, other.box):
            if softness > 0:
                self.d[mine] = smooth_min(self.d[mine], other.d[theirs], softness)
            else:
                np.minimum(self.d[mine], other.d[theirs], out=self.d[mine])

    def grown(self, by: float) -> Region:
        """The region dilated by `by` millimetres (eroded where negative)."""
        return Region(self.box, self.d - np.float32(by))

    def trimmed(self, within: float) -> tuple[Region, Box]:
        """The part of the region outside of which, by a voxel or more, all distances are at least `within`.

        Returns:
            The part, a view of this region, and its place in this region's box.
        """
        near = np.less(self.d, within)
        plane = near.any(0)
        seen = [np.flatnonzero(along) for along in (near.any((1, 2)), plane.any(1), plane.any(0))]
        z, y, x = (slice(max(int(at[0]) - 1, 0), int(at[-1]) + 2) if at.size else slice(0, 0) for at in seen)
        d = self.d[z, y, x]
        low = [of.start + s.start for of, s in zip(self.box, (z, y, x), strict=True)]
        a, b, c = (slice(start, start + n) for start, n in zip(low, d.shape, strict=True))
        return Region((a, b, c), d), (z, y, x)

    @staticmethod
    def empty() -> Region:
        """A region without a voxel: it carves nothing and is painted nowhere."""
        return Region((slice(0, 0),) * 3, np.zeros((0, 0, 0), np.float32))


class Frame:
    """A grid seen from the canonical body.

    Args:
        geometry: an axial grid, slices increasing superiorly.
        pose: from world to the canonical body.

    Attributes:
        coordinates: canonical coordinates (left, posterior, superior) of every voxel.
        x, y, z: the same, one by one.
    """

    def __init__(self, geometry: Geometry, pose: Pose) -> None:
        self.geometry = geometry
        self.pose = pose
        self.coordinates = pose.to_body(geometry)
        self.x, self.y, self.z = self.coordinates
        inverse = np.linalg.inv(geometry.affine)[:3]
        self._matrix = inverse[:, :3] @ pose.rotation * pose.stretch
        self._shift = inverse[:, :3] @ pose.offset + inverse[:, 3]

    def box(self, lower: Point, upper: Point, pad: float = PAD_MM) -> Box:
        """Voxels that may lie in a canonical box grown by `pad` and by the deformation."""
        return self._boxes(np.array([lower], float), np.array([upper], float), pad)[0]

    def _boxes(self, lower: Float[np.ndarray, "n 3"], upper: Float[np.ndarray, "n 3"], pad: float) -> list[Box]:
        """`box` of many at once."""
        middle, half = (lower + upper) / 2, (upper - lower) / 2 + pad
        least, most = self.pose.displacements(middle, half)
        # A voxel is displaced by something between the two: so far off its undisplaced place may be.
        middle, half = middle - (least + most) / 2, half + (most - least) / 2
        middle, half = middle @ self._matrix.T + self._shift, half @ np.abs(self._matrix).T
        shape = self.geometry.shape
        low = np.clip(np.floor(middle - half), 0, shape).astype(int).tolist()
        high = np.clip(np.ceil(middle + half) + 1, 0, shape).astype(int).tolist()
        return [(slice(a, b), slice(c, d), slice(e, f)) for (a, c, e), (b, d, f) in zip(low, high, strict=True)]

    def whole(self, d: Float32[np.ndarray, "a b c"]) -> Region:
        """Distances on the whole grid as a region."""
        return Region(
            (slice(0, d.shape[0]), slice(0, d.shape[1]), slice(0, d.shape[2])), d.astype(np.float32, copy=False)
        )

    def ellipsoid(self, centre: Point, radii: Point, tilt_deg: Point = (0.0, 0.0, 0.0), pad: float = PAD_MM) -> Region:
        """An ellipsoid with its axes turned by `tilt_deg` about x, y and z."""
        turn = _turn(tilt_deg)
        middle, half = np.array([centre], float), np.linalg.norm(turn * np.array(radii)[:, None], axis=0)
        (box,) = self._boxes(middle - half, middle + half, pad)
        x, y, z = (c[box] - np.float32(o) for c, o in zip(self.coordinates, centre, strict=True))
        if any(tilt_deg):
            x, y, z = (row[0] * x + row[1] * y + row[2] * z for row in turn.astype(np.float32))
        return Region(box, ellipsoid_distance(x, y, z, radii))

    def tube(self, points: Sequence[Point], radii: Sequence[float], pad: float = PAD_MM) -> Region:
        """A polyline of capsules whose radius varies from point to point."""
        return self.capsules(list(zip(points[:-1], points[1:], radii[:-1], radii[1:], strict=True)), pad)

    def capsules(self, segments: Sequence[Segment], pad: float = PAD_MM) -> Region:
        """Capsules in one region, each evaluated in its own small box."""
        starts, ends = (np.array([s[k] for s in segments], float).reshape(-1, 3) for k in (0, 1))
        widest = np.array([max(s[2:]) for s in segments]).reshape(-1, 1)
        boxes = self._boxes(np.minimum(starts, ends) - widest, np.maximum(starts, ends) + widest, pad)
        around = _around([box for box in boxes if _size(box)])
        region = Region(around, np.full([s.stop - s.start for s in around], 2 * PAD_MM, np.float32))
        ways = (ends - starts).astype(np.float32)
        for box, start, way, (_, _, ra, rb) in zip(boxes, starts.astype(np.float32), ways, segments, strict=True):
            if _size(box):
                d = _capsule_distance(self.coordinates[(slice(None), *box)], start, way, ra, rb)
                ((mine, _),) = _overlap(around, box)
                np.minimum(region.d[mine], d, out=region.d[mine])
        return region


def _capsule_distance(
    points: Float32[np.ndarray, "3 a b c"],
    start: Float32[np.ndarray, " 3"],
    way: Float32[np.ndarray, " 3"],
    radius: float,
    last_radius: float,
) -> Float32[np.ndarray, "a b c"]:
    """Distance to a capsule that goes from `start` by `way` and whose radius changes on the way."""
    offset = points - start[:, None, None, None]
    x, y, z = way * np.float32(1 / max(float(way @ way), 1e-6))
    along: np.ndarray = offset[0] * x + offset[1] * y + offset[2] * z
    np.clip(along, 0, 1, out=along)
    offset -= along * way[:, None, None, None]
    offset *= offset
    d: np.ndarray = offset[0] + offset[1] + offset[2]
    np.sqrt(d, out=d)
    along *= np.float32(last_radius - radius)
    d -= along
    d -= np.float32(radius)
    return d


def ellipsoid_distance(x: np.ndarray, y: np.ndarray, z: np.ndarray, radii: Point) -> np.ndarray:
    """Signed distance to an ellipsoid at the origin, first order in the distance (exact on the surface)."""
    squares = [np.square(c * np.float32(1 / r)) for c, r in zip((x, y, z), radii, strict=True)]
    k0 = squares[0] + squares[1] + squares[2]
    for square, r in zip(squares, radii, strict=True):
        np.multiply(square, np.float32(1 / r**2), out=square)
    k1 = squares[0] + squares[1] + squares[2]
    np.sqrt(k0, out=k0)
    np.sqrt(k1, out=k1)
    k0 += np.float32(1e-5)
    k1 += np.float32(1e-7)  # no division by zero in the middle
    distance: np.ndarray = k0 - 1
    distance *= k0
    distance /= k1
    return distance.astype(np.float32, copy=False)


def smooth_min(a: np.ndarray, b: np.ndarray, softness: float) -> np.ndarray:
    """The smaller of two distances, with a fillet `softness` millimetres wide (polynomial)."""
    lower: np.ndarray = np.minimum(a, b)
    if softness > 0:
        lower -= _fillet(a, b, softness)
    return lower


def smooth_max(a: np.ndarray, b: np.ndarray, softness: float) -> np.ndarray:
    """The larger of two distances, with a rounded edge."""
    upper: np.ndarray = np.maximum(a, b)
    if softness > 0:
        upper += _fillet(a, b, softness)
    return upper


def _fillet(a: np.ndarray, b: np.ndarray, softness: float) -> np.ndarray:
    """How far a soft minimum of two distances lies below the hard one, within `softness` of their seam."""
    k = np.float32(softness)
    depth: np.ndarray = a - b
    # In place: fresh memory costs more than the arithmetic.
    np.abs(depth, out=depth)
    np.subtract(k, depth, out=depth)
    np.maximum(depth, 0, out=depth)
    depth *= depth
    depth *= np.float32(0.25) / k
    return depth


def _turn(tilt_deg: Point) -> Float[np.ndarray, "3 3"]:
    """The matrix that takes canonical axes to those of a shape turned about x, then y, then z."""
    about_x, about_y, about_z = np.deg2rad(tilt_deg)
    c, s = np.cos(about_x), np.sin(about_x)
    turn = np.array(((1, 0, 0), (0, c, s), (0, -s, c)))
    c, s = np.cos(about_y), np.sin(about_y)
    turn = np.array(((c, 0, -s), (0, 1, 0), (s, 0, c))) @ turn
    c, s = np.cos(about_z), np.sin(about_z)
    return np.array(((c, s, 0), (-s, c, 0), (0, 0, 1))) @ turn


def _size(box: Box) -> int:
    """Number of voxels."""
    return prod(s.stop - s.start for s in box)


def _around(boxes: Sequence[Box]) -> Box:
    """The smallest box that holds all the boxes; an empty one around nothing."""
    if not boxes:
        return (slice(0, 0),) * 3
    z, y, x = (slice(min(s.start for s in along), max(s.stop for s in along)) for along in zip(*boxes, strict=True))
    return z, y, x


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

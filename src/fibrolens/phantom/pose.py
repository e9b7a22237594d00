"""From world coordinates to the canonical body: offset, rotation, scale, and a smooth displacement."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from jaxtyping import Float, Float32
from scipy.ndimage import gaussian_filter

from fibrolens.errors import GeometryError
from fibrolens.phantom.fields import sample_linear
from fibrolens.phantom.patient import Patient
from fibrolens.volume import Geometry

#: The lattice on which the displacement is drawn: pitch and extent (z, y, x) in world millimetres around the body.
PITCH_MM = 16.0
LATTICE_LOW = np.array((-400.0, -260.0, -320.0))
LATTICE_SHAPE = (40, 34, 41)


@dataclass(frozen=True, eq=False)
class Pose:
    """Where a patient lies.

    Args:
        rotation: 3 x 3, canonical body to world (LPS).
        stretch: canonical to world millimetres along x, y and z.
        offset: world position of the canonical origin, LPS millimetres.
        displacement: canonical millimetres (x, y, z) on the lattice, which is centred on `offset`.
    """

    rotation: Float[np.ndarray, "3 3"]
    stretch: Float[np.ndarray, " 3"]
    offset: Float[np.ndarray, " 3"]
    displacement: Float32[np.ndarray, "3 z y x"]

    @cached_property
    def reach_mm(self) -> float:
        """The largest displacement along an axis."""
        return float(np.abs(self.displacement).max())

    def to_world(self, body: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        """World coordinates of canonical points, without the displacement."""
        world: np.ndarray = (body * self.stretch) @ self.rotation.T + self.offset
        return world

    def displacements(
        self, middle: Float[np.ndarray, "n 3"], half: Float[np.ndarray, "n 3"]
    ) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]:
        """Bounds of the displacement of voxels that may lie in the canonical boxes ``middle - half`` to ``+ half``."""
        centre = self.to_world(middle) - self.offset
        reach = (half + self.reach_mm) @ np.abs(self.rotation * self.stretch).T
        low, high = ((centre + sign * reach)[:, ::-1] - LATTICE_LOW for sign in (-1, 1))
        last = np.array(LATTICE_SHAPE) - 1
        first = np.clip(np.floor(low / PITCH_MM), 0, last).astype(int).tolist()
        stop = np.clip(np.ceil(high / PITCH_MM), 0, last).astype(int) + 1
        bounds = np.empty((2, *middle.shape))
        for k, ((a, c, e), (b, d, f)) in enumerate(zip(first, stop.tolist(), strict=True)):
            nodes = self.displacement[:, a:b, c:d, e:f].reshape(3, -1)
            bounds[:, k] = nodes.min(1), nodes.max(1)
        return bounds[0], bounds[1]

    def to_body(self, geometry: Geometry) -> Float32[np.ndarray, "3 d h w"]:
        """Canonical x, y and z of every voxel of an axial grid, displacement included.

        Raises:
            GeometryError: the grid is oblique or its slices do not increase superiorly.
        """
        if not np.allclose(geometry.direction, np.eye(3)[::-1]):
            raise GeometryError("A simulated CT is rendered on axial grids whose slices increase superiorly.")
        axes = [
            geometry.origin[2 - k] + geometry.spacing[k] * np.arange(geometry.shape[k]) - self.offset[2 - k]
            for k in range(3)
        ]
        z, y, x = (a.astype(np.float32).reshape([-1 if i == k else 1 for i in range(3)]) for k, a in enumerate(axes))
        turn = (self.rotation / self.stretch).astype(np.float32)  # its columns are the body's axes
        index = [(a - low) / PITCH_MM for a, low in zip(axes, LATTICE_LOW, strict=True)]
        coordinates = np.empty((3, *geometry.shape), np.float32)
        for i in range(3):
            np.add(x * turn[0, i] + y * turn[1, i], z * turn[2, i], out=coordinates[i])
            coordinates[i] += sample_linear(self.displacement[i], index)
        return coordinates


@lru_cache(maxsize=8)
def make_pose(patient: Patient) -> Pose:
    """The pose of a patient, from the patient's seed (a pure function, remembered)."""
    body = patient.body
    rng = patient.rng("pose")
    coarse, fine = body.deformation_mm
    displacement = _octave(rng, coarse, 48.0) + _octave(rng, fine, 20.0)
    stretch = body.scale * np.array((body.width, body.depth, 1.0))
    return Pose(_rotation(body.rotation_deg), stretch, np.asarray(body.offset_mm), displacement)


def _octave(rng: np.random.Generator, amplitude_mm: float, smooth_mm: float) -> Float32[np.ndarray, "3 z y x"]:
    field = rng.standard_normal((3, *LATTICE_SHAPE), dtype=np.float32)
    field = np.stack([gaussian_filter(f, smooth_mm / PITCH_MM) for f in field])
    # Two standard deviations reach the amplitude.
    scaled: np.ndarray = np.clip(field * (amplitude_mm / (2 * field.std())), -1.5 * amplitude_mm, 1.5 * amplitude_mm)
    return scaled


def _rotation(deg: tuple[float, float, float]) -> Float[np.ndarray, "3 3"]:
    matrix = np.eye(3)
    for axis, angle in zip((2, 1, 0), np.deg2rad(deg), strict=True):
        turn = np.eye(3)
        i, j = [k for k in range(3) if k != axis]
        turn[i, i] = turn[j, j] = np.cos(angle)
        turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
        matrix = matrix @ turn
    return matrix

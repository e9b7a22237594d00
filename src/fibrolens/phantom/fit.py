"""Sizes of liver lobes and spleen that give a patient the intended volumes, found on a coarse grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
from jaxtyping import Float

from fibrolens.phantom import organs, torso
from fibrolens.phantom.liver import Liver, LobeScale, make_liver
from fibrolens.phantom.neighbours import Neighbours
from fibrolens.phantom.patient import Patient
from fibrolens.phantom.pose import Pose, make_pose
from fibrolens.phantom.shapes import Frame, Region
from fibrolens.volume import Geometry

T = TypeVar("T")

#: Grid on which the organs' sizes are fitted to the patient's volumes.
FIT_SPACING_MM = 5.0
#: The fit of a volume ends when it is this close, or after so many tries.
CLOSE_ENOUGH, MOST_FITS = 0.004, 10
#: Width over which a voxel of that grid fades at an edge, in voxels: a full one would overfill sharp margins.
FIT_EDGE = 0.8
#: Linear sizes that are tried: walls and neighbours take a part of what an organ gains.
LOBE_SIZES, SPLEEN_SIZES = (0.3, 6.0), (0.35, 4.5)
#: Step of logarithmic size per missing logarithmic volume: at first (organs that the walls clip grow slower than the
#: cube), and its limits.
FIRST_POWER, POWERS = 0.42, (0.2, 1.2)


@dataclass(frozen=True)
class Fit:
    """Sizes that give a patient the intended volumes, and the reach of the liver (world z, millimetres)."""

    lobes: LobeScale
    spleen: float
    liver_z: tuple[float, float]


@lru_cache(maxsize=8)
def fit_patient(patient: Patient) -> Fit:
    """Fit the sizes of the liver's lobes and of the spleen on a coarse grid (a pure function, remembered)."""
    pose = make_pose(patient)
    frame = Frame(_fit_grid(pose), pose)
    trunk = torso.make_torso(frame, patient)
    shaped = Neighbours(frame, patient, trunk)
    obstacles = shaped.around_liver()
    lobes, liver = _fitted(
        lambda sizes: make_liver(frame, patient, LobeScale(*sizes.tolist()), obstacles),
        lambda made: _lobe_volumes(frame, made),
        patient.lobes_ml,
        LOBE_SIZES,
    )
    spleen = np.ones(1)
    if not patient.splenectomy:
        around = shaped.around_spleen(liver.region)
        spleen, _ = _fitted(
            lambda sizes: organs.spleen(frame, patient, float(sizes[0]), trunk, around),
            lambda made: np.array([_volume_ml(frame, made)]),
            np.array([patient.spleen_volume_ml]),
            SPLEEN_SIZES,
        )
    return Fit(LobeScale(*lobes.tolist()), float(spleen[0]), _z_range(frame, liver.region))


def _fitted(
    make: Callable[[Float[np.ndarray, " k"]], T],
    volumes: Callable[[T], Float[np.ndarray, " k"]],
    target_ml: Sequence[float] | Float[np.ndarray, " k"],
    limits: tuple[float, float],
) -> tuple[Float[np.ndarray, " k"], T]:
    """Linear sizes that give the wanted volumes, and what they make: the best try where none is close enough.

    Each size goes by its own growth: how fast its volume answers shows in the last two tries.

    Args:
        make: what has those sizes.
        volumes: its volumes (ml).
        target_ml: the wanted ones.
        limits: smallest and largest size.
    """
    target, low, high = np.log(target_ml), *np.log(limits)
    size, power = np.zeros(len(target)), np.full(len(target), FIRST_POWER)
    made = make(np.exp(size))
    volume = np.log(np.maximum(volumes(made), 1.0))
    best = (float(np.abs(volume - target).max()), np.exp(size), made)
    for _ in range(MOST_FITS):
        if best[0] < CLOSE_ENOUGH:
            break
        step = np.clip(size + power * (target - volume), low, high) - size
        size = size + step
        made = make(np.exp(size))
        before, volume = volume, np.log(np.maximum(volumes(made), 1.0))
        power = _answered(step, volume - before, power)
        best = min(best, (float(np.abs(volume - target).max()), np.exp(size), made), key=lambda found: found[0])
    return best[1], best[2]


def _answered(step: np.ndarray, gain: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Step of size per gain of volume, both logarithmic; as before where the step was too small to tell."""
    told = (np.abs(step) > 0.01) & (gain * step > 0)
    return np.where(told, np.clip(step / np.where(told, gain, 1.0), *POWERS), power)


def _fit_grid(pose: Pose) -> Geometry:
    low = pose.offset - np.array((175.0, 125.0, 320.0))
    shape = tuple(int(n / FIT_SPACING_MM) for n in (360, 250, 350))
    return Geometry(shape, (FIT_SPACING_MM,) * 3, (float(low[0]), float(low[1]), float(low[2])))  # type: ignore[arg-type]


def _fraction(frame: Frame, region: Region) -> np.ndarray:
    """How much of each voxel the region fills."""
    filled: np.ndarray = np.clip(0.5 - region.d / _fit_edge_mm(frame), 0, 1)
    return filled


def _fit_edge_mm(frame: Frame) -> float:
    """Canonical millimetres over which an edge fades on the grid of the fit."""
    return FIT_EDGE * FIT_SPACING_MM / float(frame.pose.stretch.mean())


def _volume_ml(frame: Frame, region: Region) -> float:
    return float(_fraction(frame, region).sum()) * frame.geometry.voxel_ml


def _lobe_volumes(frame: Frame, liver: Liver) -> Float[np.ndarray, " 4"]:
    """Millilitres of segments V to VIII, IV, II with III, and I; a voxel on a border counts in part for both sides."""
    width = _fit_edge_mm(frame)
    borders = liver.borders
    filled = _fraction(frame, liver.region)
    rest = filled * np.clip(0.5 + borders.caudate / width, 0, 1)
    medial = rest * np.clip(0.5 - borders.fissure / width, 0, 1)
    right = float((medial * np.clip(0.5 - borders.cantlie / width, 0, 1)).sum())
    sums = [float(a.sum()) for a in (filled, rest, medial)]
    return frame.geometry.voxel_ml * np.array([right, sums[2] - right, sums[1] - sums[2], sums[0] - sums[1]])


def _z_range(frame: Frame, region: Region) -> tuple[float, float]:
    filled = np.flatnonzero((region.d < 0).any((1, 2))) + region.box[0].start
    z = frame.geometry.origin[2] + FIT_SPACING_MM * filled
    return float(z.min()), float(z.max())

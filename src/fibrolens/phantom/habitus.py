"""A simulated patient's build and position in the scanner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Body:
    """Habitus, pose and breathing.

    Args:
        scale: size of the skeleton and cavity relative to the canonical adult.
        width: lateral stretch of the cavity; depth: its antero-posterior stretch.
        fat_mm: subcutaneous fat at the flank.
        rotation_deg: about the slice, row and column axis.
        offset_mm: of the body's centre from the middle of the field, LPS.
        arms_down: whether the arms lie at the sides; lines: tubes and cables as in an emergency department.
        deformation_mm: amplitudes of the coarse and the fine octave of displacement.
    """

    scale: float
    width: float
    depth: float
    fat_mm: float
    rotation_deg: tuple[float, float, float]
    offset_mm: tuple[float, float, float]
    arms_down: bool
    lines: bool
    deformation_mm: tuple[float, float]


def sample_body(rng: np.random.Generator, trauma: bool) -> Body:
    """Habitus and position; after an accident the arms stay down and lines are in place."""
    return Body(
        scale=float(np.clip(rng.normal(1.0, 0.07), 0.84, 1.2)),
        width=float(np.clip(rng.normal(1.0, 0.06), 0.86, 1.16)),
        depth=float(np.clip(rng.normal(1.0, 0.07), 0.84, 1.2)),
        fat_mm=float(np.clip(rng.lognormal(np.log(16), 0.5), 4, 50)),
        rotation_deg=(float(rng.normal(0, 4)), float(rng.normal(0, 3)), float(rng.normal(0, 3))),
        offset_mm=(float(rng.normal(0, 8)), float(rng.normal(0, 12)), float(rng.uniform(-40, 40))),
        arms_down=bool(rng.random() < (0.55 if trauma else 0.10)),
        lines=bool(rng.random() < (0.6 if trauma else 0.10)),
        deformation_mm=(float(rng.uniform(2, 9)), float(rng.uniform(0.5, 3.5))),
    )

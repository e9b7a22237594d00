"""Colon and small bowel: tubes with a wall, gas in front, content behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fibrolens.phantom.patient import Patient
from fibrolens.phantom.shapes import Frame, Point, Region
from fibrolens.phantom.strands import coarse


@dataclass(frozen=True, eq=False)
class Loop:
    """A length of bowel: outer surface, the canonical y in front of which gas lies, and whether it holds stool."""

    region: Region
    gas_level: float
    stool: bool


def colon(frame: Frame, patient: Patient) -> list[Loop]:
    """Ascending, transverse and descending colon with both flexures."""
    rng = patient.rng("colon")
    wide = rng.uniform(0.75, 1.3)
    hang = rng.uniform(-45, 5)
    front = -60.0 + rng.uniform(-6, 6)
    lift = 38.0 * patient.splenectomy  # the flexure moves into the empty bed of the spleen
    paths: tuple[Sequence[tuple[float, float, float]], ...] = (
        [(-92.0, 20.0, -260.0), (-90.0, 8.0, -205.0), (-80.0, -18.0, -182.0), (-60.0, -45.0, -184.0)],
        [
            (-60.0, -45.0, -184.0),
            (-20.0, front, -172 + hang),
            (25.0, front, -162 + hang),
            (70.0, -42.0, -130 + hang / 2),
        ],
        [
            (70.0, -42.0, -130 + hang / 2),
            (95.0, -20.0, -100 + rng.uniform(-15, 25) + lift),
            (104.0, 15.0, -118.0 + lift),
            (104.0, 26.0, -170.0),
            (100.0, 22.0, -270.0),
        ],
    )
    loops = []
    for path in paths:
        points, radii = _wavy(rng, path, 19 * wide)
        level = float(np.mean([p[1] for p in path]) + rng.uniform(-25, 20))
        loops.append(Loop(frame.tube(points, radii), level, bool(rng.random() < 0.6)))
    return loops


def small_bowel(frame: Frame, patient: Patient) -> list[Loop]:
    """Duodenum and some dozens of loops of jejunum and ileum in the left and lower abdomen."""
    rng = patient.rng("small bowel")
    duodenum: list[Point] = [
        (-30.0, -26.0, -124.0),
        (-44.0, -6.0, -140.0),
        (-42.0, 6.0, -170.0),
        (-10.0, 4.0, -182.0),
        (26.0, 6.0, -172.0),
        (40.0, -10.0, -156.0),
    ]
    loops = [Loop(frame.tube(duodenum, [11.0, 12.0, 12.0, 10.0, 10.0, 11.0]), -99.0, stool=False)]
    for _ in range(int(rng.integers(22, 42))):
        at = np.array((rng.uniform(-72, 88), rng.uniform(-66, 14), rng.uniform(-285, -122)))
        points = [at]
        for _ in range(6):
            step = rng.normal(0, 1, 3)
            at = np.clip(at + 22 * step / np.linalg.norm(step), (-80, -70, -300), (100, 20, -108))
            points.append(at)
        radius = rng.uniform(8, 14)
        region = frame.tube([tuple(p.tolist()) for p in points], (radius * rng.uniform(0.8, 1.2, 7)).tolist())
        loops.append(Loop(region, float(rng.uniform(-95, -48)), stool=False))
    return loops


def folded(frame: Frame, loop: Region, wall_mm: float) -> Region:
    """The inside of small bowel; where the grid can show them, its folds reach 2 mm inwards, 6 mm apart."""
    inside = loop.grown(-wall_mm)
    if not coarse(frame):
        x, y, z = (c[loop.box] for c in (frame.x, frame.y, frame.z))
        inside.d += (1 + np.sin(x + 0.5 * z) * np.sin(y - 0.5 * z)).astype(np.float32)
    return inside


def _wavy(
    rng: np.random.Generator, path: Sequence[tuple[float, float, float]], radius: float
) -> tuple[list[Point], list[float]]:
    """The path refined, with haustra: a radius that swells and narrows."""
    coarse = np.asarray(path, float)
    t = np.linspace(0, len(coarse) - 1, 4 * (len(coarse) - 1) + 1)
    fine = np.stack([np.interp(t, np.arange(len(coarse)), c) for c in coarse.T], 1) + rng.normal(0, 4, (len(t), 3))
    return [tuple(p) for p in fine.tolist()], (radius * rng.uniform(0.72, 1.15, len(t))).tolist()

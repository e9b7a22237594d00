"""Colon and small bowel: tubes with a wall, gas in front, content behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fibrolens.phantom.patient import Patient
from fibrolens.phantom.shapes import Frame, Point, Region


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
    paths = (
        [(-92, 20, -260), (-90, 8, -205), (-80, -18, -182), (-60, -45, -184)],
        [(-60, -45, -184), (-20, front, -172 + hang), (25, front, -162 + hang), (70, -42, -130 + hang / 2)],
        [
            (70, -42, -130 + hang / 2),
            (95, -20, -100 + rng.uniform(-15, 25)),
            (104, 15, -118),
            (104, 26, -170),
            (100, 22, -270),
        ],
    )
    loops = []
    for path in paths:
        points, radii = _wavy(rng, path, 19 * wide)
        level = float(np.mean([p[1] for p in path]) + rng.uniform(-25, 20))
        loops.append(Loop(frame.tube(points, radii), level, bool(rng.random() < 0.6)))
    return loops


def small_bowel(frame: Frame, patient: Patient) -> list[Loop]:
    """Duodenum and a dozen loops of jejunum and ileum in the left and lower abdomen."""
    rng = patient.rng("small bowel")
    duodenum: list[Point] = [
        (-30, -26, -124),
        (-44, -6, -140),
        (-42, 6, -170),
        (-10, 4, -182),
        (26, 6, -172),
        (40, -10, -156),
    ]
    loops = [Loop(frame.tube(duodenum, [11.0, 12.0, 12.0, 10.0, 10.0, 11.0]), -99.0, stool=False)]
    for _ in range(16):
        at = np.array((rng.uniform(-55, 88), rng.uniform(-58, 14), rng.uniform(-285, -140)))
        points = [at]
        for _ in range(5):
            step = rng.normal(0, 1, 3)
            at = np.clip(at + 22 * step / np.linalg.norm(step), (-75, -66, -300), (96, 20, -128))
            points.append(at)
        radius = rng.uniform(8, 14)
        region = frame.tube([tuple(p.tolist()) for p in points], (radius * rng.uniform(0.8, 1.2, 6)).tolist())
        loops.append(Loop(region, float(rng.uniform(-95, -48)), stool=False))
    return loops


def _wavy(
    rng: np.random.Generator, path: list[tuple[float, float, float]], radius: float
) -> tuple[list[Point], list[float]]:
    """The path refined, with haustra: a radius that swells and narrows."""
    coarse = np.asarray(path, float)
    t = np.linspace(0, len(coarse) - 1, 4 * (len(coarse) - 1) + 1)
    fine = np.stack([np.interp(t, np.arange(len(coarse)), c) for c in coarse.T], 1) + rng.normal(0, 4, (len(t), 3))
    return [tuple(p) for p in fine.tolist()], (radius * rng.uniform(0.72, 1.15, len(t))).tolist()

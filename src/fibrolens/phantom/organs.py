"""Spleen, kidneys, adrenals, pancreas, gallbladder, stomach, heart, oesophagus, masses."""

from __future__ import annotations

import numpy as np

from fibrolens.phantom.patient import Patient
from fibrolens.phantom.shapes import Frame, Point, Region, smooth_max
from fibrolens.phantom.torso import VERTEBRA_PITCH_MM, Torso


def kidneys(frame: Frame, patient: Patient) -> list[tuple[Region, Region, Region]]:
    """Right and left kidney as (whole, medulla, sinus)."""
    rng = patient.rng("kidneys")
    pair = []
    for side, centre in ((-1.0, (-61.0, 41.0, -152.0)), (1.0, (60.0, 42.0, -134.0))):
        c = tuple(a + rng.uniform(-5, 5) for a in centre)
        cx, cy, cz = c[0], c[1], c[2] + rng.uniform(-12, 8)
        size = rng.uniform(0.88, 1.1)
        tilt = (rng.uniform(-14, -2), side * rng.uniform(4, 14), side * rng.uniform(20, 45))
        whole = frame.ellipsoid((cx, cy, cz), (28 * size, 23 * size, 54 * size), tilt)
        medulla = frame.ellipsoid((cx, cy, cz), (23 * size, 18 * size, 48 * size), tilt)
        # Columns of cortex between the pyramids.
        angle = np.arctan2(frame.y[medulla.box] - cy, frame.x[medulla.box] - cx)
        medulla.d += np.float32(3) * (1 + np.cos(5 * angle + 0.16 * (frame.z[medulla.box] - cz)))
        hilum = (cx - side * 11 * size, cy - 7 * size, cz)
        sinus = frame.ellipsoid(hilum, (14 * size, 9 * size, 25 * size), tilt)
        whole.carve(frame.ellipsoid((cx - side * 24 * size, cy - 15 * size, cz), (14 * size, 8.0, 15 * size), tilt))
        pair.append((whole, medulla, sinus))
    return pair


def spleen(frame: Frame, patient: Patient, size: float, torso: Torso, obstacles: list[tuple[Region, float]]) -> Region:
    """A crescent of linear `size` along the left posterior wall; empty after splenectomy."""
    if patient.splenectomy:
        return Region.empty()
    rng = patient.rng("spleen")
    s = size
    tilt = (rng.uniform(-30, 5), rng.uniform(-12, 12), rng.uniform(-15, 15))
    centre = (104.0 - 7 * (s - 1), 40.0 + rng.uniform(-6, 4) - 22 * (s - 1), -66.0 + rng.uniform(-10, 8) - 34 * (s - 1))
    radii = (42.0 * s, (41 + rng.uniform(-4, 6)) * s, (54 + rng.uniform(-6, 9)) * s)
    region = frame.ellipsoid(centre, radii, tilt)
    thickness = np.float32((33 + rng.uniform(-4, 4)) * s)
    inner = -torso.cavity.d[region.box] - thickness
    region.d = smooth_max(region.d, inner, 16.0).astype(np.float32)
    gap = ascites_gap(patient) + rng.uniform(0.2, 2.5)
    region.clip(torso.cavity, gap)
    region.clip(torso.dome, 0.8 + gap)
    for obstacle, keep in obstacles:
        region.carve(obstacle, keep)
    return region


def stomach(frame: Frame, patient: Patient) -> tuple[Region, float]:
    """The stomach from fundus to pylorus, and the canonical y above (anterior of) which its content is gas."""
    rng = patient.rng("stomach")
    full = rng.uniform(0.55, 1.25)
    path = [
        (58.0, 22.0, -42.0),
        (66.0, -2.0, -66.0),
        (60.0, -32.0, -92.0),
        (36.0, -46.0, -116.0),
        (4.0, -46.0, -124.0),
        (-24.0, -34.0, -118.0),
    ]
    radii = np.array([30, 33, 29, 22, 17, 11]) * full
    points = [_jittered(rng, p, 7.0) for p in path]
    if rng.random() < 0.25:  # a stomach that hangs low
        points[2:4] = [(p[0], p[1], p[2] - 35) for p in points[2:4]]
    level = rng.uniform(-75, -20) if rng.random() < 0.75 else -200.0
    region = frame.tube(points, np.maximum(radii, 9).tolist())
    _fold(frame, region, rng.uniform(0, 6), 1.6 - full)
    return region, level


def lumen(frame: Frame, patient: Patient, stomach: Region) -> Region:
    """The inside of the stomach, in a wall of 2.5 to 4.5 mm, or 6 to 9 in a contracted one, from which rugae rise."""
    rng = patient.rng("stomach wall")
    wall = rng.uniform(6, 9) if rng.random() < 0.3 else rng.uniform(2.5, 4.5)
    phase = rng.uniform(0, 6)
    x, y, z = (c[stomach.box] for c in (frame.x, frame.y, frame.z))
    rugae = np.sin(x / 2.3 + 2 * np.sin(z / 11) + phase) * np.sin(y / 2.5 + 2 * np.sin(x / 13 + phase))
    thickness = wall * (1 + 0.35 * rugae + 0.25 * np.sin(z / 14 + x / 19 + phase))
    return Region(stomach.box, (stomach.d + thickness).astype(np.float32))


def _fold(frame: Frame, region: Region, phase: float, slack: float) -> None:
    """Dent the stomach and raise the folds of its mucosa, the more the emptier it is."""
    x, y, z = (np.float32(1) * c[region.box] for c in (frame.x, frame.y, frame.z))
    region.d += (4.5 * slack * np.sin(x / 17 + phase) * np.sin(y / 15 - z / 19 + phase)).astype(np.float32)
    ridges = np.sin(x / 4.5 + 2 * np.sin(z / 13) + phase) * np.sin(y / 4.5 + 2 * np.sin(x / 15)) + 0.5 * np.sin(z / 11)
    region.d += (5 * slack * np.clip(ridges, -0.2, 1) * np.clip(-region.d / 4, 0, 1)).astype(np.float32)


def gallbladder(frame: Frame, patient: Patient) -> Region | None:
    """The gallbladder below segments IV and V; None after cholecystectomy, of which clips may remain."""
    rng = patient.rng("gallbladder")
    if rng.random() < 0.15 or patient.metal == "clips":
        return None
    size = rng.uniform(0.7, 1.35)
    neck = (-30.0 + rng.uniform(-5, 5), -22.0 + rng.uniform(-6, 6), -104.0)
    fundus = (-52.0 + rng.uniform(-12, 8), -58.0 + rng.uniform(-8, 8), -132.0 + rng.uniform(-14, 10))
    return frame.tube([neck, fundus], [6.0 * size, 14.0 * size])


def metal(frame: Frame, patient: Patient) -> list[Region]:
    """Surgical clips in the gallbladder bed, or pedicle screws with their rods; mostly nothing."""
    rng = patient.rng("metal")
    if patient.metal == "clips":
        starts = [_jittered(rng, (-32.0, -24.0, -106.0), 8.0) for _ in range(int(rng.integers(3, 7)))]
        return [frame.tube([a, _jittered(rng, a, 5.0)], [1.6, 1.4], pad=4.0) for a in starts]
    if patient.metal == "spine":
        levels = rng.uniform(-190, -60) + VERTEBRA_PITCH_MM * np.arange(int(rng.integers(2, 4)))
        parts = []
        for side in (-1.0, 1.0):
            parts += [frame.tube([(side * 21, 86.0, z), (side * 9, 44.0, z)], [3.4, 2.4], pad=4.0) for z in levels]
            ends: list[Point] = [(side * 21, 88.0, levels[0] - 8), (side * 21, 88.0, levels[-1] + 8)]
            parts.append(frame.tube(ends, [3.0, 3.0], pad=4.0))
        return parts
    return []


def pancreas(frame: Frame, patient: Patient) -> Region:
    """Head, neck, body and tail as one tapering tube with lobules."""
    rng = patient.rng("pancreas")
    size = rng.uniform(0.75, 1.15)
    path = [
        (-30.0, -4.0, -152.0),
        (-26.0, -8.0, -136.0),
        (-2.0, -18.0, -124.0),
        (26.0, -12.0, -114.0),
        (56.0, 6.0, -102.0),
        (80.0, 22.0, -94.0),
    ]
    points = [_jittered(rng, p, 4.0) for p in path]
    region = frame.tube(points, [9 * size, 14 * size, 9 * size, 10 * size, 10 * size, 8 * size])
    x, y, z = (c[region.box] for c in (frame.x, frame.y, frame.z))
    lobules = np.sin(x / 2.6 + np.sin(z / 6)) * np.sin(y / 2.8 + np.sin(x / 7)) * np.cos(z / 3.4)
    region.d += (2.4 * lobules + 1.2 * np.sin(x / 9) * np.cos(z / 8)).astype(np.float32)
    return region


def adrenals(frame: Frame) -> list[Region]:
    """Thin limbs above both kidneys."""
    return [
        frame.tube([(-34.0, 26.0, -112.0), (-36.0, 34.0, -98.0), (-42.0, 42.0, -104.0)], [3.0, 2.6, 2.2]),
        frame.tube([(36.0, 18.0, -104.0), (37.0, 28.0, -94.0), (44.0, 36.0, -102.0)], [3.0, 2.6, 2.2]),
    ]


def heart(frame: Frame, patient: Patient) -> tuple[Region, Region]:
    """The heart on the central tendon as (myocardium, chambers)."""
    rng = patient.rng("heart")
    size = rng.uniform(0.88, 1.15)
    centre = (24.0 + rng.uniform(-6, 6), -34.0 + rng.uniform(-5, 5), 17.0 + rng.uniform(-7, 6))
    tilt = (0.0, -12.0, 30.0 + rng.uniform(-10, 10))
    whole = frame.ellipsoid(centre, (62 * size, 44 * size, 50 * size), tilt)
    x, y, z = (c[whole.box] - o for c, o in zip((frame.x, frame.y, frame.z), centre, strict=True))
    turn = rng.uniform(0, 6)
    whole.d += (2.2 * np.sin(x / 15 + turn) * np.cos(y / 13 - z / 17) + 1.3 * np.sin(y / 8 + z / 21 + turn)).astype(
        "f4"
    )
    # Fat in the groove between the ventricles, and thicker on the right side.
    groove = frame.tube(
        [(centre[0] + 2, centre[1] - 50, centre[2] + 50), (centre[0] + 12, centre[1] - 44, -20.0)], [6.0, 5.0]
    )
    whole.carve(groove)
    fat = np.clip(0.55 - 0.005 * x, 0.35, 0.9)
    whole.d = np.where(whole.d > 0, whole.d * fat, whole.d).astype(np.float32)
    return whole, _chambers(frame, whole, centre, size, tilt)


def _chambers(frame: Frame, whole: Region, centre: Point, size: float, tilt: Point) -> Region:
    """Left ventricle in a thick wall, the right side a thin-walled crescent round it."""
    cx, cy, cz = centre
    left = frame.ellipsoid((cx + 22 * size, cy + 3, cz), (25 * size, 18 * size, 32 * size), tilt)
    x, y, z = (c[left.box] - o for c, o in zip((frame.x, frame.y, frame.z), centre, strict=True))
    left.d += (1.6 * np.sin(x / 4 + z / 9) * np.sin(y / 4 - z / 7)).astype(np.float32)  # papillary muscles, trabeculae
    chambers = whole.grown(3.5)
    chambers.d += np.float32(7)
    chambers.carve(left, 10.0 * size)
    behind = frame.y[chambers.box] - np.float32(cy + 16) - 0.4 * (frame.x[chambers.box] - np.float32(cx))
    chambers.d = smooth_max(chambers.d, behind, 6.0).astype(np.float32)
    atrium = frame.ellipsoid((cx - 4, cy + 27 * size, cz + 20), (27 * size, 14 * size, 24 * size), (0.0, 0.0, 18.0))
    atrium.clip(whole, 3.0)
    chambers.join(atrium)
    chambers.join(left)
    return chambers


def oesophagus(frame: Frame) -> Region:
    """From behind the heart to the cardia."""
    return frame.tube(
        [(4.0, 14.0, 120.0), (6.0, 10.0, -5.0), (20.0, 6.0, -34.0), (44.0, 12.0, -46.0)], [7.0, 7.5, 8.0, 8.0]
    )


def outside_mass(frame: Frame, patient: Patient) -> tuple[Region, float] | None:
    """A mass outside the liver of 3 to 10 cm, with its HU; None for most patients."""
    if not patient.mass:
        return None
    rng = patient.rng("mass")
    sites = (
        (-45.0, -40.0, -165.0),
        (30.0, -30.0, -160.0),
        (55.0, 10.0, -150.0),
        (-15.0, -45.0, -150.0),
        (70.0, -40.0, -120.0),
        (-60.0, 30.0, -130.0),
    )
    site = sites[int(rng.integers(len(sites)))]
    radii = tuple(rng.uniform(15, 50) * rng.uniform(0.8, 1.2) for _ in range(3))
    centre = tuple(c + rng.uniform(-12, 12) for c in site)
    return frame.ellipsoid((centre[0], centre[1], centre[2]), (radii[0], radii[1], radii[2])), float(
        rng.uniform(15, 120)
    )


def ascites_layer(torso: Torso, patient: Patient, frame: Frame) -> Region | None:
    """Free fluid along the wall and the dome; None without ascites."""
    if not patient.ascites:
        return None
    depth = 2.5 * ascites_gap(patient)
    shell = np.maximum(torso.abdomen.d + 1, -torso.abdomen.d - np.float32(depth))
    gutter = frame.y - np.float32(0.55) * np.abs(frame.x) - 8  # behind it lies the retroperitoneum
    return frame.whole(smooth_max(shell, gutter, 8.0))


def ascites_gap(patient: Patient) -> float:
    """How far fluid lifts liver and spleen off the wall, in millimetres."""
    return float(patient.rng("ascites").uniform(3, 14)) if patient.ascites else 0.0


def _jittered(rng: np.random.Generator, point: Point, by: float) -> Point:
    x, y, z = (c + rng.uniform(-by, by) for c in point)
    return x, y, z

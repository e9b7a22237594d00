"""Great vessels, portal and hepatic venous trees, varices."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from fibrolens.phantom.patient import Patient
from fibrolens.phantom.shapes import Frame, Point, Region, Segment

CONFLUENCE: Point = (-4.0, -6.0, -118.0)
HILUM: Point = (-34.0, -10.0, -94.0)
CAVAL: Point = (-22.0, 6.0, -24.0)


def aorta(frame: Frame, patient: Patient) -> Region:
    """The aorta from the chest to its bifurcation, with coeliac and mesenteric stubs."""
    r = float(np.clip(patient.rng("aorta").normal(10.8 + 0.03 * (patient.age - 57), 1.0), 8, 15))
    region = frame.tube(
        [(20.0, 30.0, 140.0), (14.0, 24.0, 0.0), (9.0, 17.0, -90.0), (5.0, 17.0, -250.0)],
        [r * 1.08, r * 1.05, r, r * 0.85],
    )
    region.join(frame.tube([(9.0, 12.0, -100.0), (7.0, -6.0, -103.0)], [3.6, 3.2]), 2.0)
    return region


def arteries(frame: Frame) -> list[Region]:
    """Superior mesenteric artery, common hepatic and splenic artery."""
    return [
        frame.tube([(8.0, 8.0, -112.0), (5.0, -6.0, -128.0), (2.0, -10.0, -230.0)], [3.5, 3.4, 2.8]),
        frame.tube([(7.0, -6.0, -103.0), (-14.0, -12.0, -104.0), (-30.0, -14.0, -96.0)], [2.8, 2.4, 2.0]),
        frame.tube(
            [(7.0, -6.0, -103.0), (34.0, 2.0, -98.0), (56.0, 14.0, -94.0), (84.0, 24.0, -80.0)], [2.8, 2.6, 2.6, 2.2]
        ),
    ]


def vena_cava(frame: Frame, patient: Patient) -> Region:
    """The inferior vena cava up to the right atrium, with both renal veins."""
    flat = patient.rng("ivc").uniform(8.0, 12.5)
    path = [(-16.0, 18.0, -260.0), (-20.0, 15.0, -150.0), (-23.0, 11.0, -95.0), CAVAL, (-16.0, -4.0, 6.0)]
    region = frame.tube(path, [flat, flat, flat + 0.5, flat + 2.5, flat + 3])
    region.join(frame.tube([(-20.0, 14.0, -132.0), (8.0, 3.0, -132.0), (42.0, 32.0, -134.0)], [4.0, 4.0, 4.5]), 3.0)
    region.join(frame.tube([(-20.0, 16.0, -148.0), (-44.0, 34.0, -150.0)], [4.5, 4.5]), 3.0)
    return region


def portal_trunk(frame: Frame, patient: Patient) -> Region:
    """Portal trunk outside the liver, splenic and superior mesenteric vein."""
    r = patient.portal_vein_mm / 2 / float(np.mean(frame.pose.stretch[:2]))
    region = frame.tube([CONFLUENCE, (-18.0, -8.0, -106.0), HILUM], [r, r, r * 0.92])
    region.join(
        frame.tube(
            [CONFLUENCE, (28.0, -2.0, -108.0), (56.0, 14.0, -98.0), (88.0, 26.0, -84.0)],
            [0.75 * r, 0.66 * r, 0.6 * r, 0.5 * r],
        ),
        2.0,
    )
    region.join(
        frame.tube([CONFLUENCE, (-3.0, -12.0, -160.0), (-2.0, -16.0, -240.0)], [0.8 * r, 0.7 * r, 0.5 * r]), 2.0
    )
    return region


def portal_tree(frame: Frame, patient: Patient) -> Region:
    """Branches inside the liver, from both main branches to subsegments.

    Their width does not follow the trunk's: the sign of portal hypertension is the trunk.
    """
    rng = patient.rng("portal")
    r = rng.uniform(4.2, 5.4)
    right: Point = (-58.0, -2.0, -84.0)
    left: Point = (-6.0, -34.0, -74.0)
    segments = [(HILUM, right, 1.1 * r, r), (HILUM, left, 0.9 * r, 0.8 * r)]
    for tip in ((-98.0, 30.0, -70.0), (-100.0, 20.0, -118.0), (-85.0, -35.0, -60.0), (-80.0, -38.0, -110.0)):
        _branch(rng, segments, right, _near(rng, tip, 8.0), 0.72 * r, 4)
    for tip in ((28.0, -40.0, -54.0), (38.0, -58.0, -72.0), (-24.0, -62.0, -76.0), (-22.0, -48.0, -48.0)):
        _branch(rng, segments, left, _near(rng, tip, 6.0), 0.6 * r, 3)
    return _tree(frame, segments)


def hepatic_veins(frame: Frame, patient: Patient) -> Region:
    """Right, middle and left hepatic vein with side branches."""
    rng = patient.rng("hepatic")
    r = patient.hepatic_vein_mm / 2
    segments: list[Segment] = []
    for tip in ((-92.0, 28.0, -92.0), (-48.0, -40.0, -96.0), (24.0, -44.0, -58.0)):
        _branch(rng, segments, CAVAL, _near(rng, tip, 8.0), r, 4)
    return _tree(frame, segments)


def mesentery(frame: Frame, patient: Patient) -> Region:
    """Small vessels that fan out through the mesenteric fat, accompany the stomach and enter the splenic hilum."""
    segments = _gastric(patient.rng("gastric vessels"))
    rng = patient.rng("mesentery")
    for _ in range(14):
        tip: Point = (rng.uniform(-80, 90), rng.uniform(-62, 5), rng.uniform(-270, -125))
        root = _near(rng, (0.0, -12.0, -150.0), 12.0)
        _branch(rng, segments, root, tip, rng.uniform(1.6, 2.6), 1)
    return _tree(frame, segments)


def _gastric(rng: np.random.Generator) -> list[Segment]:
    """Gastroepiploic and left gastric arcade along the curvatures of the stomach, and branches at the splenic hilum."""
    greater: list[Point] = [(92.0, 8.0, -58.0), (94.0, -20.0, -86.0), (75.0, -54.0, -112.0), (35.0, -66.0, -136.0)]
    lesser: list[Point] = [(26.0, 4.0, -50.0), (32.0, -8.0, -76.0), (22.0, -22.0, -98.0), (-20.0, -26.0, -106.0)]
    segments: list[Segment] = []
    for arcade in (greater, lesser):
        bends = [_near(rng, p, 5.0) for p in arcade]
        for a, b in pairwise(bends):
            segments.append((a, b, 1.5, 1.5))
            _branch(rng, segments, b, _near(rng, b, 16.0), 0.85, 1)
    for _ in range(7):
        _branch(rng, segments, _near(rng, (82.0, 22.0, -86.0), 4.0), _near(rng, (100.0, 16.0, -88.0), 14.0), 2.1, 0)
    return segments


def varices(frame: Frame, patient: Patient) -> Region | None:
    """Tortuous collaterals at cardia, splenic hilum and umbilical fissure; None without varices."""
    if not patient.varices:
        return None
    rng = patient.rng("varices")
    region: Region | None = None
    for start, end, of_spleen in (
        ((14.0, 2.0, -20.0), (50.0, 14.0, -52.0), False),
        ((78.0, 22.0, -70.0), (92.0, 20.0, -105.0), True),
        ((10.0, -40.0, -86.0), (14.0, -78.0, -120.0), False),
    ):
        if of_spleen and patient.splenectomy:
            continue
        steps = np.linspace(start, end, 9) + rng.normal(0, 6, (9, 3))
        tube = frame.tube(
            [tuple(p) for p in steps], rng.uniform(2.0, 4.2, 9).tolist(), pad=60.0 if region is None else 14.0
        )
        if region is None:
            region = tube
        else:
            region.join(tube)
    return region


def _branch(
    rng: np.random.Generator,
    segments: list[Segment],
    a: Point,
    b: Point,
    r: float,
    depth: int,
) -> None:
    """A bent branch from `a` to `b` that forks on, thinner each time (Murray: the cubes of the radii add up)."""
    middle = _near(rng, tuple((p + q) / 2 for p, q in zip(a, b, strict=True)), 4.0)
    segments += [(a, middle, r, 0.9 * r), (middle, b, 0.9 * r, 0.8 * r)]
    if depth == 0 or r < 1.0:
        return
    way = np.subtract(b, a)
    length = float(np.linalg.norm(way)) * 0.62
    for start in (b, b, middle):
        turn = way / (np.linalg.norm(way) + 1e-6) + rng.normal(0, 0.55, 3)
        tip = np.add(start, turn / np.linalg.norm(turn) * length * rng.uniform(0.7, 1.2))
        _branch(rng, segments, start, tuple(tip.tolist()), 0.72 * r, depth - 2 if start is middle else depth - 1)


def _tree(frame: Frame, segments: list[Segment]) -> Region:
    """All segments in one region, each evaluated in its own small box."""
    # Thinner branches would fill too little of a voxel to show.
    thinnest = max(0.5, 0.3 * frame.geometry.spacing[1])
    return frame.capsules([s for s in segments if min(s[2:]) > thinnest], pad=4.0)


def _near(rng: np.random.Generator, point: tuple[float, ...], sd: float) -> Point:
    x, y, z = (float(c + rng.normal(0, sd)) for c in point)
    return x, y, z

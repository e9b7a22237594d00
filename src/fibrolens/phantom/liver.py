"""The liver: four lobes, each of its own size, moulded by what surrounds them until their volumes are met."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8

from fibrolens.phantom.patient import Patient
from fibrolens.phantom.shapes import Frame, Point, Region, ellipsoid_distance, smooth_max, smooth_min

#: Fixed points of the lobes' growth. Dome and wall are always filled, so a small lobe is a short one.
RIGHT_ANCHOR = (-95.0, 15.0, -15.0)
FOURTH_ANCHOR = (-12.0, -62.0, -15.0)
LATERAL_ANCHOR = (8.0, -38.0, -38.0)
CAUDATE_ANCHOR = (-18.0, 0.0, -66.0)
#: How far a lobe reaches beyond its border before it is rounded off, so that neighbours merge.
OVERLAP_MM = 5.0
FISSURE_X = 14.0
#: Levels of the portal bifurcation in the right lobe and of the left portal vein.
RIGHT_LEVEL_Z, LEFT_LEVEL_Z = -86.0, -60.0
#: The veins' planes stand upright through the caval confluence: millimetres of x per millimetre of y and vice versa.
CAVA = (-22.0, 6.0)
CANTLIE_SLOPE, RIGHT_VEIN_SLOPE = 0.56, -0.31
#: How much Cantlie's plane turns to the right, in slope per unit of size, as segment IV grows.
CANTLIE_TURN = 0.35
#: Undulation of the free surface: number of waves, their lengths and the amplitude of each in millimetres. All are
#: longer than what counts as nodularity (4 to 20 mm), and long enough for the polynomial that its marker fits.
UNDULATIONS, UNDULATION_MM, UNDULATION_HEIGHT_MM = 4, (45.0, 70.0), 0.8
#: Fat between the ligamentum teres and the liver.
LIGAMENT_GAP_MM = 3.0


@dataclass(frozen=True)
class LobeScale:
    """Linear sizes of the lobes: `right` (V to VIII), `fourth` (IV), `lateral` (II and III), `caudate` (I)."""

    right: float = 1.0
    fourth: float = 1.0
    lateral: float = 1.0
    caudate: float = 1.0


@dataclass(frozen=True, eq=False)
class Borders:
    """Signed distances to the borders between the lobes, millimetres of the canonical body.

    Args:
        caudate: negative in segment I.
        fissure: positive left of the umbilical fissure.
        cantlie: positive left of Cantlie's plane, through the middle hepatic vein.
    """

    caudate: Float32[np.ndarray, "a b c"]
    fissure: Float32[np.ndarray, "a b c"]
    cantlie: Float32[np.ndarray, "a b c"]


@dataclass(frozen=True, eq=False)
class Liver:
    """The liver on a grid.

    Args:
        region: parenchyma with its vessels.
        borders: between its lobes, on the whole box of the region.
    """

    region: Region
    borders: Borders


def make_liver(frame: Frame, patient: Patient, scale: LobeScale, obstacles: list[tuple[Region, float]]) -> Liver:
    """Lobes of the given sizes, clipped and carved.

    Args:
        frame: grid and pose.
        patient: whose liver.
        scale: sizes of the lobes.
        obstacles: what takes room from the liver, each with the gap in millimetres; a negative gap clips to it.
    """
    jitter = _jitter(patient)
    box = frame.box((-150.0, -110.0, -290.0), (130.0, 90.0, 8.0), pad=4.0)
    x, y, z = frame.x[box], frame.y[box], frame.z[box]
    fissure = x - _fissure_x(y, z, jitter)
    cantlie = _beyond_cantlie(x, y, scale.fourth)
    medial = cantlie + _receding(y, z, jitter) - np.float32(OVERLAP_MM)
    right = smooth_max(_right(x, y, z, scale.right, jitter), medial, 14.0)
    fourth = smooth_max(_fourth(x, y, z, scale.fourth, jitter), np.maximum(-cantlie, fissure) - OVERLAP_MM, 10.0)
    lateral = smooth_max(_lateral(x, y, z, scale.lateral, jitter), -fissure - np.float32(OVERLAP_MM), 10.0)
    caudate = _caudate(x, y, z, scale.caudate, jitter)
    others = smooth_min(smooth_min(right, fourth, 12.0), lateral, 10.0)
    d = smooth_min(others, caudate, 5.0) + _undulation(x, y, z, patient)
    region = Region(box, d.astype(np.float32, copy=False))
    _fissures(frame, region, patient, caudate)
    _impressions(frame, region, jitter)
    _mould(region, obstacles)
    # Their difference grows twice as fast as a distance.
    within = np.minimum(caudate, (caudate - others) * np.float32(0.5))
    return Liver(region, Borders(within, _border(fissure, fourth, lateral), _border(cantlie, right, fourth)))


def _mould(region: Region, obstacles: list[tuple[Region, float]]) -> None:
    """Take from the liver what needs its room, with the gap in millimetres; clip to what has a negative gap."""
    for obstacle, gap in obstacles:
        if gap < 0:
            region.clip(obstacle, -gap)
        else:
            region.carve(obstacle, gap)


def _border(plane: np.ndarray, before: np.ndarray, beyond: np.ndarray) -> np.ndarray:
    """The plane between two lobes, shifted where one has no neighbour, so that its overlap still counts as its own."""
    strip, outside = np.float32(OVERLAP_MM + 1), np.float32(3)
    shifted = np.minimum(plane, np.maximum(plane - strip, outside - beyond))
    border: np.ndarray = np.maximum(shifted, np.minimum(plane + strip, before - outside))
    return border


def couinaud(frame: Frame, liver: Liver) -> UInt8[np.ndarray, "a b c"]:
    """Couinaud-like parts, 1 to 8, on the whole box of the liver's region (Couinaud 1957).

    They are divided by the hepatic veins, the umbilical fissure and the portal bifurcation; what lies outside the liver
    has the number of the part whose planes enclose it.
    """
    x, y, z = (c[liver.region.box] for c in (frame.x, frame.y, frame.z))
    behind = y - CAVA[1] > RIGHT_VEIN_SLOPE * (x - CAVA[0])
    upper = z > RIGHT_LEVEL_Z
    right = np.where(behind, np.where(upper, 7, 6), np.where(upper, 8, 5))
    # Segment II is not only above but also behind III.
    lateral = np.where(z - LEFT_LEVEL_Z + 0.5 * (y + 44) > 0, 2, 3)
    borders = liver.borders
    medial = np.where(borders.fissure > 0, lateral, np.where(borders.cantlie > 0, 4, right))
    return np.where(borders.caudate < 0, 1, medial).astype(np.uint8)


def widening(patient: Patient) -> float:
    """How far fissures and gallbladder fossa gape, 0 to 1, as the right lobe and segment IV shrink."""
    return float(np.clip((patient.lsvr - 0.25) / 0.45, 0, 1))


def ligamentum_teres(frame: Frame, patient: Patient) -> Region:
    """The round ligament, 5 to 8 mm thick, in the umbilical fissure and on to the anterior wall."""
    jitter = _jitter(patient)
    radius = 3.2 + 0.7 * jitter[9]
    y, z = np.array([-44.0, -58.0, -72.0, -86.0]), np.array([-76.0, -90.0, -104.0, -126.0])
    course = np.stack([_fissure_x(y, z, jitter), y, z], axis=1).tolist()
    points: list[Point] = [(a, b, c) for a, b, c in course]
    return frame.tube(points, [0.8 * radius, radius, radius, 0.8 * radius])


def _jitter(patient: Patient) -> list[float]:
    """What makes the shape of a liver its own, each -1 to 1."""
    values: list[float] = patient.rng("liver").uniform(-1, 1, 18).tolist()
    return values


def _fissure_x(y: np.ndarray, z: np.ndarray, jitter: list[float]) -> np.ndarray:
    """The umbilical fissure's curved course: x at given y and z."""
    y, z = y + np.float32(36), z + np.float32(112 - 4 * jitter[10])
    bent = np.clip(y, -42, 30)
    wave = 3 * np.sin(z / 14 + 3 * jitter[14]) + 2.5 * np.sin(y / 8 - z / 19 + 3 * jitter[16])
    course: np.ndarray = FISSURE_X + 0.18 * y + (0.007 + 0.005 * jitter[13]) * bent * bent - wave
    return course.astype(np.float32)


def _beyond_cantlie(x: np.ndarray, y: np.ndarray, size: float) -> np.ndarray:
    """Distance from Cantlie's plane to the left; the plane gives way to a large segment IV."""
    slope = CANTLIE_SLOPE + CANTLIE_TURN * (size - 1)
    left: np.ndarray = (x - CAVA[0] - slope * (y - CAVA[1])) / (1 + slope**2) ** 0.5
    return left.astype(np.float32, copy=False)


def _receding(y: np.ndarray, z: np.ndarray, jitter: list[float]) -> np.ndarray:
    """How far the right lobe keeps off Cantlie's plane below the hilum, towards the gallbladder (millimetres)."""
    below = np.clip(np.float32(-88) - z, 0, 60)
    uneven = np.sin(y / 14 + z / 15 + np.float32(3 * jitter[12]))
    away: np.ndarray = np.float32(0.3) * below + np.minimum(0.25 * below, np.float32(5)) * uneven
    return away


def _right(x: np.ndarray, y: np.ndarray, z: np.ndarray, size: float, jitter: list[float]) -> np.ndarray:
    """Segments V to VIII above the slanting visceral surface."""
    x, y, z = _scaled(x, y, z, RIGHT_ANCHOR, (size**1.0, size**0.8, size**1.2))
    lobe = _ellipsoid(x, y, z, (-79.0, 2.0, -95.0), (81.0, 94.0, 122.0))
    return smooth_max(lobe, (_visceral(x, y, jitter) - z) * 0.75, 14.0)


def _fourth(x: np.ndarray, y: np.ndarray, z: np.ndarray, size: float, jitter: list[float]) -> np.ndarray:
    """Segment IV; a small one is a flap in front that keeps its height and leaves the porta bare."""
    x, y, z = _scaled(x, y, z, FOURTH_ANCHOR, (size**0.7, size**0.8, size**0.7))
    lobe = _ellipsoid(x, y, z, (-24.0, -42.0, -58 + 4 * jitter[0]), (56.0, 54.0, 62.0))
    floor = _visceral(x, y, jitter) - 20 + 1.6 * max(1.1 - size, -0.3) * (y + 80)
    return smooth_max(lobe, (floor - z) * 0.75, 14.0)


def _visceral(x: np.ndarray, y: np.ndarray, jitter: list[float]) -> np.ndarray:
    """Level of the visceral surface, which rises from the tip of the right lobe towards the porta."""
    tip, edge = -192 + 12 * jitter[1], -67 + 9 * jitter[2]
    # The medial border bulges towards the gallbladder and gives way to the colon in front and the kidney behind.
    bend = edge - 0.0042 * (y + 22 + 12 * jitter[11]) ** 2 + 5 * np.sin(y / 17 + 3 * jitter[12])
    rise = 1 / (1 + np.exp((bend - x) / 19))
    floor: np.ndarray = tip + 106 * rise + (0.30 + 0.1 * jitter[3]) * (y + 30) * rise - 0.12 * (x + 90) * (1 - rise)
    return floor


def _lateral(x: np.ndarray, y: np.ndarray, z: np.ndarray, size: float, jitter: list[float]) -> np.ndarray:
    """Segments II and III."""
    x, y, z = _scaled(x, y, z, LATERAL_ANCHOR, (size**1.2, size**0.8, size))
    reach = 62 + 12 * jitter[4]
    lobe = _ellipsoid(x, y, z, (28.0, -44 + 4 * jitter[5], -54 + 5 * jitter[6]), (reach, 34.0, 40.0))
    floor = -88 + 6 * jitter[7] + 0.28 * (x - 10) + 0.35 * (y + 45)
    return smooth_max(lobe, (floor - z) * 0.85, 10.0)


def _caudate(x: np.ndarray, y: np.ndarray, z: np.ndarray, size: float, jitter: list[float]) -> np.ndarray:
    """Segment I in front of the vena cava, which grows to the left and downwards."""
    x, y, z = _scaled(x, y, z, CAUDATE_ANCHOR, (size**1.3, size**0.85, size**0.85))
    return _ellipsoid(x, y, z, (-11.0, -5.0, -72.0), (20 + 2 * jitter[8], 17.0, 33.0))


def _undulation(x: np.ndarray, y: np.ndarray, z: np.ndarray, patient: Patient) -> np.ndarray:
    """Long waves in random directions that give each liver an outline of its own (millimetres)."""
    rng = patient.rng("liver outline")
    total: np.ndarray = np.zeros_like(x)
    for _ in range(UNDULATIONS):
        way = rng.standard_normal(3)
        way *= 2 * np.pi / rng.uniform(*UNDULATION_MM) / np.linalg.norm(way)
        a, b, c = way.astype(np.float32)
        total += np.float32(UNDULATION_HEIGHT_MM) * np.sin(a * x + b * y + c * z + np.float32(rng.uniform(0, 6.3)))
    return total


def _fissures(frame: Frame, region: Region, patient: Patient, caudate: np.ndarray) -> None:
    """The umbilical fissure from below, with the round ligament, and the one of the ligamentum venosum."""
    jitter, wide = _jitter(patient), widening(patient)
    region.carve(_umbilical(frame, 1.0 + 0.5 * jitter[9] + 2.0 * wide, jitter))
    region.carve(ligamentum_teres(frame, patient), LIGAMENT_GAP_MM)
    np.maximum(region.d, -_venosum(frame, region, caudate, wide, jitter), out=region.d)


def _umbilical(frame: Frame, width: float, jitter: list[float]) -> Region:
    """A curved cleft of fat from the free edge to the porta: a triangle in front, irregular behind, narrow above."""
    box = frame.box((-20.0, -100.0, -165.0), (50.0, -4.0, -56.0), pad=4.0)
    x, y, z = frame.x[box], frame.y[box], frame.z[box]
    across = x - _fissure_x(y, z, jitter)
    uneven = 1 + 0.35 * np.sin(y / 6 + z / 9 + 3 * jitter[15]) * np.sin(z / 7 - y / 15 + 3 * jitter[17])
    half = width * (uneven - 0.02 * np.clip(z + 112, -40, 40)) + 0.25 * np.clip(-58 - y, 0, 30)
    ends = ellipsoid_distance(x - FISSURE_X, y + 50, z + 112 - 4 * jitter[10], (44.0, 44.0, 50.0))
    return Region(box, smooth_max(np.abs(across) - half, ends, 3.0).astype(np.float32))


def _venosum(frame: Frame, region: Region, caudate: np.ndarray, wide: float, jitter: list[float]) -> np.ndarray:
    """A cleft along the front of the caudate that opens to the left, into the lesser omentum."""
    x, y, z = (c[region.box] for c in (frame.x, frame.y, frame.z))
    opening = np.clip((x + 12) / 16, 0.25, 2.0) * (1 + 0.4 * np.sin(z / 8 + x / 9 + 3 * jitter[17]))
    half = (0.8 + 1.0 * wide) * opening
    window = ellipsoid_distance(x - 4, y + 26, z + 76, (26.0, 22.0, 28.0))
    cleft: np.ndarray = smooth_max(np.abs(caudate - half) - half, window, 2.0)
    return cleft


def _impressions(frame: Frame, region: Region, jitter: list[float]) -> None:
    """Shallow hollows of colon, duodenum and stomach in the visceral surface."""
    for centre, radii in (
        ((-56 + 5 * jitter[15], -56.0, -186.0), (34.0, 30.0, 34.0)),
        ((-40.0, -4 + 6 * jitter[13], -150.0), (20.0, 22.0, 30.0)),
        ((52.0, -8.0, -74 + 6 * jitter[12]), (34.0, 30.0, 36.0)),
    ):
        region.carve(frame.ellipsoid(centre, radii))


def _scaled(
    x: np.ndarray, y: np.ndarray, z: np.ndarray, anchor: tuple[float, float, float], sizes: tuple[float, float, float]
) -> list[np.ndarray]:
    return [
        (c - np.float32(a)) * np.float32(1 / s) + np.float32(a)
        for c, a, s in zip((x, y, z), anchor, sizes, strict=True)
    ]


def _ellipsoid(
    x: np.ndarray, y: np.ndarray, z: np.ndarray, centre: tuple[float, ...], radii: tuple[float, ...]
) -> np.ndarray:
    cx, cy, cz = centre
    return ellipsoid_distance(
        x - np.float32(cx), y - np.float32(cy), z - np.float32(cz), (radii[0], radii[1], radii[2])
    )

"""The liver: four lobes that overshoot, moulded by what surrounds them, scaled until volume and LSVR are met."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, UInt8

from fibrolens.phantom.patient import Patient
from fibrolens.phantom.shapes import Frame, Region, ellipsoid_distance, smooth_max, smooth_min

#: Fixed point of the lobes' growth: the upper lateral right lobe and the upper middle for the left.
RIGHT_ANCHOR = (-95.0, 15.0, -15.0)
LEFT_ANCHOR = (-5.0, -38.0, -38.0)
FISSURE_X = 14.0
#: Levels of the portal bifurcation in the right lobe and of the left portal vein.
RIGHT_LEVEL_Z, LEFT_LEVEL_Z = -86.0, -60.0
#: The veins' planes stand upright through the caval confluence: millimetres of x per millimetre of y and vice versa.
CAVA = (-22.0, 6.0)
CANTLIE_SLOPE, RIGHT_VEIN_SLOPE = 0.56, -0.31


@dataclass(frozen=True)
class LobeScale:
    """Linear size of segments IV to VIII (`right`) and I to III (`left`)."""

    right: float = 1.0
    left: float = 1.0


@dataclass(frozen=True, eq=False)
class Liver:
    """The liver on a grid.

    Args:
        region: parenchyma with its vessels.
        segments: Couinaud-like parts, 1 to 8, on the whole box of the region; what lies outside the liver has the
            number of the part whose planes enclose it.
    """

    region: Region
    segments: UInt8[np.ndarray, "a b c"]

    @property
    def left(self) -> Bool[np.ndarray, "a b c"]:
        """Where segments I to III are."""
        left: np.ndarray = self.segments <= 3
        return left


def make_liver(frame: Frame, patient: Patient, scale: LobeScale, obstacles: list[tuple[Region, float]]) -> Liver:
    """Lobes of the given size, clipped and carved.

    Args:
        frame: grid and pose.
        patient: whose liver.
        scale: size of the lobes.
        obstacles: what takes room from the liver, each with the gap in millimetres; a negative gap clips to it.
    """
    rng = patient.rng("liver")
    jitter = rng.uniform(-1, 1, 16)
    box = frame.box((-150.0, -110.0, -290.0), (130.0, 90.0, 8.0), pad=4.0)
    x, y, z = frame.x[box], frame.y[box], frame.z[box]
    right = _right(x, y, z, scale.right, jitter)
    lateral, caudate = _left(x, y, z, scale.left, jitter)
    d = smooth_min(smooth_min(right, lateral, 14.0), caudate, 5.0)
    region = Region(box, d.astype(np.float32, copy=False))
    _fissures(frame, region, jitter, widening(patient))
    _impressions(frame, region, jitter)
    for obstacle, gap in obstacles:
        if gap < 0:
            region.clip(obstacle, -gap)
        else:
            region.carve(obstacle, gap)
    is_left = ((x > FISSURE_X) & (lateral < right + 12)) | (caudate < np.minimum(right, lateral))
    is_caudate = caudate < np.minimum(right, lateral)
    return Liver(region, _segments(x, y, z, is_left, is_caudate))


def widening(patient: Patient) -> float:
    """How far fissures and gallbladder fossa gape, 0 to 1, as the right lobe and segment IV shrink."""
    return float(np.clip((patient.lsvr - 0.25) / 0.45, 0, 1))


def _segments(
    x: np.ndarray, y: np.ndarray, z: np.ndarray, is_left: np.ndarray, is_caudate: np.ndarray
) -> UInt8[np.ndarray, "a b c"]:
    """Parts 1 to 8, divided by the middle and the right hepatic vein and the portal bifurcation (Couinaud 1957)."""
    fourth = x - CAVA[0] > CANTLIE_SLOPE * (y - CAVA[1])
    behind = y - CAVA[1] > RIGHT_VEIN_SLOPE * (x - CAVA[0])
    upper = z > RIGHT_LEVEL_Z
    right = np.where(behind, np.where(upper, 7, 6), np.where(upper, 8, 5))
    # Segment II is not only above but also behind III.
    lateral = np.where(z - LEFT_LEVEL_Z + 0.5 * (y + 44) > 0, 2, 3)
    parts = np.where(is_caudate, 1, np.where(is_left, lateral, np.where(fourth, 4, right)))
    return parts.astype(np.uint8)


def _right(x: np.ndarray, y: np.ndarray, z: np.ndarray, size: float, jitter: np.ndarray) -> np.ndarray:
    """Segments IV to VIII above the slanting visceral surface."""
    # Dome and wall are always filled, so a small lobe is a short one.
    x, y, z = _scaled(x, y, z, RIGHT_ANCHOR, (size**1.0, size**0.8, size**1.2))
    lobe = _ellipsoid(x, y, z, (-79.0, 2.0, -95.0), (81.0, 94.0, 122.0))
    fourth = _ellipsoid(x, y, z, (-26.0, -42.0, -58 + 4 * jitter[0]), (44.0, 48.0, 54.0))
    lobe = smooth_min(lobe, fourth, 16.0)
    tip, edge = -192 + 12 * jitter[1], -67 + 9 * jitter[2]
    # The medial border bulges towards the gallbladder and gives way to the colon in front and the kidney behind.
    bend = edge - 0.0042 * (y + 22 + 12 * jitter[11]) ** 2 + 5 * np.sin(y / 17 + z / 23 + 3 * jitter[12])
    rise = 1 / (1 + np.exp(-(x - bend) / 19))
    floor = tip + 106 * rise + (0.30 + 0.1 * jitter[3]) * (y + 30) * rise - 0.12 * (x + 90) * (1 - rise)
    return smooth_max(lobe, (floor - z) * 0.75, 14.0)


def _left(
    x: np.ndarray, y: np.ndarray, z: np.ndarray, size: float, jitter: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Segments II and III, and the caudate (I)."""
    x, y, z = _scaled(x, y, z, LEFT_ANCHOR, (size**1.2, size**0.8, size))
    reach = 62 + 12 * jitter[4]
    lateral = _ellipsoid(x, y, z, (28.0, -44 + 4 * jitter[5], -54 + 5 * jitter[6]), (reach, 34.0, 40.0))
    floor = -88 + 6 * jitter[7] + 0.28 * (x - 10) + 0.35 * (y + 45)
    lateral = smooth_max(lateral, (floor - z) * 0.85, 10.0)
    caudate = _ellipsoid(x, y, z, (-15.0, -4.0, -74.0), (17 + 2 * jitter[8], 19.0, 32.0))
    return lateral, caudate


def _fissures(frame: Frame, region: Region, jitter: np.ndarray, wide: float) -> None:
    """The umbilical fissure from below and the one for the ligamentum venosum before the caudate."""
    region.carve(_umbilical(frame, 1.6 + 0.7 * jitter[9] + 2.4 * wide, jitter))
    venosum = frame.ellipsoid((-1.0, -21.0, -80.0), (17.0, 0.8 + 0.8 * wide, 18.0), (12.0, 0.0, 24.0))
    venosum.d += (0.7 * np.sin(frame.x[venosum.box] / 6 + frame.z[venosum.box] / 10)).astype(np.float32)
    region.carve(venosum)


def _umbilical(frame: Frame, width: float, jitter: np.ndarray) -> Region:
    """A curved wedge of fat that opens below and towards the porta and tapers forwards and upwards."""
    box = frame.box((-10.0, -80.0, -155.0), (42.0, -8.0, -68.0), pad=4.0)
    x, y, z = frame.x[box] - FISSURE_X, frame.y[box] + 36, frame.z[box] + 112 - 4 * jitter[10]
    x = x - 0.18 * y - (0.009 + 0.005 * jitter[13]) * y * y + 3 * np.sin(z / 14 + 3 * jitter[14])
    across = width * (1 + 0.035 * np.clip(y, -24, 30) - 0.012 * np.clip(z, -40, 40))
    half = np.abs(x) - across
    ends = ellipsoid_distance(x, y, z, (40.0, 27.0, 36.0))
    return Region(box, smooth_max(half, ends, 3.0).astype(np.float32))


def _impressions(frame: Frame, region: Region, jitter: np.ndarray) -> None:
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

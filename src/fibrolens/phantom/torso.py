"""The container of the organs: skin, muscle wall, cavity, diaphragm domes, skeleton.

Canonical millimetres: x to the patient's left, y posterior, z superior; the right dome's top is at z = 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fibrolens.phantom.patient import Patient
from fibrolens.phantom.shapes import PAD_MM, Frame, Region, ellipsoid_distance, smooth_max, smooth_min
from fibrolens.phantom.strands import drift

CAVITY_MM = (127.0, 86.0)
WALL_MM = 13.0
VERTEBRA_Y = 46.0
VERTEBRA_PITCH_MM = 33.0


@dataclass(frozen=True, eq=False)
class Torso:
    """Regions on the whole grid.

    Args:
        skin, muscle: outer surfaces of the body and of the muscle wall.
        cavity: thorax and abdomen inside the wall; dome: what lies below the diaphragm; abdomen: both.
    """

    skin: Region
    muscle: Region
    cavity: Region
    dome: Region
    abdomen: Region


def make_torso(frame: Frame, patient: Patient) -> Torso:
    """The torso of a patient on a frame's grid."""
    x, y, z = frame.x, frame.y, frame.z
    rng = patient.rng("torso")
    wall = WALL_MM + rng.uniform(-3, 4)
    fat = patient.body.fat_mm
    flank, front, back = fat, fat * rng.uniform(0.6, 1.2), fat * rng.uniform(0.4, 0.9) + 4
    inside = _inside(x, y)
    cavity = smooth_max(inside, 6 - _ellipse(x, y - 92, 46.0, 40.0), 18.0)  # spine and back muscles push in
    erectors = _ellipse(np.abs(x) - 34, y - 64, 56.0, 40.0)
    muscle = smooth_min(inside - _thickness(np.abs(x), y, wall), erectors, 10.0)
    skin = frame.whole(_outline(x, y, flank, front, back, wall) + _lopsided(x, y, patient))
    skin.d += np.float32(2.5) * drift(frame, skin.box, patient.rng("skin"), 45.0)
    for crease in _creases(frame, patient, back):
        skin.carve(crease)
    dome = _dome(x, y, z, rng)
    return Torso(
        skin=skin,
        muscle=frame.whole(np.maximum(muscle, skin.d + 3)),
        cavity=frame.whole(cavity),
        dome=frame.whole(dome),
        abdomen=frame.whole(np.maximum(cavity, dome)),
    )


def _inside(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The inner surface of the wall: an oval that is flatter in front."""
    a, b = CAVITY_MM
    return smooth_max(_ellipse(x, y + 3, a, b + 3), -y - np.float32(b - 1), 30.0)


def _thickness(x: np.ndarray, y: np.ndarray, wall: float) -> np.ndarray:
    """Of the muscle wall: `wall` at the sides, in front the flat lens of the rectus between thin sheets of tendon."""
    rectus = np.clip(1.2 - 1.2 * ((x - 35) / 32) ** 2, 0, 1) * np.float32(0.55 * wall)
    lateral = np.clip((x - 66) / 22, 0, 1) * np.float32(wall - 2.5)
    front = np.clip((-y - 20) / 15, 0, 1)
    result: np.ndarray = wall + front * (2.5 + np.maximum(rectus, lateral) - np.float32(wall))
    return result


def _lopsided(x: np.ndarray, y: np.ndarray, patient: Patient) -> np.ndarray:
    """How far the skin lies further in: left is not right, and the flanks of slim people are hollow."""
    twist, heavy, hollow = patient.rng("outline").uniform((-5, -4, 2), (5, 4, 7))
    hollow *= np.clip((22 - patient.body.fat_mm) / 14, 0, 1)
    u, v = x * np.float32(1 / 150), y * np.float32(1 / 110)
    uu = u * u
    bend = u * v * np.float32(twist) + u * uu * np.float32(heavy)
    result: np.ndarray = bend + np.float32(hollow) * np.minimum(uu * uu, 1) * np.exp(-((v + 0.1) ** 2) * 9)
    return result


def _outline(x: np.ndarray, y: np.ndarray, flank: float, front: float, back: float, wall: float) -> np.ndarray:
    """The skin: flat in front of slim people, full at the flanks, and flat at the back with the furrow of the spine."""
    a, b = CAVITY_MM[0] + wall, CAVITY_MM[1] + wall
    rounded = _ellipse(x, y - 5 - (back - front) / 2, a + flank, b + 9 + (front + back) / 2)
    rounded = smooth_max(rounded, -y - np.float32(b + 4 + front), float(np.clip(44 - flank, 8, 36)))
    hips = _ellipse(x, y - 40, 0.95 * a + flank, 58 + back)
    skin = smooth_min(rounded, hips, 22.0)
    furrow = (7 + 0.1 * flank) * np.exp(-((x / 13) ** 2))
    return smooth_max(skin, y + furrow - np.float32(CAVITY_MM[1] + 19 + back), 26.0)


def _creases(frame: Frame, patient: Patient, back: float) -> list[Region]:
    """Folds that the skin makes behind the flanks of people with fat there, about 15 cm high."""
    rng = patient.rng("creases")
    creases = []
    for side in (-1.0, 1.0):
        y, z, depth, rise = rng.uniform((35, -230, 4, -4), (70, -20, 17, 12))
        x = (0.95 * (CAVITY_MM[0] + WALL_MM) + patient.body.fat_mm) * np.sqrt(1 - ((y - 40) / (58 + back)) ** 2)
        box = frame.box((side * x - 30, y - 20, z - 75), (side * x + 30, y + 20, z + 75), 0.0)
        height = np.abs(frame.z[box] - np.float32(z)) / np.float32(75)
        fold = _bar(side * frame.x[box], frame.y[box], (x + 14, y + 6), (x - depth, y - rise), 1.3) + 3 * height**4
        if rng.random() < 0.6 and patient.body.fat_mm > 12:
            creases.append(Region(box, fold.astype(np.float32)))
    return creases


def seams(frame: Frame, torso: Torso) -> Region:
    """Fat between the sheets of the wall's muscles, along the linea alba and around the erectors of the spine."""
    x, y = np.abs(frame.x), frame.y
    depth = torso.cavity.d
    between_ribs = np.clip((frame.z - _margin(x, y)) / 12, 0, 1)
    wander = 0.8 * np.sin(frame.y * np.float32(0.06) + frame.x * np.float32(0.04))
    sheets = np.minimum(np.abs(depth - 4.6 - wander) + 2 * between_ribs, np.abs(depth - 9.4 + wander)) - 0.65
    sheets = np.maximum(np.maximum(sheets, 62 - x), y - 62)
    alba = np.maximum(np.minimum(x - 1.6, np.abs(x - 54) - 1.2), y + 40)
    fat = np.minimum(sheets, alba)
    back = frame.box((-130.0, 44.0, -600.0), (130.0, 130.0, 600.0))
    x, y = x[back], y[back]
    erector = np.maximum(np.abs(_ellipse(x - 33, y - 85, 30.0, 19.0)) - np.float32(0.9), y - 92)
    erector = np.minimum(erector, np.maximum(np.abs(x - 20 - 0.4 * (y - 90)) - 0.6, np.abs(y - 90) - 11))
    latissimus = np.maximum(np.abs(_ellipse(x - 66, y - 66, 34.0, 22.0)) - np.float32(0.9), 56 - x)
    np.minimum(fat[back], np.minimum(erector, latissimus), out=fat[back])
    return frame.whole(np.maximum(np.maximum(fat, torso.muscle.d + 1), 2 - depth))


def cartilage(frame: Frame, ribs: Region, bone: float) -> np.ndarray:
    """HU of the ribs: bone that turns to cartilage towards the breastbone; marrow is softer than in the spine."""
    share = np.clip((-frame.y[ribs.box] - 46) / 10, 0, 1)
    hu: np.ndarray = bone + share * np.float32(95 - bone)
    return hu


def lung_vessels(frame: Frame, lungs: Region, patient: Patient) -> Region:
    """Vessels of the lung bases, from behind the heart outwards and down."""
    rng = patient.rng("lung vessels")
    region = Region.empty()
    for side in (-1.0, 1.0):
        for _ in range(16):
            root = (side * rng.uniform(34, 46) + 4, rng.uniform(0, 34), rng.uniform(30, 70))
            tip = (side * rng.uniform(60, 115), rng.uniform(-50, 66), rng.uniform(-70, 30))
            bend = tuple((p + q) / 2 + rng.normal(0, 9) for p, q in zip(root, tip, strict=True))
            vessel = frame.tube([root, (bend[0], bend[1], bend[2]), tip], [3.4, 2.2, 1.3], pad=4.0)
            if not region.d.size:
                box = frame.box((-125.0, -90.0, -90.0), (125.0, 90.0, 90.0))
                region = Region(box, np.full([s.stop - s.start for s in box], 28, np.float32))
            region.join(vessel)
    region.clip(lungs, 2.0)
    return region


def lungs(torso: Torso, frame: Frame) -> Region:
    """Both lungs: the cavity above the diaphragm without the mediastinum."""
    x, y = frame.x, frame.y
    lung = smooth_max(torso.cavity.d + 2, 3 - torso.dome.d, 4.0)
    mediastinum = smooth_min(_ellipse(x - 4, y - 32, 26.0, 30.0), _ellipse(x - 3, y + 45, 13.0, 60.0), 15.0)
    return _tight(smooth_max(lung, -mediastinum, 6.0))


def vertebrae(frame: Frame, patient: Patient) -> tuple[Region, Region]:
    """Spine as (whole, cancellous bone of the bodies); discs lie between the cancellous blocks."""
    shift = patient.rng("spine").uniform(0, VERTEBRA_PITCH_MM)
    box = frame.box((-50.0, 20.0, -600.0), (50.0, 110.0, 600.0))
    x, y, z = frame.x[box], frame.y[box], frame.z[box]
    phase = np.abs((z + shift) % VERTEBRA_PITCH_MM - VERTEBRA_PITCH_MM / 2) - VERTEBRA_PITCH_MM / 2
    canal = _ellipse(x, y - 71, 10.5, 8.5)
    body = _ellipse(x, y - VERTEBRA_Y, 22.5 + 0.14 * phase, 17 + 0.14 * phase)
    inner = np.maximum(np.maximum(body + 1.4, -phase - 14.5), 1.6 - canal)
    whole = smooth_min(body, _arch(np.abs(x), y, phase), 2.0)
    whole = smooth_max(whole, -canal, 2.0)
    return Region(box, whole.astype(np.float32)), Region(box, inner.astype(np.float32))


def _arch(x: np.ndarray, y: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """Pedicles, facet joints, laminae, transverse and spinous processes of one side; `phase` falls from the disc."""
    pedicle = np.maximum(_bar(x, y, (14.0, 56.0), (15.0, 68.0), 4.2), phase + 5)
    cleft = np.abs(0.8 * (x - 18.5) + 0.6 * (y - 75)) - 0.6
    joint = np.maximum(np.maximum(_ellipse(x - 18.5, y - 75, 7.0, 6.0), -cleft), -phase - 9)
    lamina = np.maximum(_bar(x, y, (15.0, 72.0), (0.0, 85.0), 2.8), -phase - 13)
    transverse = np.maximum(_bar(x, y, (16.0, 69.0), (36.0, 76.0), 4.0), phase + 8)
    spinous = np.maximum(_bar(x, y, (0.0, 85.0), (0.0, 97.0), 3.2), -phase - 14)
    arch = smooth_min(smooth_min(pedicle, transverse, 3.0), smooth_min(lamina, spinous, 4.0), 3.0)
    return np.minimum(arch, joint)


def _bar(
    x: np.ndarray, y: np.ndarray, start: tuple[float, float], end: tuple[float, float], radius: float
) -> np.ndarray:
    """Signed distance to an upright plate whose section is a capsule from `start` to `end`."""
    way = (end[0] - start[0], end[1] - start[1])
    x, y = x - np.float32(start[0]), y - np.float32(start[1])
    along = np.clip((x * way[0] + y * way[1]) / np.float32(way[0] ** 2 + way[1] ** 2), 0, 1)
    result: np.ndarray = np.hypot(x - along * way[0], y - along * way[1]) - np.float32(radius)
    return result


def discs(frame: Frame, patient: Patient) -> Region:
    """The discs between the vertebral bodies."""
    shift = patient.rng("spine").uniform(0, VERTEBRA_PITCH_MM)
    box = frame.box((-30.0, 20.0, -600.0), (30.0, 70.0, 600.0))
    x, y, z = frame.x[box], frame.y[box], frame.z[box]
    phase = np.abs((z + shift) % VERTEBRA_PITCH_MM - VERTEBRA_PITCH_MM / 2)
    return Region(box, np.maximum(_ellipse(x, y - VERTEBRA_Y, 21.0, 15.0), phase - 3.5).astype(np.float32))


def ribs(torso: Torso, frame: Frame, patient: Patient) -> Region:
    """Oblique arcs in the wall, descending to the front, down to the costal margin."""
    rng = patient.rng("ribs")
    pitch, slope, shift = rng.uniform(27, 32), rng.uniform(0.65, 1.0), rng.uniform(0, 30)
    x, y, z = frame.x, frame.y, frame.z
    height = z - slope * y + shift
    along = np.abs(height % pitch - pitch / 2)
    inset = rng.uniform(4.5, 8.0, 64).astype(np.float32)[(height // pitch).astype(np.int16) % 64]
    across = torso.cavity.d - inset
    rib = np.sqrt((along * 0.52) ** 2 + across * across) - 4.1
    rib = np.maximum(np.maximum(rib, _margin(np.abs(x), y) - z), 24 - np.abs(x))
    return _tight(rib)


def _margin(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Height of the costal margin, which rises to the front and middle; the back is the spine's."""
    result: np.ndarray = -130 + 0.9 * np.maximum(-y - 20, 0) + 0.35 * np.maximum(60 - x, 0)
    return result


def diaphragm(torso: Torso, frame: Frame) -> Region:
    """The muscle between lung and abdomen, a millimetre and a half thick."""
    return _tight(np.maximum(np.abs(torso.dome.d) - 1, torso.cavity.d))


def back_muscles(frame: Frame) -> list[Region]:
    """Psoas on both sides and the crura of the diaphragm."""
    muscles = []
    for side in (-1.0, 1.0):
        muscles.append(
            frame.tube(
                [
                    (side * 27.0, 44.0, -125.0),
                    (side * 34.0, 40.0, -190.0),
                    (side * 46.0, 36.0, -280.0),
                    (side * 60.0, 10.0, -380.0),
                ],
                [8.0, 15.0, 22.0, 22.0],
            )
        )
        for step in (0.0, 4.5, 9.0):
            path = [
                (side * (8.0 + 0.4 * step) + 6, 8.0 + step, -30.0),
                (side * 16.0 + 4, 16.0 + step, -90.0),
                (side * 18.0, 24.0 + 0.6 * step, -165.0),
            ]
            muscles.append(frame.tube(path, [2.6, 3.0, 2.8]))
    return muscles


def pelvis(frame: Frame) -> list[Region]:
    """The wings of the iliac bones, which the lowest slices of a long scan show."""
    return [
        frame.ellipsoid((side * 100.0, 40.0, -305.0), (9.0, 55.0, 55.0), (0.0, 0.0, side * -38.0)) for side in (-1, 1)
    ]


def arms(frame: Frame, patient: Patient) -> list[tuple[Region, Region]]:
    """Arms at the sides as pairs of (soft tissue, bone); empty where they are up."""
    if not patient.body.arms_down:
        return []
    reach = CAVITY_MM[0] + WALL_MM + patient.body.fat_mm + 42
    limbs = []
    for side in (-1.0, 1.0):
        path = [(side * reach, 25.0, 250.0), (side * (reach + 6), 15.0, -450.0)]
        limbs.append((frame.tube(path, [38.0, 32.0]), frame.tube(path, [10.0, 9.0])))
    return limbs


def _tight(d: np.ndarray) -> Region:
    """Distances on the whole grid as a region that ends some millimetres outside the shape."""
    near = d < PAD_MM / 2
    box = []
    for axis in range(3):
        at = np.flatnonzero(near.any(tuple(k for k in range(3) if k != axis)))
        box.append(slice(int(at[0]), int(at[-1]) + 1) if at.size else slice(0, 0))
    z, y, x = box
    return Region((z, y, x), d[z, y, x].astype(np.float32, copy=False))


def _ellipse(x: np.ndarray, y: np.ndarray, a: float | np.ndarray, b: float | np.ndarray) -> np.ndarray:
    """Signed distance to an upright elliptic cylinder, first order."""
    # In place, since it runs on whole grids.
    across, along = np.float32(1) / np.float32(a), np.float32(1) / np.float32(b)
    u, v = np.square(x * across), np.square(y * along)
    k0 = u + v
    u *= across * across
    v *= along * along
    u += v
    np.sqrt(k0, out=k0)
    np.sqrt(u, out=u)
    k0 += np.float32(1e-5)
    u += np.float32(1e-7)
    result: np.ndarray = k0 - 1
    result *= k0
    result /= u
    return result


def _dome(x: np.ndarray, y: np.ndarray, z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Both domes and the central tendon: half ellipsoids that go on downwards as cylinders."""
    left_top = rng.uniform(-22, -4)
    depth_r, depth_l = rng.uniform(85, 125), rng.uniform(80, 115)
    right = ellipsoid_distance(x + 66, y + 7, np.maximum(z + depth_r, 0), (82.0, 83.0, depth_r))
    left = ellipsoid_distance(x - 70, y + 4, np.maximum(z + depth_l - left_top, 0), (76.0, 80.0, depth_l))
    tendon = ellipsoid_distance(x - 5, y + 30, np.maximum(z + 85, 0), (75.0, 60.0, 67.0))
    return smooth_min(smooth_min(right, left, 25.0), tendon, 25.0)

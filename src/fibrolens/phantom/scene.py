"""The whole abdomen as layers, from the back of the picture to the front."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
from jaxtyping import Float, UInt8
from scipy.ndimage import gaussian_filter

from fibrolens.phantom import couch, lines, organs, strands, torso, vessels
from fibrolens.phantom.bowel import Loop, colon, folded, small_bowel
from fibrolens.phantom.fields import unit_sd
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.liver import Liver, LobeScale, couinaud, ligamentum_teres, make_liver, widening
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
#: So far from the liver vessels and fascia end: the fat along it shows next to none, and nodularity is read there.
PLAIN_FAT_MM = 7.0
#: What the scanner writes for metal: the top of its number range.
METAL_HU = 3071.0
#: Skin, whose lower layer also makes the septa of the fat below; the foam inside a table.
SKIN_HU, FOAM_HU = 15.0, -850.0


@dataclass(frozen=True, eq=False)
class Layer:
    """One thing to paint: its label, where it is, and its HU (a number, or one per voxel of the region's box)."""

    organ: Organ
    region: Region
    hu: float | np.ndarray


@dataclass(frozen=True)
class Fit:
    """Sizes that give a patient the intended volumes, and the reach of the liver (world z, millimetres)."""

    lobes: LobeScale
    spleen: float
    liver_z: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Scene:
    """Layers in painting order; the liver apart, since its disease is painted on the final grid.

    `liver_segments` are the Couinaud-like parts, 1 to 8, on the box of `liver`.
    """

    behind: list[Layer]
    liver: Region
    inside_liver: list[Layer]
    before: list[Layer]
    liver_segments: UInt8[np.ndarray, "a b c"]


def build_scene(frame: Frame, patient: Patient) -> Scene:
    """All layers of a patient on a frame's grid."""
    fit = fit_patient(patient)
    trunk = torso.make_torso(frame, patient)
    shaped = _Neighbours(frame, patient, trunk)
    liver = make_liver(frame, patient, fit.lobes, shaped.around_liver())
    spleen = organs.spleen(frame, patient, fit.spleen, trunk, shaped.around_spleen(liver.region))
    behind = _container(frame, patient, trunk)
    behind += _hollow_organs(frame, patient, shaped, liver.region, spleen)
    before = _solid_organs(frame, patient, shaped, spleen)
    return Scene(behind, liver.region, _liver_vessels(frame, patient), before, couinaud(frame, liver))


@lru_cache(maxsize=8)
def fit_patient(patient: Patient) -> Fit:
    """Fit the sizes of the liver's lobes and of the spleen on a coarse grid (a pure function, remembered)."""
    pose = make_pose(patient)
    frame = Frame(_fit_grid(pose), pose)
    trunk = torso.make_torso(frame, patient)
    shaped = _Neighbours(frame, patient, trunk)
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


class _Neighbours:
    """The organs that mould liver and spleen, evaluated once per frame."""

    def __init__(self, frame: Frame, patient: Patient, trunk: torso.Torso) -> None:
        self.patient = patient
        self.trunk = trunk
        self.kidneys = organs.kidneys(frame, patient)
        self.gallbladder = organs.gallbladder(frame, patient)
        self.vena_cava = vessels.vena_cava(frame, patient)
        self.portal = vessels.portal_trunk(frame, patient)
        self.aorta = vessels.aorta(frame, patient)
        self.back = frame.ellipsoid((6.0, 52.0, -100.0), (32.0, 42.0, 900.0))
        self.porta = frame.tube([(-2.0, -12.0, -124.0), (-20.0, -10.0, -106.0), vessels.HILUM], [17.0, 12.0, 7.0])

    def around_liver(self) -> list[tuple[Region, float]]:
        """What moulds the liver, with gaps; negative gaps clip."""
        lift = organs.ascites_gap(self.patient)
        skin = self.patient.rng("extraperitoneal fat").uniform(0.0, 1.0)
        around = [
            (self.trunk.cavity, -skin - lift), (self.trunk.dome, -skin - 0.8 - 0.7 * lift), (self.kidneys[0][0], 4.0),
            (self.vena_cava, 0.0), (self.portal, 1.0), (self.porta, 0.0), (self.back, 0.0), (self.aorta, 3.0),
        ]  # fmt: skip
        return around + ([(self.gallbladder, 5.0 * widening(self.patient))] if self.gallbladder else [])

    def around_spleen(self, liver: Region) -> list[tuple[Region, float]]:
        """What moulds the spleen, with gaps."""
        return [(liver, 0.5), (self.kidneys[1][0], 2.5), (self.back, 8.0)]


def _container(frame: Frame, patient: Patient, trunk: torso.Torso) -> list[Layer]:
    """Table, skin, fat, muscle, bone, chest."""
    e = patient.enhancement
    spine, cancellous = torso.vertebrae(frame, patient)
    whole_heart, chambers = organs.heart(frame, patient)
    whole_heart.carve(trunk.dome, 2.5)
    chambers.carve(trunk.dome, 8.0)
    carbon, foam = couch.table(frame, trunk.skin, patient)
    layers = [Layer(Organ.TABLE, carbon, 60.0), Layer(Organ.TABLE, foam, FOAM_HU)]
    layers += [Layer(Organ.TABLE, cable, lines.CABLE_HU) for cable in lines.cables(frame, patient)]
    for soft, bone in torso.arms(frame, patient):
        layers += [Layer(Organ.MUSCLE, soft, 45.0), Layer(Organ.BONE, bone, 500.0)]
    ribs, lungs = torso.ribs(trunk, frame, patient), torso.lungs(trunk, frame)
    seams = strands.marbling(frame, torso.seams(frame, trunk), trunk.muscle, trunk.cavity, patient)
    layers += [
        Layer(Organ.FAT, trunk.skin, SKIN_HU),
        Layer(Organ.FAT, strands.subcutaneous_fat(frame, trunk.skin, trunk.muscle, patient), e.fat),
        Layer(Organ.MUSCLE, trunk.muscle, e.muscle),
        Layer(Organ.FAT, seams, e.fat + 15),
        Layer(Organ.BONE, ribs, torso.cartilage(frame, ribs, 420.0)),
        Layer(Organ.BONE, ribs.grown(-1.7), torso.cartilage(frame, ribs, 0.5 * e.bone)),
        Layer(Organ.FAT, trunk.cavity, e.fat),
        Layer(Organ.BONE, spine, 560.0),
        Layer(Organ.MUSCLE, torso.discs(frame, patient), 85.0),
        Layer(Organ.BONE, cancellous, e.bone + 40 * _grain(frame, patient.rng("cancellous bone"), cancellous, 1.4)),
        *[Layer(Organ.BONE, wing, 330.0) for wing in torso.pelvis(frame)],
        *[Layer(Organ.MUSCLE, muscle, e.muscle) for muscle in torso.back_muscles(frame)],
        Layer(Organ.LUNG, lungs, e.lung),
        Layer(Organ.LUNG, torso.lung_vessels(frame, lungs, patient), e.heart - 30),
        Layer(Organ.MUSCLE, torso.diaphragm(trunk, frame), e.muscle),
        Layer(Organ.HEART, whole_heart.grown(3.0), e.fat + 40),
        Layer(Organ.HEART, whole_heart, e.heart - 15),
        Layer(Organ.HEART, chambers, e.heart + 25),
    ]
    return layers


def _hollow_organs(frame: Frame, patient: Patient, shaped: _Neighbours, liver: Region, spleen: Region) -> list[Layer]:
    """Ascites, bowel, stomach, oesophagus: what gives way to liver and spleen."""
    e = patient.enhancement
    layers = [Layer(Organ.FAT, strands.small_vessels(frame, shaped.trunk.abdomen, patient), e.hepatic_vein - 25)]
    fascia = strands.renal_fascia(frame, [whole for whole, _, _ in shaped.kidneys], shaped.trunk.cavity, patient)
    layers += [Layer(Organ.FAT, sheet, e.fat + 90) for sheet in fascia]
    for thread in layers:
        thread.region.carve(liver, PLAIN_FAT_MM)
    ligament = ligamentum_teres(frame, patient)
    ligament.clip(shaped.trunk.abdomen)
    layers.append(Layer(Organ.FAT, ligament, e.muscle))
    fluid = organs.ascites_layer(shaped.trunk, patient, frame)
    if fluid:
        layers.append(Layer(Organ.FLUID, fluid, e.ascites))
    layers.append(Layer(Organ.OESOPHAGUS, organs.oesophagus(frame), 60.0))
    mesentery = vessels.mesentery(frame, patient)
    mesentery.carve(liver, PLAIN_FAT_MM)
    layers.append(Layer(Organ.FAT, mesentery, e.hepatic_vein - 15))
    rng = patient.rng("bowel content")
    for loop in small_bowel(frame, patient) + colon(frame, patient):
        _make_room(loop.region, shaped, [(liver, 2.0), (spleen, 2.0)])
        layers += _bowel_layers(frame, patient, loop, rng)
    region, level = organs.stomach(frame, patient)
    _make_room(region, shaped, [(liver, 1.5), (spleen, 2.0)])
    layers.append(Layer(Organ.STOMACH, region, e.bowel_wall + 10))
    layers.append(_meal(frame, patient, organs.lumen(frame, patient, region), level))
    tube = lines.gastric_tube(frame, patient)
    if tube:
        tube.carve(liver, 1.0)
        layers.append(Layer(Organ.STOMACH, tube, lines.TUBE_HU))
    return layers


def _meal(frame: Frame, patient: Patient, lumen: Region, level: float) -> Layer:
    """What the stomach holds below its gas: clear fluid, food with bubbles, or now and then positive contrast."""
    rng = patient.rng("meal")
    kind, contrast, unevenness = rng.random(), rng.uniform(150, 350), rng.uniform(15, 45)
    fluid = patient.enhancement.stomach_content
    if kind < 0.5:
        return Layer(Organ.STOMACH, lumen, _content(frame, lumen, level, fluid))
    if kind > 0.92:
        return Layer(Organ.STOMACH, lumen, _content(frame, lumen, level, contrast))
    grain = _grain(frame, rng, lumen)
    food = fluid + unevenness * grain - 400 * np.clip(grain - 1.8, 0, 1)
    return Layer(Organ.STOMACH, lumen, _content(frame, lumen, level, food))


def _bowel_layers(frame: Frame, patient: Patient, loop: Loop, rng: np.random.Generator) -> list[Layer]:
    """Wall and content of a loop; a third of those without stool are contracted."""
    e = patient.enhancement
    inside = loop.region.grown(-2.0)
    contracted, fluid = rng.random() < 0.33, float(rng.uniform(5, 45))
    if not loop.stool:
        inside = folded(frame, loop.region, 4.5 if contracted else 2.0)
        hu: float | np.ndarray = _content(frame, inside, loop.gas_level, fluid)
    else:
        hu = np.where(frame.y[inside.box] < loop.gas_level - 20, np.float32(-950), _stool(frame, patient, inside))
    return [Layer(Organ.BOWEL, loop.region, e.bowel_wall), Layer(Organ.BOWEL, inside, hu)]


def _stool(frame: Frame, patient: Patient, inside: Region) -> np.ndarray:
    """Stool: soft tissue with bubbles of gas, grains of a few millimetres."""
    hu: np.ndarray = np.clip(-40 + 170 * _grain(frame, patient.rng("stool"), inside, 1.5), -650, 70)
    return hu


def _grain(frame: Frame, rng: np.random.Generator, region: Region, size_mm: float = 2.2) -> np.ndarray:
    """Noise of unit SD in a region's box, its grains some four times `size_mm` apart."""
    grain = rng.standard_normal(region.d.shape, dtype=np.float32)
    return unit_sd(gaussian_filter(grain, [size_mm / s for s in frame.geometry.spacing], mode="wrap"))


def _solid_organs(frame: Frame, patient: Patient, shaped: _Neighbours, spleen: Region) -> list[Layer]:
    """What lies over everything else: retroperitoneum, spleen, great vessels, gallbladder, mass."""
    e = patient.enhancement
    layers = [Layer(Organ.PANCREAS, organs.pancreas(frame, patient), e.pancreas)]
    layers += [Layer(Organ.ADRENAL, gland, e.pancreas - 10) for gland in organs.adrenals(frame)]
    for whole, medulla, sinus in shaped.kidneys:
        layers += [
            Layer(Organ.KIDNEY, whole, e.cortex),
            Layer(Organ.KIDNEY, medulla, e.medulla),
            Layer(Organ.KIDNEY, sinus, e.fat + 60),
        ]
    mass = organs.outside_mass(frame, patient)
    if mass:
        region, hu = mass
        _make_room(region, shaped, [(spleen, 1.0)])
        layers.insert(0, Layer(Organ.MASS, region, hu))
    layers += [Layer(Organ.AORTA, artery, e.aorta) for artery in vessels.arteries(frame)]
    layers += [
        Layer(Organ.IVC, shaped.vena_cava, e.hepatic_vein - 10),
        Layer(Organ.PORTAL_VEIN, shaped.portal, e.portal_vein),
        Layer(Organ.AORTA, shaped.aorta, e.aorta),
        Layer(Organ.SPLEEN, spleen, e.spleen),
    ]
    collaterals = vessels.varices(frame, patient)
    if collaterals:
        collaterals.carve(spleen)
        layers.append(Layer(Organ.VARICES, collaterals, e.portal_vein - 10))
    if shaped.gallbladder:
        layers += [
            Layer(Organ.GALLBLADDER, shaped.gallbladder, 55.0),
            Layer(Organ.GALLBLADDER, shaped.gallbladder.grown(-1.5), e.gallbladder),
        ]
    return layers + [Layer(Organ.METAL, part, METAL_HU) for part in organs.metal(frame, patient)]


def _liver_vessels(frame: Frame, patient: Patient) -> list[Layer]:
    e = patient.enhancement
    return [
        Layer(Organ.LIVER, vessels.hepatic_veins(frame, patient), e.hepatic_vein),
        Layer(Organ.LIVER, vessels.portal_tree(frame, patient), e.portal_vein),
    ]


def _make_room(region: Region, shaped: _Neighbours, others: list[tuple[Region, float]]) -> None:
    region.clip(shaped.trunk.cavity, 3.0)
    region.clip(shaped.trunk.dome, 3.0)
    for other, gap in others:
        region.carve(other, gap)


def _content(frame: Frame, region: Region, level: float, fluid: float | np.ndarray) -> np.ndarray:
    """Gas in front of a level, fluid behind it (the patient lies supine)."""
    return np.where(frame.y[region.box] < level, np.float32(-980), np.float32(fluid))


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

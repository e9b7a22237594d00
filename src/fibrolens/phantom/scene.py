"""The whole abdomen as layers, from the back of the picture to the front."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from scipy.ndimage import gaussian_filter

from fibrolens.phantom import couch, lines, organs, strands, torso, vessels
from fibrolens.phantom.bowel import Loop, colon, folded, small_bowel
from fibrolens.phantom.fields import unit_sd
from fibrolens.phantom.fit import fit_patient
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.liver import couinaud, ligamentum_teres, make_liver
from fibrolens.phantom.neighbours import Neighbours
from fibrolens.phantom.patient import Patient
from fibrolens.phantom.shapes import Frame, Region

#: So far from the liver vessels and fascia end: the fat along it shows next to none, and nodularity is read there.
PLAIN_FAT_MM = 7.0
#: What the scanner writes for metal: the top of its number range.
METAL_HU = 3071.0
#: Skin, whose lower layer also makes the septa of the fat below; the foam inside a table.
SKIN_HU, FOAM_HU = 15.0, -850.0


@dataclass(frozen=True, eq=False)
class Layer:
    """One thing to paint: its label, where it is, and its HU (a number, or one per voxel of the region's box).

    What has no organ leaves the labels as they are. On MR the `hu` are signals.
    """

    organ: Organ | None
    region: Region
    hu: float | np.ndarray


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
    shaped = Neighbours(frame, patient, trunk)
    liver = make_liver(frame, patient, fit.lobes, shaped.around_liver())
    spleen = organs.spleen(frame, patient, fit.spleen, trunk, shaped.around_spleen(liver.region))
    behind = _container(frame, patient, trunk)
    behind += _hollow_organs(frame, patient, shaped, liver.region, spleen)
    before = _solid_organs(frame, patient, shaped, spleen)
    return Scene(behind, liver.region, _liver_vessels(frame, patient), before, couinaud(frame, liver))


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


def _hollow_organs(frame: Frame, patient: Patient, shaped: Neighbours, liver: Region, spleen: Region) -> list[Layer]:
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


def _solid_organs(frame: Frame, patient: Patient, shaped: Neighbours, spleen: Region) -> list[Layer]:
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


def _make_room(region: Region, shaped: Neighbours, others: list[tuple[Region, float]]) -> None:
    region.clip(shaped.trunk.cavity, 3.0)
    region.clip(shaped.trunk.dome, 3.0)
    for other, gap in others:
        region.carve(other, gap)


def _content(frame: Frame, region: Region, level: float, fluid: float | np.ndarray) -> np.ndarray:
    """Gas in front of a level, fluid behind it (the patient lies supine)."""
    return np.where(frame.y[region.box] < level, np.float32(-980), np.float32(fluid))

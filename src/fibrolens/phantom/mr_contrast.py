"""A scene as MR shows it: each layer of the CT's scene with the signal of its tissue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from fibrolens.phantom.appearance import Inks
from fibrolens.phantom.contrast import Enhancement
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.mr import MrScan, Signal
from fibrolens.phantom.patient import Patient
from fibrolens.phantom.scene import Layer, Scene
from fibrolens.phantom.shapes import Frame, Point, Segment
from fibrolens.phantom.vessels import HILUM

Value = float | np.ndarray
#: SD of the parenchyma per HU of the CT's texture, as a share of the liver's signal, and what a septum lacks per HU of
#: its contrast. Our choices; with the noise, healthy livers vary by some 4 % (published: 4.1 ± 0.9 %, cirrhosis
#: 7.1 ± 2.0 %; Choi et al., Yonsei Med J 2014;55:651).
TEXTURE_SHARE, SEPTUM_SHARE = 0.007, 0.015
#: Signal per HU of the strands in fat and muscle.
STREAK = 0.0045
#: Signals that hardly differ between patients.
CORTICAL_BONE, DISC, WALL, MASS = 0.10, 0.60, 0.90, 0.95
#: The common bile duct runs before and to the right of the portal trunk, canonical millimetres.
DUCT: tuple[Point, ...] = ((-40.0, -19.0, -94.0), (-25.0, -18.0, -106.0), (-18.0, -10.0, -122.0), (-14.0, 2.0, -150.0))
DUCT_MM = 2.6
#: Main ducts inside the liver, along the two branches of the portal vein.
BRANCHES: tuple[Point, ...] = ((-61.0, -8.0, -82.0), (-9.0, -40.0, -72.0))
BRANCH_MM = 1.7


def mr_scene(frame: Frame, scene: Scene, patient: Patient, scan: MrScan) -> Scene:
    """`scene` with signals in the place of Hounsfield units, and with bile ducts; no label changes."""
    palette = _palette(scan.signal, patient.enhancement)

    def shown(layers: list[Layer]) -> list[Layer]:
        return [replace(layer, hu=_signal(palette, layer)) for layer in layers]

    return replace(
        scene,
        behind=shown(scene.behind),
        inside_liver=shown(scene.inside_liver),
        before=shown(scene.before) + _ducts(frame, scan.signal),
    )


def mr_inks(patient: Patient, scan: MrScan) -> Inks:
    """What is painted of a patient beside the layers."""
    liver = scan.signal.liver

    def lesion(kind: float, cyst: float, solid: float) -> float:
        # Nothing but hepatocytes takes up the contrast: every lesion is dark, cysts most.
        return 0.02 * cyst + scan.signal.fluid if kind < 0.35 else 0.75 + 0.25 * solid

    return Inks(
        air=0.0,
        liver=liver,
        texture=TEXTURE_SHARE * liver * patient.texture_sd_hu,
        septa=-SEPTUM_SHARE * liver * abs(patient.septa_hu),
        streak=STREAK,
        lesion=lesion,
    )


def _ducts(frame: Frame, signal: Signal) -> list[Layer]:
    """Bile ducts, filled by what the liver has excreted; part of no organ."""
    branches: list[Segment] = [(HILUM, tip, DUCT_MM, BRANCH_MM) for tip in BRANCHES]
    ducts = [frame.tube(DUCT, [DUCT_MM] * len(DUCT)), frame.capsules(branches)]
    return [Layer(None, duct, signal.bile) for duct in ducts]


def _signal(palette: Mapping[Organ, Callable[[Value], Value]], layer: Layer) -> Value:
    """Signal of a layer: a number where its HU are one."""
    signal = layer.hu if layer.organ is None else palette[layer.organ](layer.hu)
    return signal if isinstance(layer.hu, np.ndarray) else float(signal)


def _palette(s: Signal, e: Enhancement) -> Mapping[Organ, Callable[[Value], Value]]:
    """Per organ, from the HU of a layer to its signal."""
    return {
        **{organ: _constant(value) for organ, value in _plain(s).items()},
        Organ.FAT: lambda hu: s.fat + (s.muscle - s.fat) * np.clip((hu - e.fat) / (e.muscle - e.fat), 0, 1),
        Organ.MUSCLE: lambda hu: np.where(np.greater(hu, 80), DISC, s.muscle),
        Organ.BONE: _through((90.0, 350.0, 450.0), (1.25 * s.marrow, 0.9 * s.marrow, CORTICAL_BONE)),
        Organ.LUNG: _through((-850.0, 50.0), (s.lung, 0.7 * s.blood)),
        Organ.HEART: _through((e.fat + 40, e.heart - 15, e.heart + 25), (1.3 * s.fat, 0.9 * s.blood, s.blood)),
        Organ.KIDNEY: lambda hu: {e.cortex: s.cortex, e.medulla: s.medulla}.get(float(hu), 1.5 * s.fat),
        Organ.GALLBLADDER: lambda hu: s.bile if hu == e.gallbladder else WALL,
        # Gas is dark, fluid nearly so; food and stool shine as they hold fat and iron or not.
        **{
            organ: _through(
                (-500.0, -20.0, 40.0, 70.0, 110.0), (0.0, s.fluid, 1.2 * s.fluid, 0.8 * s.bowel_wall, s.bowel_wall)
            )
            for organ in (Organ.STOMACH, Organ.BOWEL)
        },
    }


def _plain(s: Signal) -> Mapping[Organ, float]:
    """Organs of one signal; of the liver only vessels are layers."""
    return {
        **dict.fromkeys((Organ.TABLE, Organ.METAL, Organ.AIR), 0.0),
        **dict.fromkeys((Organ.AORTA, Organ.IVC, Organ.PORTAL_VEIN, Organ.VARICES, Organ.LIVER), s.blood),
        **dict.fromkeys((Organ.PANCREAS, Organ.ADRENAL), s.pancreas),
        Organ.SPLEEN: s.spleen,
        Organ.FLUID: s.fluid,
        Organ.OESOPHAGUS: WALL,
        Organ.MASS: MASS,
    }


def _constant(value: float) -> Callable[[Value], Value]:
    return lambda hu: value


def _through(hu: tuple[float, ...], signal: tuple[float, ...]) -> Callable[[Value], Value]:
    return lambda values: np.interp(values, hu, signal)

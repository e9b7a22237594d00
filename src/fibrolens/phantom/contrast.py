"""Mean Hounsfield units per tissue: unenhanced value plus uptake, in one of four contrast phases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fibrolens.phantom.scan import Scan

STEATOSIS_DROP_HU = 37.0
#: Iodine's contrast at a tube voltage relative to 120 kV.
IODINE: Mapping[int, float] = {80: 1.55, 100: 1.2, 120: 1.0, 140: 0.88}
#: Uptake per phase as a factor on that of the portal venous phase. Our choices, around 35 s and 180 s.
UPTAKE: Mapping[str, Mapping[str, float]] = {
    "portal": {},
    "native": {},
    "arterial": {
        "liver": 0.2, "spleen": 1.1, "aorta": 2.5, "portal_vein": 0.3, "hepatic_vein": 0.05, "cortex": 1.0,
        "medulla": 0.15, "pancreas": 1.1, "heart": 1.7, "muscle": 0.4, "bowel_wall": 0.9,
    },
    "delayed": {
        "liver": 0.68, "spleen": 0.6, "aorta": 0.6, "portal_vein": 0.55, "hepatic_vein": 0.7, "cortex": 0.75,
        "medulla": 1.15, "pancreas": 0.55, "heart": 0.65, "muscle": 1.2, "bowel_wall": 0.7,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Enhancement:
    """Mean Hounsfield units per tissue."""

    liver: float
    spleen: float
    aorta: float
    portal_vein: float
    hepatic_vein: float
    cortex: float
    medulla: float
    pancreas: float
    heart: float
    muscle: float
    fat: float
    bowel_wall: float
    stomach_content: float
    gallbladder: float
    ascites: float
    bone: float
    lung: float


def sample_enhancement(
    rng: np.random.Generator, parenchymal: float, steatosis: bool, scan: Scan, spread: float
) -> Enhancement:
    """Draw a patient's Hounsfield units.

    Dose, tube voltage and delay move all organs together, so that they carry no stage.

    Args:
        rng: source of randomness.
        parenchymal: contrast uptake of the liver relative to a healthy one.
        steatosis: a fatty liver is darker.
        scan: phase, delay and tube voltage.
        spread: factor on the spread around the means.
    """
    dose = float(np.clip(rng.normal(1.0, 0.13 * spread), 0.5, 1.7)) * IODINE[scan.kvp]
    delay = scan.delay * spread
    given = 0.0 if scan.phase == "native" else dose

    def mean(tissue: str, native: float, uptake: float, sd: float, late: float = 0.0) -> float:
        taken = uptake * UPTAKE[scan.phase].get(tissue, 1.0) * given * (1 + late * delay)
        return native + taken + sd * spread * float(rng.standard_normal())

    # Between patients the unenhanced liver varies (glycogen, iron, a little fat): the published SD is 18 HU in all.
    liver = mean("liver", 55.0, 49 * parenchymal, 13.0) - (STEATOSIS_DROP_HU * rng.uniform(0.6, 1.4)) * steatosis
    return Enhancement(
        liver=float(max(liver, 15)),
        spleen=mean("spleen", 46.0, 66.0, 7.0, -1.0),
        aorta=mean("aorta", 40.0, 108.0, 8.0, -2.0),
        portal_vein=mean("portal_vein", 40.0, 125.0, 8.0, -1.0),
        hepatic_vein=mean("hepatic_vein", 40.0, 97.0, 12.0, 1.0),
        cortex=mean("cortex", 32.0, 160.0, 12.0, -1.0),
        medulla=mean("medulla", 32.0, 142.0, 12.0, 1.0),
        pancreas=mean("pancreas", 38.0, 55.0, 7.0, -1.0),
        heart=mean("heart", 42.0, 95.0, 10.0, -1.0),
        muscle=mean("muscle", 52.0, 9.0, 4.0),
        fat=float(rng.normal(-103, 5)),
        bowel_wall=mean("bowel_wall", 40.0, 45.0, 10.0),
        stomach_content=float(
            rng.choice([rng.uniform(-5, 25), rng.uniform(20, 70), rng.uniform(60, 110)], p=[0.6, 0.3, 0.1])
        ),
        gallbladder=float(np.clip(rng.normal(10, 7), -8, 45)),
        ascites=float(rng.uniform(0, 15)),
        bone=float(np.clip(rng.normal(200, 50), 90, 350)),
        lung=float(rng.uniform(-880, -780)),
    )

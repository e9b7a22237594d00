"""One simulated patient as plain numbers: disease, body, contrast and scan. Nothing here knows about voxels."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from fibrolens.phantom.severity import sample_signs

STEATOSIS_RATE = 0.13
STEATOSIS_DROP_HU = 37.0


@dataclass(frozen=True)
class Body:
    """Habitus, pose and breathing.

    Args:
        scale: size of the skeleton and cavity relative to the canonical adult.
        width: lateral stretch of the cavity; depth: its antero-posterior stretch.
        fat_mm: subcutaneous fat at the flank.
        visceral: stretch of the anterior cavity by visceral fat.
        rotation_deg: about the slice, row and column axis.
        offset_mm: of the body's centre from the middle of the field, LPS.
        arms_down: whether the arms lie at the sides.
        deformation_mm: amplitudes of the coarse and the fine octave of displacement.
    """

    scale: float
    width: float
    depth: float
    fat_mm: float
    rotation_deg: tuple[float, float, float]
    offset_mm: tuple[float, float, float]
    arms_down: bool
    deformation_mm: tuple[float, float]


@dataclass(frozen=True)
class Enhancement:
    """Mean Hounsfield units per tissue in the portal venous phase."""

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


@dataclass(frozen=True)
class Scan:
    """How the patient was scanned.

    Args:
        noise_hu: SD of the noise on 5 mm slices of the full grid.
        psf_mm: full width at half maximum of the in-plane point spread.
        pixel_mm: in-plane spacing of the full grid; slice_mm: its slice spacing.
        above_mm: slices above liver and spleen; below_mm: slices below them.
        kvp: tube voltage; vendor: name for the DICOM header.
    """

    noise_hu: float
    psf_mm: float
    pixel_mm: float
    slice_mm: float
    above_mm: float
    below_mm: float
    kvp: int
    vendor: str


@dataclass(frozen=True)
class Patient:
    """A simulated patient: same patient, same voxels.

    Args:
        patient_id: identifier.
        stage: METAVIR stage, 0 to 4; severity: the latent severity behind the signs.
        spleen_volume_ml, liver_volume_ml, lsvr: targets that the rendered organs meet.
        nodularity_mm: amplitude of the surface waves; texture_sd_hu: SD of the parenchyma before noise.
        seed: of everything that rendering draws.
    """

    patient_id: str
    stage: int
    severity: float
    age: int
    sex: str
    spleen_volume_ml: float
    liver_volume_ml: float
    lsvr: float
    nodularity_mm: float
    texture_sd_hu: float
    texture_length_mm: float
    portal_vein_mm: float
    ascites: bool
    varices: bool
    steatosis: bool
    lesions: int
    mass: bool
    enhancement: Enhancement
    body: Body
    scan: Scan
    seed: int

    def rng(self, subject: str) -> np.random.Generator:
        """The generator for one subject of the rendering (``"kidneys"``), the same at every call."""
        return np.random.default_rng([self.seed, zlib.crc32(subject.encode())])


def sample_patient(rng: np.random.Generator, stage: int, patient_id: str = "P0001", *, spread: float = 1.0) -> Patient:
    """Draw one patient of a stage.

    Age, sex, habitus, steatosis, contrast, lesions and scan do not depend on the stage.

    Args:
        rng: source of randomness.
        stage: METAVIR stage, 0 to 4.
        patient_id: identifier.
        spread: factor on the spread of tissue HU around their means; above 1 for training a segmentation.

    Raises:
        ValueError: `stage` is not 0 to 4.
    """
    signs = sample_signs(rng, stage)
    body = _sample_body(rng)
    steatosis = bool(rng.random() < STEATOSIS_RATE)
    # A larger person has a larger liver; the rest of the spread is the person's own (SD about 20 % in all).
    liver_ml = 1650.0 * body.scale**1.5 * float(np.exp(rng.normal(-0.015, 0.15)))
    return Patient(
        patient_id=patient_id,
        stage=stage,
        severity=signs.severity,
        age=int(np.clip(rng.normal(57, 14), 18, 90)),
        sex="M" if rng.random() < 0.6 else "F",
        spleen_volume_ml=signs.spleen_volume_ml,
        liver_volume_ml=float(np.clip(liver_ml, 750, 3200)),
        lsvr=signs.lsvr,
        nodularity_mm=signs.nodularity_mm,
        texture_sd_hu=signs.texture_sd_hu,
        texture_length_mm=float(rng.uniform(3, 6)),
        portal_vein_mm=signs.portal_vein_mm,
        ascites=signs.ascites,
        varices=signs.varices,
        steatosis=steatosis,
        lesions=int(rng.integers(1, 7)) if rng.random() < 0.35 else 0,
        mass=bool(rng.random() < 0.05),
        enhancement=_sample_enhancement(rng, signs.parenchymal_enhancement, steatosis, spread),
        body=body,
        scan=_sample_scan(rng, body),
        seed=int(rng.integers(2**62)),
    )


def _sample_body(rng: np.random.Generator) -> Body:
    return Body(
        scale=float(np.clip(rng.normal(1.0, 0.07), 0.84, 1.2)),
        width=float(np.clip(rng.normal(1.0, 0.06), 0.86, 1.16)),
        depth=float(np.clip(rng.normal(1.0, 0.07), 0.84, 1.2)),
        fat_mm=float(np.clip(rng.lognormal(np.log(16), 0.5), 4, 50)),
        rotation_deg=(float(rng.normal(0, 4)), float(rng.normal(0, 3)), float(rng.normal(0, 3))),
        offset_mm=(float(rng.normal(0, 8)), float(rng.normal(0, 12)), float(rng.uniform(-40, 40))),
        arms_down=bool(rng.random() < 0.15),
        deformation_mm=(float(rng.uniform(2, 9)), float(rng.uniform(0.5, 3.5))),
    )


def _sample_enhancement(rng: np.random.Generator, parenchymal: float, steatosis: bool, spread: float) -> Enhancement:
    """Unenhanced value plus uptake; dose and delay move all organs together, so that they carry no stage."""
    dose = float(np.clip(rng.normal(1.0, 0.13 * spread), 0.5, 1.7))
    delay = float(rng.normal(0, 0.06 * spread))

    def mean(native: float, uptake: float, sd: float, late: float = 0.0) -> float:
        return native + uptake * dose * (1 + late * delay) + sd * spread * float(rng.standard_normal())

    liver = mean(57.0, 49 * parenchymal, 7.0) - (STEATOSIS_DROP_HU if steatosis else 0) * rng.uniform(0.6, 1.3)
    return Enhancement(
        liver=float(max(liver, 25)),
        spleen=mean(47.0, 66.0, 6.0, -1.0),
        aorta=mean(40.0, 108.0, 8.0, -2.0),
        portal_vein=mean(40.0, 125.0, 8.0, -1.0),
        hepatic_vein=mean(40.0, 97.0, 12.0, 1.0),
        cortex=mean(32.0, 160.0, 12.0, -1.0),
        medulla=mean(32.0, 125.0, 20.0, 2.0),
        pancreas=mean(38.0, 55.0, 7.0, -1.0),
        heart=mean(42.0, 95.0, 10.0, -1.0),
        muscle=mean(52.0, 9.0, 4.0),
        fat=float(rng.normal(-103, 5)),
        bowel_wall=mean(40.0, 45.0, 10.0),
        stomach_content=float(
            rng.choice([rng.uniform(-5, 25), rng.uniform(20, 70), rng.uniform(60, 110)], p=[0.6, 0.3, 0.1])
        ),
        gallbladder=float(np.clip(rng.normal(10, 7), -8, 45)),
        ascites=float(rng.uniform(0, 15)),
        bone=float(np.clip(rng.normal(200, 50), 90, 350)),
        lung=float(rng.uniform(-880, -780)),
    )


def _sample_scan(rng: np.random.Generator, body: Body) -> Scan:
    # The field is set to the body; noise grows with it.
    field = 2 * (142 * body.scale * body.width + body.fat_mm) * rng.uniform(1.04, 1.22)
    size = body.scale * body.width * body.depth + (body.fat_mm - 16) / 150
    return Scan(
        noise_hu=float(np.clip(rng.normal(11, 2) * size, 6, 20)),
        psf_mm=float(rng.uniform(0.7, 1.3)),
        pixel_mm=round(float(np.clip(field / 512, 0.65, 0.95)), 4),
        slice_mm=float(rng.choice([2.5, 3.0, 4.0, 5.0])),
        above_mm=float(rng.uniform(12, 60)),
        below_mm=float(rng.uniform(10, 90)),
        kvp=int(rng.choice([100, 120, 140], p=[0.2, 0.65, 0.15])),
        vendor=str(rng.choice(["Alpha CT", "Beta CT", "Gamma CT"])),
    )

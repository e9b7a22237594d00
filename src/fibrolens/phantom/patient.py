"""One scan of a simulated patient as plain numbers: disease, body, contrast, records. Nothing here knows voxels."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from fibrolens.phantom.clinic import Record, sample_record
from fibrolens.phantom.contrast import Enhancement, sample_enhancement
from fibrolens.phantom.habitus import Body, sample_body
from fibrolens.phantom.mr import UPTAKE_SIGN, MrScan, sample_mr
from fibrolens.phantom.scan import Scan, sample_scan
from fibrolens.phantom.setting import Setting, hidden_stage
from fibrolens.phantom.severity import sample_scores, sign_values
from fibrolens.plan import PAPER_MIX

STEATOSIS_RATE = 0.13
METALS = ("clips", "spine")


class LobeShare(NamedTuple):
    """Mean share of a segment at the healthy LSVR, its relative SD, and the power of the LSVR that it goes with."""

    healthy: float
    scatter: float
    power: float


#: Our choice: a healthy caudate is 2.5 % of the liver and segment IV 16 %; where the left lobe grows the caudate grows
#: a little more, and segment IV shrinks more than the right lobe. With it the caudate is 5 % of a mean F4 liver.
CAUDATE_SHARE = LobeShare(0.12, 0.20, 0.15)
SEGMENT_IV_SHARE = LobeShare(0.20, 0.18, -0.25)
HEALTHY_LSVR = 0.26


@dataclass(frozen=True)
class Patient:
    """One scan of a simulated patient: same values, same voxels.

    Args:
        patient_id, scan_id: identifiers; a patient may be scanned twice.
        stage: METAVIR stage that the label says, 0 to 4.
        disease_stage: what the patient's blood values follow (see `Setting`); severity: it with the latent severity,
            which has SD 0.3.
        spleen_volume_ml, liver_volume_ml, lsvr: targets that the rendered organs meet.
        nodularity_mm: mean absolute deviation of the liver's surface; lsn: what the marker should read of it, 0.1 mm.
        nodule_mm: dominant wavelength of the surface.
        texture_sd_hu: SD of the parenchyma before noise; texture_length_mm: its correlation length.
        septa_hu: contrast of fibrous septa, negative where they take up less; septa_mm: width of their meshes.
        portal_vein_mm, hepatic_vein_mm: diameters of the portal trunk and of the hepatic veins.
        parenchymal_enhancement: contrast uptake of the liver relative to a healthy one, already in `enhancement`.
        splenectomy: no spleen; metal: ``clips``, ``spine`` or none (empty); partial: the scan cuts the liver.
        seed: of everything that rendering draws.
        mr: the MR that is seen in the place of the CT; or None.
    """

    patient_id: str
    scan_id: str
    stage: int
    disease_stage: int
    severity: float
    spleen_volume_ml: float
    liver_volume_ml: float
    lsvr: float
    lsn: float
    nodularity_mm: float
    nodule_mm: float
    texture_sd_hu: float
    texture_length_mm: float
    septa_hu: float
    septa_mm: float
    portal_vein_mm: float
    hepatic_vein_mm: float
    parenchymal_enhancement: float
    ascites: bool
    varices: bool
    steatosis: bool
    lesions: int
    mass: bool
    splenectomy: bool
    metal: str
    partial: bool
    enhancement: Enhancement
    body: Body
    scan: Scan
    record: Record
    seed: int
    mr: MrScan | None = None

    @property
    def age(self) -> int:
        """Years at the CT."""
        return self.record.age

    @property
    def sex(self) -> str:
        """M or F."""
        return self.record.sex

    @property
    def caudate_share(self) -> float:
        """Volume of segment I over that of I to III."""
        return self._lobe_share("caudate share", CAUDATE_SHARE)

    @property
    def segment_iv_share(self) -> float:
        """Volume of segment IV over that of IV to VIII."""
        return self._lobe_share("segment IV share", SEGMENT_IV_SHARE)

    @property
    def lobes_ml(self) -> tuple[float, float, float, float]:
        """Intended volumes of segments V to VIII, IV, II with III, and I, millilitres."""
        left = self.liver_volume_ml * self.lsvr / (1 + self.lsvr)
        right = self.liver_volume_ml - left
        fourth, caudate = right * self.segment_iv_share, left * self.caudate_share
        return right - fourth, fourth, left - caudate, caudate

    def rng(self, subject: str) -> np.random.Generator:
        """The generator for one subject of the rendering (``"kidneys"``), the same at every call."""
        return np.random.default_rng([self.seed, zlib.crc32(subject.encode())])

    def _lobe_share(self, subject: str, of: LobeShare) -> float:
        """A share that goes with the LSVR alone, so that it tells no more of the stage than the LSVR does."""
        scatter = 1 + of.scatter * float(np.clip(self.rng(subject).standard_normal(), -2.5, 2.5))
        return of.healthy * scatter * (self.lsvr / HEALTHY_LSVR) ** of.power


def sample_patient(
    rng: np.random.Generator,
    stage: int,
    patient_id: str = "P0001",
    *,
    setting: Setting | None = None,
    spread: float = 1.0,
    moved: Mapping[str, int] | None = None,
    mix: tuple[int, ...] = PAPER_MIX,
) -> Patient:
    """Draw one patient of a stage.

    Habitus, steatosis, contrast, lesions and, unless confounded, age, sex and scan do not depend on the stage. The
    number of draws never depends on the arguments, so that the same `rng` with one sign moved gives the same patient
    but for that sign.

    Args:
        rng: source of randomness.
        stage: METAVIR stage, 0 to 4.
        patient_id: identifier, also of the scan.
        setting: arm, confounding, phase and so on; the plain cohort if not given.
        spread: factor on the spread of tissue HU around their means; above 1 for training a segmentation.
        moved: sign -> stage whose value it takes, for a twin.
        mix: counts per stage from which the hidden stage of the arms without signs is drawn.

    Raises:
        ValueError: `stage` is not 0 to 4.
    """
    setting = setting or Setting()
    scores = sample_scores(rng)
    hidden = hidden_stage(rng, mix)
    disease_stage = setting.disease_stage(stage, hidden)
    stages = {**setting.sign_stages(stage, hidden), **(moved or {})}
    signs = sign_values(scores, stages, setting.strong_signs)
    body = sample_body(rng, trauma=setting.confounded and stage == 0)
    steatosis = bool(rng.random() < STEATOSIS_RATE)
    scan = sample_scan(rng, body, stage, setting)
    # A larger person has a larger liver; the rest of the spread is the person's own (SD about 20 % in all).
    liver_ml = 1650.0 * body.scale**1.5 * float(np.exp(rng.normal(-0.015, 0.15)))
    lesions, lesion_count, mass = rng.random() < 0.35, int(rng.integers(1, 7)), rng.random() < 0.05
    metal = METALS[int(rng.integers(len(METALS)))]
    no_spleen, has_metal, cut = rng.random(3) < (setting.splenectomy, setting.metal, setting.partial)
    patient = Patient(
        patient_id=patient_id,
        scan_id=patient_id,
        stage=stage,
        disease_stage=disease_stage,
        severity=disease_stage + 0.3 * scores.latent,
        spleen_volume_ml=0.0 if no_spleen else signs.spleen_volume_ml,
        liver_volume_ml=float(np.clip(liver_ml, 750, 3200)),
        lsvr=signs.lsvr,
        lsn=signs.lsn,
        nodularity_mm=signs.nodularity_mm,
        nodule_mm=_nodule_mm(rng, signs.nodularity_mm),
        texture_sd_hu=signs.texture_sd_hu,
        texture_length_mm=float(rng.uniform(3, 6)),
        septa_hu=signs.septa_hu * (1 if rng.random() < 0.5 else -1),
        septa_mm=float(np.clip(rng.lognormal(np.log(8.0), 0.3), 4, 16)),
        portal_vein_mm=signs.portal_vein_mm,
        hepatic_vein_mm=float(np.clip(rng.normal(8.5, 1.6), 5, 13)),
        parenchymal_enhancement=signs.parenchymal_enhancement,
        ascites=signs.ascites,
        varices=signs.varices,
        steatosis=steatosis,
        lesions=lesion_count if lesions else 0,
        mass=bool(mass),
        splenectomy=bool(no_spleen),
        metal=metal if has_metal else "",
        partial=bool(cut),
        enhancement=sample_enhancement(rng, signs.parenchymal_enhancement, steatosis, scan, spread),
        body=body,
        scan=scan,
        record=sample_record(rng, stage, (disease_stage, scores.latent), body.fat_mm, setting.confounded),
        seed=int(rng.integers(2**62)),
    )
    return _with_mr(patient, setting, stages[UPTAKE_SIGN], scores.latent, spread) if setting.is_mr else patient


def _with_mr(patient: Patient, setting: Setting, stage: int, latent: float, spread: float) -> Patient:
    """The same patient with what an MR shows of him, drawn from a generator of its own."""
    mr = sample_mr(
        patient.rng("mr"),
        patient.body,
        stage=stage,
        latent=latent,
        strong=UPTAKE_SIGN in setting.strong_signs,
        steatosis=patient.steatosis,
        spread=spread,
    )
    return replace(patient, mr=mr)


def _nodule_mm(rng: np.random.Generator, nodularity_mm: float) -> float:
    """Dominant wavelength of the surface, log-normal around 8 mm; very high waves are also long ones."""
    return float(np.clip(rng.lognormal(np.log(8.0), 0.3) + 6 * max(nodularity_mm - 0.8, 0.0), 4.0, 20.0))

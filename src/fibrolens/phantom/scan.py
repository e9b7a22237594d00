"""How a patient is scanned: geometry, tube, kernel, table, phase.

A shortcut arm or the paper's confounding ties some of it to the stage; otherwise it knows nothing of the disease.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from fibrolens.phantom.habitus import Body
from fibrolens.phantom.setting import Setting, has_trait


@dataclass(frozen=True)
class Site:
    """A scanner: its name in the header, its usual kernel, its table, and its noise relative to the others."""

    vendor: str
    kernel: str
    table: str
    noise: float


SITES = (
    Site("Alpha CT", "standard", "curved", 1.0),
    Site("Beta CT", "soft", "flat", 0.95),
    Site("Gamma CT", "sharp", "double", 1.08),
)
#: In-plane point spread of each kernel, full width at half maximum in millimetres.
KERNEL_PSF_MM: Mapping[str, float] = {"soft": 1.25, "standard": 1.0, "sharp": 0.8}
#: Noise on a scan's own slices before the kernel's part: with it, 8 to 15 HU.
NOISE_HU = (9.2, 12.6)
#: Noise at a tube voltage relative to 120 kV; tube current makes up for most of it.
KVP_NOISE: Mapping[int, float] = {80: 1.35, 100: 1.08, 120: 1.0, 140: 0.96}


@dataclass(frozen=True)
class Scan:
    """How the patient was scanned.

    Args:
        noise_hu: SD of the noise as 5 mm slices of the full grid would have it.
        psf_mm: full width at half maximum of the in-plane point spread.
        pixel_mm: in-plane spacing of the full grid; slice_mm: its slice spacing and the width of the slice profile.
        above_mm: how far it reaches above the dome; below_mm: below the lower poles of the kidneys.
        kvp: tube voltage; vendor: name for the DICOM header; kernel: soft, standard or sharp.
        table: curved, flat, double, or flat with a board.
        phase: contrast phase; delay: how late within the phase, in units that the uptake knows.
    """

    noise_hu: float
    psf_mm: float
    pixel_mm: float
    slice_mm: float
    above_mm: float
    below_mm: float
    kvp: int
    vendor: str
    kernel: str
    table: str
    phase: str
    delay: float


def sample_scan(rng: np.random.Generator, body: Body, stage: int, setting: Setting) -> Scan:
    """Draw a scan; the number of draws does not depend on the arguments.

    Args:
        rng: source of randomness.
        body: the field is set to it, and noise grows with it.
        stage: METAVIR stage, which only a shortcut arm or the paper's confounding looks at.
        setting: arm, confounding, phase.
    """
    site = SITES[int(rng.integers(len(SITES)))]
    kvp = int(rng.choice([100, 120, 140], p=[0.2, 0.65, 0.15]))
    slice_mm = float(rng.choice([2.5, 3.0, 4.0, 5.0]))
    trait = has_trait(rng, stage)
    blur = 0.0
    if setting.trait in ("site", "table"):
        # A bare table of carbon and foam is next to nothing in the network's window and on its pixels; a board is seen.
        other = replace(SITES[2], table="board") if trait else SITES[1]
        site = other if setting.trait == "site" else replace(site, table=other.table)
    elif setting.trait == "kvp":
        kvp = 80 if trait else 140
    elif setting.trait == "spacing":
        slice_mm, blur = (10.0, 4.0) if trait else (2.5, 0.0)
    late, sharp = float(rng.normal(0, 0.06)), rng.random() < 0.6
    if setting.confounded:
        # Trauma scans are thin, sharp and early; the work-up before transplantation takes its time.
        emergency = stage == 0
        site = SITES[2] if emergency and sharp else site
        slice_mm = 2.5 if emergency and slice_mm > 3 else slice_mm
        late += -0.05 if emergency else 0.05
    field = 2 * (142 * body.scale * body.width + body.fat_mm) * rng.uniform(1.04, 1.22)
    size = body.scale * body.width * body.depth + (body.fat_mm - 16) / 150
    psf = float(np.hypot(KERNEL_PSF_MM[site.kernel] * rng.uniform(0.92, 1.08), blur))
    # Thin slices and large bodies are given more dose, so that a reader sees much the same noise on all.
    wanted = rng.normal(10.7, 0.8) * size**0.6 * site.noise * KVP_NOISE[kvp]
    middle, reach = sum(NOISE_HU) / 2, (NOISE_HU[1] - NOISE_HU[0]) / 2
    seen = middle + reach * float(np.tanh((wanted - middle) / reach))
    return Scan(
        noise_hu=float(seen * (slice_mm / 5) ** 0.5),
        psf_mm=psf,
        pixel_mm=round(float(np.clip(field / 512, 0.6, 0.98)), 4),
        slice_mm=slice_mm,
        above_mm=float(rng.uniform(12, 60)),
        below_mm=float(rng.uniform(10, 90)),
        kvp=kvp,
        vendor=site.vendor,
        kernel=site.kernel,
        table=site.table,
        phase=setting.phase,
        delay=late,
    )

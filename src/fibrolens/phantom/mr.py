"""How a patient is scanned by MR: hepatobiliary phase of gadoxetic acid, T1-weighted, fat suppressed; and what shines.

Fibrosis goes with less uptake of gadoxetic acid by the liver. Relative enhancement (signal at 20 minutes over that
before contrast, less one) falls with the stage; at one hospital its cuts were 0.90, 0.79, 0.60 and 0.47 for Ishak 1, 2,
4 and 6 (Verloh et al., Sci Rep 2018, doi 10.1038/s41598-018-24316-z). Means and spread per stage are our choice: steps
of that order, with a spread as wide as it takes for networks to reach no more than was published (AUC 0.84 to 0.91).

Everything is drawn from a stream of its own, so that the same patient's CT is the same with or without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fibrolens.phantom.habitus import Body
from fibrolens.phantom.severity import LOADING, STAGE_COUNT, MeanSd

#: The sign that MR shows in the place of the CT's `enhancement`.
UPTAKE_SIGN = "uptake"
#: Relative enhancement per stage F0..F4, mean and SD; and for ``--effect strong``.
UPTAKE: tuple[MeanSd, ...] = ((0.95, 0.24), (0.90, 0.24), (0.82, 0.24), (0.72, 0.24), (0.58, 0.24))
STRONG_UPTAKE: tuple[MeanSd, ...] = ((1.00, 0.10), (0.85, 0.10), (0.65, 0.10), (0.45, 0.10), (0.25, 0.08))
UPTAKE_LIMITS = (0.05, 1.8)

VENDORS = ("Alpha MR", "Beta MR", "Gamma MR")
FIELD_STRENGTHS = (1.5, 3.0)
#: Pixels of the matrix, and what their width may be.
PIXELS, PIXEL_MM = 320, (1.2, 1.6)
SLICE_MM = 3.0


@dataclass(frozen=True)
class Signal:
    """Mean signal per tissue; 1 is a healthy liver before contrast."""

    liver: float
    spleen: float
    muscle: float
    blood: float
    cortex: float
    medulla: float
    pancreas: float
    fat: float
    bowel_wall: float
    bile: float
    fluid: float
    marrow: float
    lung: float


@dataclass(frozen=True)
class MrScan:
    """One MR of the hepatobiliary phase.

    Args:
        uptake: relative enhancement of the liver, already in `signal`.
        signal: of the tissues, before coil and scanner.
        field_strength: tesla.
        vendor: name of the scanner.
        pixel_mm: in-plane spacing of the full grid; slice_mm: its slice spacing.
        psf_mm: full width at half maximum of the in-plane point spread.
        noise: SD in each of both channels on the scan's own voxels.
        coil: SD of the logarithm of what is left of the coils' sensitivity.
        scale: of the arbitrary units.
    """

    uptake: float
    signal: Signal
    field_strength: float
    vendor: str
    pixel_mm: float
    slice_mm: float
    psf_mm: float
    noise: float
    coil: float
    scale: float


def sample_mr(
    rng: np.random.Generator, body: Body, *, stage: int, latent: float, strong: bool, steatosis: bool, spread: float
) -> MrScan:
    """Draw a scan; the number of draws does not depend on the arguments.

    Args:
        rng: source of randomness.
        body: the field of view is set to it.
        stage: that the uptake follows, 0 to 4.
        latent: the patient's severity within the stage, standard normal; the uptake loads on it as all signs do.
        strong: the uptake tells the stages apart almost wholly.
        steatosis: what is fat of a liver is suppressed.
        spread: factor on the spread of the tissues around their means.

    Raises:
        ValueError: `stage` is not 0 to 4.
    """
    if stage not in range(STAGE_COUNT):
        raise ValueError(f"stage must be 0 to 4; it is {stage!r}")
    score = LOADING * latent + (1 - LOADING**2) ** 0.5 * float(rng.standard_normal())
    mean, sd = (STRONG_UPTAKE if strong else UPTAKE)[stage]
    uptake = float(np.clip(mean - sd * score, *UPTAKE_LIMITS))
    strength = FIELD_STRENGTHS[int(rng.integers(2))]
    field = 2 * (142 * body.scale * body.width + body.fat_mm) * rng.uniform(1.04, 1.22)
    return MrScan(
        uptake=uptake,
        signal=_sample_signal(rng, uptake, steatosis, spread),
        field_strength=strength,
        vendor=VENDORS[int(rng.integers(len(VENDORS)))],
        pixel_mm=round(float(np.clip(field / PIXELS, *PIXEL_MM)), 4),
        slice_mm=SLICE_MM,
        psf_mm=float(rng.uniform(1.5, 2.1)),
        noise=float(rng.uniform(0.035, 0.06)) * (1.0 if strength > 2 else 1.3),
        coil=float(rng.uniform(0.05, 0.12)) * (1.4 if strength > 2 else 1.0),
        scale=float(np.exp(rng.normal(np.log(220.0), 0.45))),
    )


#: Means and relative spread of what does not depend on the liver. Our choices, after clinical images at 20 minutes:
#: spleen and muscle about half as bright as a healthy liver, vessels a little above, kidneys nearly as bright, fat,
#: fluid, cortical bone and lung dark.
TISSUES: Mapping[str, tuple[float, float]] = {
    "spleen": (0.98, 0.07), "muscle": (0.88, 0.06), "blood": (1.08, 0.08), "cortex": (1.65, 0.10),
    "medulla": (1.85, 0.12), "pancreas": (1.22, 0.08), "fat": (0.30, 0.18), "bowel_wall": (1.05, 0.12),
    "fluid": (0.30, 0.20), "marrow": (0.48, 0.18), "lung": (0.06, 0.25),
}  # fmt: skip


def _sample_signal(rng: np.random.Generator, uptake: float, steatosis: bool, spread: float) -> Signal:
    """Signals of one patient; bile is what the liver has taken up."""
    native = 1 + 0.07 * spread * float(rng.standard_normal())
    suppressed = rng.uniform(0.75, 0.92)
    bile = float(np.clip(0.9 + 1.3 * uptake + 0.3 * spread * rng.standard_normal(), 0.4, 3.0))
    others = {
        name: mean * max(1 + sd * spread * float(rng.standard_normal()), 0.3) for name, (mean, sd) in TISSUES.items()
    }
    return Signal(liver=native * (suppressed if steatosis else 1.0) * (1 + uptake), bile=bile, **others)

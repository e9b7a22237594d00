"""From a METAVIR stage to the values of the signs that a CT can show.

One latent severity per patient, drawn within the stage, loads on every sign; the rest of each sign's spread is its own.
So each sign keeps its published distribution per stage, while signs of one patient correlate by `LOADING` squared.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

STAGE_COUNT = 5
PAPER_MIX = (134, 8, 10, 18, 82)
#: Loading of each sign on the latent severity; two signs correlate by its square (0.5) within a stage.
LOADING: float = 0.5**0.5

#: Mean and SD per stage F0..F4. Pickhardt et al. 2017 (volumes, LSVR) and Smith et al. (surface nodularity, LSN).
SPLEEN_ML = ((215.0, 89.0), (295.0, 153.0), (292.0, 197.0), (510.0, 403.0), (791.0, 450.0))
LSVR = ((0.26, 0.06), (0.25, 0.08), (0.33, 0.12), (0.39, 0.15), (0.56, 0.30))
NODULARITY_LSN = ((2.26, 0.44), (2.26, 0.44), (2.35, 0.37), (2.42, 0.38), (3.19, 0.89))
#: Our choices: texture alone should reach an AUC of 0.75 to 0.80, the portal vein much less.
TEXTURE_SD_HU = ((4.0, 1.6), (4.0, 1.6), (4.4, 1.8), (5.0, 2.1), (6.2, 2.7))
PORTAL_VEIN_MM = ((15.5, 1.9), (15.5, 1.9), (15.5, 1.9), (15.9, 2.2), (16.6, 2.6))
PARENCHYMAL_ENHANCEMENT = ((1.0, 0.08), (1.0, 0.08), (0.98, 0.08), (0.95, 0.09), (0.86, 0.10))
ASCITES_RATE = (0.0, 0.0, 0.0, 0.05, 0.20)
VARICES_RATE = (0.0, 0.0, 0.05, 0.15, 0.45)

#: Beyond these a spleen no longer fits the abdomen, or is no spleen.
SPLEEN_LIMITS_ML = (60.0, 2600.0)
LSVR_LIMITS = (0.10, 1.60)


@dataclass(frozen=True)
class Signs:
    """What the disease does to one patient; units are in the names."""

    severity: float
    spleen_volume_ml: float
    lsvr: float
    nodularity_mm: float
    texture_sd_hu: float
    portal_vein_mm: float
    parenchymal_enhancement: float
    ascites: bool
    varices: bool


def sample_signs(rng: np.random.Generator, stage: int) -> Signs:
    """Draw the signs of one patient.

    Args:
        rng: source of randomness.
        stage: METAVIR stage, 0 to 4.

    Returns:
        The signs. `severity` is the stage plus the latent severity within it, which has SD 0.3.

    Raises:
        ValueError: `stage` is not 0 to 4.
    """
    if stage not in range(STAGE_COUNT):
        raise ValueError(f"stage must be 0 to 4; it is {stage!r}")
    latent = float(rng.standard_normal())
    spleen = _lognormal(SPLEEN_ML[stage], _loaded(rng, latent))
    lsvr = _lognormal(LSVR[stage], _loaded(rng, latent))
    # LSN counts tenths of a millimetre of mean |deviation|; a wave of amplitude A deviates by 2 A / pi on average.
    nodularity = 0.1 * np.pi / 2 * _lognormal(NODULARITY_LSN[stage], _loaded(rng, latent))
    texture = _lognormal(TEXTURE_SD_HU[stage], _loaded(rng, latent))
    portal = _normal(PORTAL_VEIN_MM[stage], _loaded(rng, latent))
    enhancement = _normal(PARENCHYMAL_ENHANCEMENT[stage], -_loaded(rng, latent))
    return Signs(
        severity=stage + 0.3 * latent,
        spleen_volume_ml=float(np.clip(spleen, *SPLEEN_LIMITS_ML)),
        lsvr=float(np.clip(lsvr, *LSVR_LIMITS)),
        nodularity_mm=float(nodularity),
        texture_sd_hu=texture,
        portal_vein_mm=float(np.clip(portal, 9.0, 24.0)),
        parenchymal_enhancement=float(np.clip(enhancement, 0.5, 1.3)),
        ascites=_occurs(ASCITES_RATE[stage], _loaded(rng, latent)),
        varices=_occurs(VARICES_RATE[stage], _loaded(rng, latent)),
    )


def paper_stages(n: int) -> list[int]:
    """The paper's mix 134/8/10/18/82 scaled to `n` patients, ordered by stage.

    Each stage gets its rounded-down share, but at least one patient (from five patients on); what is left goes to the
    stages with the largest remainders.

    Raises:
        ValueError: `n` is negative.
    """
    if n < 0:
        raise ValueError(f"n must not be negative; it is {n!r}")
    share = np.array(PAPER_MIX) * n / sum(PAPER_MIX)
    least = 1 if n >= STAGE_COUNT else 0
    counts = np.maximum(np.floor(share), least).astype(int)
    while counts.sum() < n:
        counts[np.argmax(share - counts)] += 1
    while counts.sum() > n:
        counts[np.argmax(np.where(counts > least, counts - share, -np.inf))] -= 1
    return [stage for stage, count in enumerate(counts) for _ in range(count)]


def _loaded(rng: np.random.Generator, latent: float) -> float:
    """A standard normal value that correlates with the latent severity."""
    own: float = (1 - LOADING**2) ** 0.5
    return LOADING * latent + own * float(rng.standard_normal())


def _lognormal(mean_sd: tuple[float, float], score: float) -> float:
    """The value at standard-normal `score` of the lognormal distribution with this mean and SD."""
    mean, sd = mean_sd
    variance = np.log1p((sd / mean) ** 2)
    return float(mean * np.exp(score * variance**0.5 - variance / 2))


def _normal(mean_sd: tuple[float, float], score: float) -> float:
    return mean_sd[0] + mean_sd[1] * score


def _occurs(rate: float, score: float) -> bool:
    """Whether an event of this rate happens to a patient with this standard-normal score."""
    return bool(ndtr(score) > 1 - rate)

"""From a METAVIR stage to the values of the signs that a CT can show.

One latent severity per patient, drawn within the stage, loads on every sign; the rest of each sign's spread is its own.
So each sign keeps its published distribution per stage, while signs of one patient correlate by `LOADING` squared. A
patient's scores say where the patient stands within the stage; the stage turns a score into a value. That is what lets
a twin have one sign of another stage and everything else equal.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from fibrolens.plan import PAPER_MIX, STAGES

STAGE_COUNT = len(STAGES)
#: Loading of each sign on the latent severity; two signs correlate by its square (0.5) within a stage.
LOADING: float = 0.5**0.5

#: What the disease can do to a CT, by name.
SIGNS = ("spleen", "lobes", "surface", "texture", "portal_vein", "enhancement", "ascites", "varices")
MeanSd = tuple[float, float]

#: Mean and SD per stage F0..F4. Pickhardt et al. 2017 (volumes, LSVR) and Smith et al. (surface nodularity, LSN).
SPLEEN_ML = ((215.0, 89.0), (295.0, 153.0), (292.0, 197.0), (510.0, 403.0), (791.0, 450.0))
LSVR = ((0.26, 0.06), (0.25, 0.08), (0.33, 0.12), (0.39, 0.15), (0.56, 0.30))
LSN = ((2.26, 0.44), (2.26, 0.44), (2.35, 0.37), (2.42, 0.38), (3.19, 0.89))
#: Our choices: texture alone should reach an AUC of 0.75 to 0.80, the portal vein much less; a cirrhotic liver takes up
#: 10 to 20 % less contrast. A sign that correlates with the spleen but hardly with the stage would tell the stage all
#: the same (it shows what part of the spleen's size is not due to it), so these are chosen together: all signs stay
#: below an AUC of 0.97 in the paper's mix.
TEXTURE_SD_HU = ((4.0, 1.5), (4.0, 1.5), (4.5, 1.8), (5.2, 2.1), (6.5, 2.8))
PORTAL_VEIN_MM = ((15.5, 1.9), (15.5, 1.9), (15.65, 1.9), (16.2, 2.2), (17.2, 2.6))
ENHANCEMENT = ((1.0, 0.12), (1.0, 0.12), (0.97, 0.12), (0.94, 0.12), (0.86, 0.12))
ASCITES_RATE = (0.0, 0.0, 0.0, 0.05, 0.20)
VARICES_RATE = (0.0, 0.0, 0.05, 0.15, 0.45)

#: ``--effect strong``: F4 stands apart from F0 with an AUC above 0.98, and the sign shows on 3 mm pixels.
STRONG: Mapping[str, tuple[MeanSd, ...]] = {
    "spleen": ((215.0, 60.0), (330.0, 80.0), (480.0, 110.0), (680.0, 150.0), (950.0, 200.0)),
    "lobes": ((0.26, 0.05), (0.36, 0.06), (0.48, 0.08), (0.64, 0.11), (0.85, 0.16)),
    "surface": ((2.26, 0.44), (7.0, 1.2), (12.0, 2.0), (17.0, 2.5), (23.0, 3.0)),
    "texture": ((4.0, 1.2), (8.0, 2.0), (12.0, 2.5), (17.0, 3.0), (23.0, 4.0)),
}
PUBLISHED: Mapping[str, tuple[MeanSd, ...]] = {
    "spleen": SPLEEN_ML,
    "lobes": LSVR,
    "surface": LSN,
    "texture": TEXTURE_SD_HU,
    "portal_vein": PORTAL_VEIN_MM,
    "enhancement": ENHANCEMENT,
}

#: Beyond these a spleen no longer fits the abdomen, or is no spleen.
SPLEEN_LIMITS_ML = (60.0, 2600.0)
LSVR_LIMITS = (0.10, 1.60)
#: How the marker reads the surface: LSN of a smooth one (0.1 mm), its scatter between patients of equal surface, what
#: it reads of 0.1 mm, and from where on and how much it falls short. `benchmarks/phantom_calibration.py` checks them.
LSN_FLOOR, LSN_SCATTER, LSN_GAIN = 0.95, 0.09, 0.89
LSN_BENT_FROM, LSN_BEND, LSN_MOST_BEND = 3.0, 0.07, 1.2


@dataclass(frozen=True)
class Signs:
    """What the disease does to one patient.

    Args:
        spleen_volume_ml: volume of the spleen.
        lsvr: volume of segments I to III over that of IV to VIII.
        lsn: surface nodularity as the marker should read it on the CT, 0.1 mm.
        texture_sd_hu: SD of the parenchyma before noise.
        portal_vein_mm: diameter of the portal trunk.
        parenchymal_enhancement: contrast uptake of the liver relative to a healthy one.
        ascites: free fluid.
        varices: collateral veins.
    """

    spleen_volume_ml: float
    lsvr: float
    lsn: float
    texture_sd_hu: float
    portal_vein_mm: float
    parenchymal_enhancement: float
    ascites: bool
    varices: bool

    @property
    def nodularity_mm(self) -> float:
        """Mean absolute deviation of the true liver surface from a smooth one, millimetres."""
        short = min(1 + LSN_BEND * max(self.lsn - LSN_BENT_FROM, 0.0), LSN_MOST_BEND)
        return 0.1 * short * max(self.lsn**2 - LSN_FLOOR**2, 0.0) ** 0.5 / LSN_GAIN

    @property
    def septa_hu(self) -> float:
        """Contrast of fibrous septa; they come with coarse texture (our choice: up to 8 HU in F3 and F4)."""
        return float(np.clip(1.6 * (self.texture_sd_hu - 4.5), 0.0, 8.0))


@dataclass(frozen=True)
class Scores:
    """Where a patient stands within the stage: standard normal values, higher is sicker.

    Args:
        latent: the severity that loads on every sign.
        signs: one score per name of `SIGNS`.
    """

    latent: float
    signs: Mapping[str, float]


def sample_scores(rng: np.random.Generator) -> Scores:
    """Draw the scores of one patient."""
    latent = float(rng.standard_normal())
    own = (1 - LOADING**2) ** 0.5
    return Scores(latent, {name: LOADING * latent + own * float(rng.standard_normal()) for name in SIGNS})


def sign_values(scores: Scores, stages: Mapping[str, int], strong: Collection[str] = ()) -> Signs:
    """The signs of a patient whose signs stand at the given stages.

    Args:
        scores: where the patient stands within each stage.
        stages: stage 0 to 4 per name of `SIGNS`.
        strong: names of signs that follow `STRONG` instead of the published figures.

    Raises:
        ValueError: a stage is not 0 to 4.
    """
    for name in SIGNS:
        if stages[name] not in range(STAGE_COUNT):
            raise ValueError(f"stage must be 0 to 4; it is {stages[name]!r}")

    at = {name: (STRONG if name in strong else PUBLISHED)[name][stages[name]] for name in PUBLISHED}
    score = scores.signs
    mean, sd = at["surface"]
    # The marker's own scatter comes on top of what is drawn here.
    surface = (mean, (sd**2 - (LSN_SCATTER * mean) ** 2) ** 0.5)
    return Signs(
        spleen_volume_ml=float(np.clip(_lognormal(at["spleen"], score["spleen"]), *SPLEEN_LIMITS_ML)),
        lsvr=float(np.clip(_lognormal(at["lobes"], score["lobes"]), *LSVR_LIMITS)),
        lsn=_lognormal(surface, score["surface"]),
        texture_sd_hu=_lognormal(at["texture"], score["texture"]),
        portal_vein_mm=float(np.clip(_normal(at["portal_vein"], score["portal_vein"]), 9.0, 24.0)),
        parenchymal_enhancement=float(np.clip(_normal(at["enhancement"], -score["enhancement"]), 0.5, 1.4)),
        ascites=_occurs(ASCITES_RATE[stages["ascites"]], score["ascites"]),
        varices=_occurs(VARICES_RATE[stages["varices"]], score["varices"]),
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


def _lognormal(mean_sd: MeanSd, score: float) -> float:
    """The value at standard-normal `score` of the lognormal distribution with this mean and SD."""
    mean, sd = mean_sd
    variance = np.log1p((sd / mean) ** 2)
    return float(mean * np.exp(score * variance**0.5 - variance / 2))


def _normal(mean_sd: MeanSd, score: float) -> float:
    return mean_sd[0] + mean_sd[1] * score


def _occurs(rate: float, score: float) -> bool:
    """Whether an event of this rate happens to a patient with this standard-normal score."""
    return bool(ndtr(score) > 1 - rate)

"""What stands in the hospital's records about a simulated patient: a row of ``cohort.csv`` without the image.

Ages, specimens and aetiologies follow Table 1 of Yin et al. (Eur Radiol 2021;31:9620-9627); platelets the medians of
TCGA-LIHC per fibrosis stage. For AST, ALT and the tumour markers no figures per stage were at hand: they are our
choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from fibrolens.phantom.severity import LOADING

FIRST_DAY, LAST_DAY = date(2006, 1, 1), date(2018, 12, 31)
#: A specimen is taken within this many days of the CT (the paper's criterion is six months).
HISTOLOGY_DAYS = 170

#: Median and interquartile range of the age per stage, and the share of men: the paper's Table 1.
PAPER_AGE = ((63, 50, 74), (64, 38, 71), (57, 43, 64), (48, 43, 62), (60, 54, 65))
PAPER_MEN = (68 / 134, 3 / 8, 7 / 10, 11 / 18, 51 / 82)
#: Where age and sex do not depend on the stage they follow the whole cohort of the paper.
ALL_AGE, ALL_MEN = (59, 48, 65), 140 / 252

SPECIMENS = ("biopsy", "resection", "transplantation")
SPECIMEN_COUNTS = ((1, 0, 0), (7, 0, 1), (6, 0, 4), (6, 0, 12), (17, 5, 57))
AETIOLOGIES = ("alcohol", "autoimmune hepatitis", "HBV", "HCV", "PSC", "steatohepatitis", "Wilson disease", "other",
               "unknown")  # fmt: skip
AETIOLOGY_COUNTS = ((0, 0, 0, 0, 0, 0, 0, 0, 1), (0, 0, 0, 0, 0, 0, 0, 1, 7), (0, 1, 0, 0, 2, 0, 0, 0, 7),
                    (1, 1, 0, 1, 1, 0, 0, 7, 7), (25, 3, 3, 9, 0, 8, 1, 9, 24))  # fmt: skip

PLATELETS = (257.0, 212.0, 183.0, 183.0, 148.0)
AST = (24.0, 38.0, 46.0, 56.0, 60.0)
ALT = (23.0, 42.0, 50.0, 56.0, 46.0)
AST_ULN = 40.0
#: Share of the patients in whom a value was not determined.
LABS_MISSING, TUMOUR_MARKERS_MISSING = 0.12, 0.45


@dataclass(frozen=True)
class Record:
    """Clinical values; None where they were not determined. Units as in the column reference of ``cohort.csv``.

    Args:
        reference: ``histology`` or ``imaging_negative``.
        age: years at the CT; sex: M or F.
        platelets: 1e9/L; ast, alt: U/L; ast_uln: upper limit of normal, U/L.
        afp: ng/mL; ca19_9: U/mL; cea: ng/mL.
        bmi: kg/m2.
        ct_date, histology_date: ISO dates.
    """

    reference: str
    age: int
    sex: str
    bmi: float
    aetiology: str | None
    specimen: str | None
    ct_date: str
    histology_date: str | None
    platelets: float | None
    ast: float | None
    ast_uln: float | None
    alt: float | None
    afp: float | None
    ca19_9: float | None
    cea: float | None
    chemotherapy: str
    history: str | None


def sample_record(
    rng: np.random.Generator, stage: int, disease: tuple[int, float], fat_mm: float, confounded: bool
) -> Record:
    """Draw the records of one patient.

    The number of draws does not depend on the arguments, so that a twin keeps its records.

    Args:
        rng: source of randomness.
        stage: METAVIR stage, 0 to 4; F0 are controls without histology.
        disease: the stage that blood values follow, and the severity within it; platelets fall with it.
        fat_mm: subcutaneous fat, from which the body mass index follows.
        confounded: age and sex depend on the stage as in the paper's cohort.
    """
    blood, latent = disease
    age = _age(float(rng.standard_normal()), PAPER_AGE[stage] if confounded else ALL_AGE)
    male = bool(rng.random() < (PAPER_MEN[stage] if confounded else ALL_MEN))
    bmi = float(np.clip(24.5 + 0.3 * (fat_mm - 16) + 1.8 * rng.standard_normal(), 16, 50))
    ct = FIRST_DAY + timedelta(days=int(rng.integers((LAST_DAY - FIRST_DAY).days)))
    specimen_day = ct + timedelta(days=int(rng.integers(-HISTOLOGY_DAYS, HISTOLOGY_DAYS + 1)))
    specimen = _chosen(rng, SPECIMENS, SPECIMEN_COUNTS[stage])
    aetiology = _chosen(rng, AETIOLOGIES, AETIOLOGY_COUNTS[stage])
    own = (1 - LOADING**2) ** 0.5
    platelets = PLATELETS[blood] * np.exp(-0.32 * (LOADING * latent + own * rng.standard_normal()))
    ast, alt = (median * np.exp(0.45 * rng.standard_normal()) for median in (AST[blood], ALT[blood]))
    afp = 4.0 * np.exp((0.5 if blood < 4 else 0.9) * rng.standard_normal())
    ca19_9, cea = 12.0 * np.exp(0.8 * rng.standard_normal()), 1.9 * np.exp(0.6 * rng.standard_normal())
    absent = rng.random(2) < (LABS_MISSING, TUMOUR_MARKERS_MISSING)
    chemotherapy = "yes" if rng.random() < 0.04 else "no"
    control = stage == 0
    return Record(
        reference="imaging_negative" if control else "histology",
        age=age,
        sex="M" if male else "F",
        bmi=round(bmi, 1),
        aetiology=None if control else aetiology,
        specimen=None if control else specimen,
        ct_date=ct.isoformat(),
        histology_date=None if control else specimen_day.isoformat(),
        platelets=None if absent[0] else float(np.rint(platelets)),
        ast=None if absent[0] else float(np.rint(ast)),
        ast_uln=None if absent[0] else AST_ULN,
        alt=None if absent[0] else float(np.rint(alt)),
        afp=None if absent[1] or control else round(float(afp), 1),
        ca19_9=None if absent[1] or control else round(float(ca19_9), 1),
        cea=None if absent[1] or control else round(float(cea), 1),
        chemotherapy=chemotherapy,
        history="trauma" if control else None,
    )


def _age(score: float, median_and_quartiles: tuple[int, int, int]) -> int:
    """A split normal age: each half has the quartile on its side."""
    median, low, high = median_and_quartiles
    spread = (high - median if score > 0 else median - low) / 0.6745
    return int(np.clip(round(median + spread * score), 16, 92))


def _chosen(rng: np.random.Generator, names: Sequence[str], counts: Sequence[int]) -> str:
    return names[int(rng.choice(len(names), p=np.array(counts) / sum(counts)))]

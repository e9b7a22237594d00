"""The columns of ``cohort.csv``: what each holds, in which unit, and what it cannot be."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fibrolens.markers.serum import LIMITS

Kind = Literal["text", "file", "stage", "reason", "choice", "number", "date"]

REQUIRED = ("patient_id", "scan_id", "image", "stage")
FILES = ("image", "liver_mask", "spleen_mask")
HISTOLOGY, CONTROL = "histology", "imaging_negative"
#: What controls do not have.
OF_HISTOLOGY = ("histology_date", "specimen", "aetiology")
PORTAL = "portal venous"
HEPATOBILIARY = "hepatobiliary"
CT, MR = "CT", "MR"

#: How much of a name must agree for it to be taken for a slip of a known one.
NEAR = 0.8
#: The same thing by another word.
SYNONYMS = {"gender": "sex"}
#: Close to a known name, yet words of their own.
OWN_WORDS = ("histology",)


@dataclass(frozen=True)
class Column:
    """One column of ``cohort.csv``.

    Args:
        name: in the header.
        kind: what its cells hold; a ``reason`` is a text that no yes or no can stand for.
        choices: the words that a ``choice`` may be.
        limits: lowest and highest number that can be; beyond, the unit is probably another.
        unit: of a number.
        hint: what a number beyond the limits usually is.
    """

    name: str
    kind: Kind = "text"
    choices: tuple[str, ...] = ()
    limits: tuple[float, float] = (0.0, 0.0)
    unit: str = ""
    hint: str = ""


def _number(name: str, limits: tuple[float, float], unit: str, hint: str) -> Column:
    return Column(name, "number", limits=limits, unit=unit, hint=hint)


def _blood(name: str, hint: str) -> Column:
    """A value that the blood scores need, within their limits."""
    low, high, unit = LIMITS[name]
    return _number(name, (low, high), unit, hint)


COLUMNS = (
    Column("patient_id"),
    Column("scan_id"),
    Column("image", "file"),
    Column("stage", "stage"),
    Column("reference", "choice", (HISTOLOGY, CONTROL)),
    Column("exclude", "reason"),
    Column("extrahepatic_abnormality"),
    Column("liver_disease_history"),
    _number("age", (0.0, LIMITS["age"][1]), "years", "give years at the CT, not a year of birth"),
    Column("sex", "choice", ("M", "F")),
    _number("bmi", (10.0, 80.0), "kg/m2", "give weight in kg by the square of height in m"),
    Column("site"),
    Column("aetiology"),
    Column("specimen", "choice", ("biopsy", "resection", "transplantation")),
    Column("ct_date", "date"),
    Column("histology_date", "date"),
    Column("phase", "choice", ("native", "arterial", PORTAL, "delayed", HEPATOBILIARY)),
    Column("modality", "choice", (CT, MR)),
    _number("field_strength", (0.05, 12.0), "T", "give tesla, not gauss"),
    Column("liver_mask", "file"),
    Column("spleen_mask", "file"),
    _blood("ast", "one microkatal/L is 60 U/L"),
    _blood("ast_uln", "give the laboratory's upper limit of normal of AST, about 40 U/L"),
    _blood("alt", "one microkatal/L is 60 U/L"),
    _blood("platelets", "150,000 per microlitre are 150"),
    _number("afp", (0.0, 5e6), "ng/mL", "one ng/mL is 1000 ng/L"),
    _number("ca19_9", (0.0, 1e6), "U/mL", "one U/mL is 1000 U/L"),
    _number("cea", (0.0, 1e5), "ng/mL", "one ng/mL is 1000 ng/L"),
    Column("chemotherapy", "choice", ("yes", "no")),
    Column("history"),
)  # fmt: skip
BY_NAME = {column.name: column for column in COLUMNS}


def meant(name: str, columns: Sequence[str]) -> str | None:
    """The known column that an unknown name is probably a slip of, where the table lacks that one.

    Args:
        name: as it stands in the header.
        columns: the whole header.
    """
    if name in BY_NAME or name in OWN_WORDS:
        return None
    plain = re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")
    lacking = [known for known in BY_NAME if known not in columns]
    near = difflib.get_close_matches(SYNONYMS.get(plain, plain), lacking, 1, NEAR)
    return near[0] if near else None

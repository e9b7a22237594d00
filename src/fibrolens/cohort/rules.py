"""The paper's criteria, one by one, each to be changed or switched off.

Yin et al., Eur Radiol 2021;31:9620-9627: age of 16 years or more; portal venous CT of the whole liver without relevant
extrahepatic abnormality; histology; CT and histology less than six months apart. Controls, whose liver imaging shows to
be healthy, have no histology; they must have no history of liver disease. Whether the whole liver is shown no table can
tell; that is read from the scans.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from fibrolens.cohort.cells import date_of, is_no, number_of, phase_of
from fibrolens.cohort.columns import BY_NAME, CT, HISTOLOGY, PORTAL
from fibrolens.cohort.flow import ARMS, ArmName
from fibrolens.cohort.table import CohortRow

Policy = Literal["include", "exclude"]


@dataclass(frozen=True)
class Missing:
    """What becomes of a scan where the cell that a criterion needs is empty; an absent column excludes nobody."""

    age: Policy = "include"
    phase: Policy = "include"
    extrahepatic_abnormality: Policy = "include"
    histology: Policy = "exclude"
    interval: Policy = "include"


@dataclass(frozen=True)
class Criteria:
    """Who is in the study; the defaults are the paper's.

    Args:
        modalities: that the network is made for; empty takes any. A row that names none is CT.
        min_age_years: youngest age at the CT; 0 takes any.
        phases: contrast phases; empty takes any.
        no_extrahepatic_abnormality: rows that name one are left out.
        needs_histology: rows that are no controls need a histology: ``reference``, ``specimen`` or ``histology_date``.
        interval_months: CT and histology lie less than so many calendar months apart, in either order; 0 takes any.
        no_liver_disease_history: controls that have one are left out.
        missing: what becomes of empty cells.

    Raises:
        ValueError: a value that a criterion cannot have.
    """

    modalities: tuple[str, ...] = (CT,)
    min_age_years: float = 16.0
    phases: tuple[str, ...] = (PORTAL,)
    no_extrahepatic_abnormality: bool = True
    needs_histology: bool = True
    interval_months: int = 6
    no_liver_disease_history: bool = True
    missing: Missing = field(default_factory=Missing)

    def __post_init__(self) -> None:
        for name, known in (("modalities", BY_NAME["modality"].choices), ("phases", BY_NAME["phase"].choices)):
            unknown = [value for value in getattr(self, name) if value not in known]
            if unknown:
                raise ValueError(f"{name} may hold {', '.join(known)}; it holds {unknown[0]!r}")
        if not (0 <= self.min_age_years <= 120 and 0 <= self.interval_months <= 1200):
            raise ValueError("min_age_years must be 0 to 120 and interval_months 0 to 1200")


@dataclass(frozen=True)
class Unmet:
    """Why a criterion is not met, in words that are the same for all such scans, and what this row says."""

    reason: str
    detail: str = ""


Verdict = Unmet | Literal["met", "unknown"]


@dataclass(frozen=True)
class Criterion:
    """One criterion.

    Args:
        name: as in `Missing`.
        arms: to which scans it applies.
        asks: what it asks, in words; empty where it is switched off.
        judge: its verdict on a row.
        columns: of each group the table needs one, or the criterion is not checked.
        unknown: the reason where the cell is empty and the policy excludes.
    """

    name: str
    arms: tuple[ArmName, ...]
    asks: Callable[[Criteria], str]
    judge: Callable[[CohortRow, Criteria], Verdict]
    columns: tuple[tuple[str, ...], ...] = ()
    unknown: str = ""


def _excluded(row: CohortRow, criteria: Criteria) -> Verdict:
    reason = row.values.get("exclude", "")
    return Unmet(reason) if reason else "met"


def _modality(row: CohortRow, criteria: Criteria) -> Verdict:
    modality = row.values.get("modality", "") or CT
    return "met" if modality in criteria.modalities else Unmet(f"{modality}, not {' or '.join(criteria.modalities)}")


def _age(row: CohortRow, criteria: Criteria) -> Verdict:
    age = number_of(row.values["age"])
    if age is None:
        return "unknown"
    unmet = Unmet(f"age below {criteria.min_age_years:g} years", f"{age:g} years")
    return "met" if age >= criteria.min_age_years else unmet


def _phase(row: CohortRow, criteria: Criteria) -> Verdict:
    phase = phase_of(row.values["phase"])
    if not phase:
        return "unknown"
    return "met" if phase in criteria.phases else Unmet(f"{phase} phase, not {' or '.join(criteria.phases)}")


def _abnormality(row: CohortRow, criteria: Criteria) -> Verdict:
    seen = row.values["extrahepatic_abnormality"]
    if not seen:
        return "unknown"
    return "met" if is_no(seen) else Unmet("relevant extrahepatic abnormality", seen)


def _histology(row: CohortRow, criteria: Criteria) -> Verdict:
    proofs = (row.values.get("specimen"), row.values.get("histology_date"))
    return "met" if row.values.get("reference") == HISTOLOGY or any(proofs) else "unknown"


def _interval(row: CohortRow, criteria: Criteria) -> Verdict:
    ct, histology = (date_of(row.values[name]) for name in ("ct_date", "histology_date"))
    if ct is None or histology is None:
        return "unknown"
    first, last = sorted((ct, histology))
    if last < _months_later(first, criteria.interval_months):
        return "met"
    unmet = f"CT and histology {criteria.interval_months} months apart or more"
    return Unmet(unmet, f"{(last - first).days} days")


def _liver_disease(row: CohortRow, criteria: Criteria) -> Verdict:
    history = row.values["liver_disease_history"]
    return "met" if not history or is_no(history) else Unmet("history of liver disease", history)


def _months_later(day: date, months: int) -> date:
    """The same day of a later month, or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


CRITERIA = (
    Criterion("exclude", ARMS, lambda c: "no reason in the table", _excluded),
    Criterion("modality", ARMS, lambda c: " or ".join(c.modalities), _modality),
    Criterion(
        "age",
        ARMS,
        lambda c: f"age of {c.min_age_years:g} years or more" if c.min_age_years else "",
        _age,
        (("age",),),
        "age not given",
    ),
    Criterion(
        "phase",
        ARMS,
        lambda c: f"{' or '.join(c.phases)} phase" if c.phases else "",
        _phase,
        (("phase",),),
        "contrast phase not given",
    ),
    Criterion(
        "extrahepatic_abnormality",
        ARMS,
        lambda c: "no relevant extrahepatic abnormality" if c.no_extrahepatic_abnormality else "",
        _abnormality,
        (("extrahepatic_abnormality",),),
        "extrahepatic abnormality not stated",
    ),
    Criterion(
        "histology",
        ("histology",),
        lambda c: "histology" if c.needs_histology else "",
        _histology,
        (("reference", "specimen", "histology_date"),),
        "no histology",
    ),
    Criterion(
        "interval",
        ("histology",),
        lambda c: f"CT and histology less than {c.interval_months} months apart" if c.interval_months else "",
        _interval,
        (("ct_date",), ("histology_date",)),
        "date of CT or histology not given",
    ),
    Criterion(
        "liver_disease_history",
        ("controls",),
        lambda c: "controls without a history of liver disease" if c.no_liver_disease_history else "",
        _liver_disease,
        (("liver_disease_history",),),
    ),
)

"""Which series of a patient is the image: one by stated rules, with a reason for each that is not.

A series is usable if it is a CT of the abdomen in original axial slices, not part of a biopsy, ablation or PET, states
no other phase than portal venous, has at least 20 slices that cover 150 mm where the thickness is known, and is not
thicker than 8 mm. Where the age at diagnosis is known, the age at the CT lies within one year of it. Of the usable ones
only those of the first 30 days count: a later CT may show what a resection left. Of these the first by: portal venous
stated, then contrast without a phase, then nothing stated; slices of 5 mm or less, then thickness unknown, then
thicker; 250 slices or fewer before more, which may be several phases in one series; earlier study; more slices; later
series number, for the portal venous phase follows the arterial; series UID.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from fibrolens.cohort.columns import PORTAL
from fibrolens.cohort.sources import descriptions
from fibrolens.cohort.sources.base import SideTable
from fibrolens.cohort.sources.series import Series
from fibrolens.io.dicom.series_names import named_thickness

MIN_SLICES = 20
MIN_COVER_MM = 150.0
FINE_MM, THICKEST_MM = 5.0, 8.0
MANY_SLICES = 250
#: Whole years of age may differ by one although less than a year lies between.
MAX_AGE_YEARS = 1.0
FIRST_DAYS = 30
#: Contrast of unstated phase is one rank, whether no phase or a protocol of several is named.
RANK = {PORTAL: 0, "enhanced": 1, "several": 1, "": 2}
COLUMNS = ("patient_id", "study_uid", "study_date", "study", "series_uid", "description", "slices", "thickness_mm",
           "phase", "chosen", "reason")  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """A series, what its description says, and why it cannot be the image (empty where it can)."""

    series: Series
    phase: str
    thickness_mm: float | None
    against: str


@dataclass(frozen=True)
class Choice:
    """The series of one patient.

    Args:
        chosen: the image; None where no series can be.
        phase: that it states: ``portal venous``, or empty.
        why: the reason of the choice, or why there is none.
        judged: every CT series with its reason.
    """

    chosen: Series | None
    phase: str
    why: str
    judged: tuple[tuple[Judged, str], ...]


def choose(series: Sequence[Series], age_at_diagnosis: float | None = None) -> Choice:
    """The CT series of one patient to stage, by the rules of this module."""
    judged = [judge(one, age_at_diagnosis) for one in series if one.modality == "CT"]
    usable = [one for one in judged if not one.against]
    first = min((day for one in usable if (day := _day(one.series)) is not None), default=None)
    timely = [one for one in usable if not _is_late(one.series, first)]
    ranked = sorted(timely, key=_rank)
    if not ranked:
        return Choice(None, "", _why_none(judged), tuple((one, one.against) for one in judged))
    best = ranked[0]
    told = []
    for one in judged:
        late = f"more than {FIRST_DAYS} days after the first usable CT" if one in usable else ""
        told.append((one, one.against or ("" if one is best else late if one not in timely else "another came first")))
    return Choice(best.series, PORTAL if best.phase == PORTAL else "", _why(best, len(timely)), tuple(told))


def judge(series: Series, age_at_diagnosis: float | None = None) -> Judged:
    """What a CT series says of itself, and the first rule that speaks against it."""
    phase = descriptions.enhancement(series.description)
    thickness = series.thickness_mm or named_thickness(series.description)
    against = _about(series) or _extent(series, thickness) or _phase(phase, series) or _time(series, age_at_diagnosis)
    return Judged(series, phase, thickness, against)


def side_table(choices: Sequence[Choice]) -> SideTable:
    """Every CT series that was looked at, with the reason: ``cohort.series.csv``."""
    rows = [
        (
            one.series.patient, one.series.study_uid, one.series.study_date, one.series.study, one.series.uid,
            one.series.description, one.series.images, one.thickness_mm, one.phase,
            "yes" if one.series is choice.chosen else "no", reason or choice.why,
        )
        for choice in choices
        for one, reason in choice.judged
    ]  # fmt: skip
    return SideTable("series", COLUMNS, tuple(rows))


def _about(series: Series) -> str:
    """What the series shows, if not the abdomen in axial slices."""
    if descriptions.is_scout(series.description):
        return "places or times the scan"
    if descriptions.is_treatment(series.study) or descriptions.is_treatment(series.description):
        return "made for a needle, after an ablation, or beside a PET"
    if series.original_axial is False or descriptions.is_reformat(series.description):
        return "not original axial slices"
    if descriptions.is_elsewhere(series.description):
        return "another part of the body, or a lung or bone reconstruction"
    return ""


def _extent(series: Series, thickness: float | None) -> str:
    if series.images < MIN_SLICES:
        return f"fewer than {MIN_SLICES} slices"
    if thickness is not None and thickness > THICKEST_MM:
        return f"slices thicker than {THICKEST_MM:g} mm"
    if thickness is not None and series.images * thickness < MIN_COVER_MM:
        return f"covers less than {MIN_COVER_MM:g} mm"
    return ""


def _phase(phase: str, series: Series) -> str:
    if phase in ("native", "arterial", "delayed"):
        return f"{phase} phase"
    return "native phase" if phase == "" and descriptions.is_unenhanced_study(series.study) else ""


def _time(series: Series, age_at_diagnosis: float | None) -> str:
    if age_at_diagnosis is None or series.age is None:
        return ""
    far = abs(series.age - age_at_diagnosis) > MAX_AGE_YEARS
    return "age differs from that at diagnosis by more than a year" if far else ""


def _rank(one: Judged) -> tuple[int, int, bool, str, int, int, str]:
    series = one.series
    fine = 1 if one.thickness_mm is None else 0 if one.thickness_mm <= FINE_MM else 2
    many = series.images > MANY_SLICES
    return (
        RANK[one.phase], fine, many, series.study_date, -series.images, -(series.number or 0), series.uid
    )  # fmt: skip


def _day(series: Series) -> date | None:
    try:
        return date.fromisoformat(series.study_date)
    except ValueError:
        return None


def _is_late(series: Series, first: date | None) -> bool:
    day = _day(series)
    return first is not None and day is not None and (day - first).days > FIRST_DAYS


def _why(best: Judged, count: int) -> str:
    stated = {PORTAL: "portal venous stated", "enhanced": "contrast stated, phase not", "": "phase not stated"}
    phase = stated.get(best.phase, "protocol of several phases, which one not stated")
    thick = "thickness not stated" if best.thickness_mm is None else f"{best.thickness_mm:g} mm"
    return f"chosen of {count} usable: {phase}, {thick}, {best.series.images} slices"


def _why_none(judged: Sequence[Judged]) -> str:
    """Why no series can be the image, in words that many patients share."""
    if not judged:
        return "no CT series"
    abdominal = [one.against for one in judged if one.against.endswith("phase") or one.against.startswith("age ")]
    if any(text.startswith("age ") for text in abdominal):
        return "no CT within a year of the diagnosis by age"
    return "no CT series in portal venous phase" if abdominal else "no CT series of the abdomen in axial slices"

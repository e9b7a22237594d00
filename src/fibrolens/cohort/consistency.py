"""What cells of a cohort table say against each other: within a row, and between the rows of a patient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from fibrolens.cohort.cells import date_of, number_of
from fibrolens.cohort.columns import BY_NAME, CONTROL
from fibrolens.cohort.problems import Problem
from fibrolens.cohort.table import Record, parse_stages

#: Days that no study lets pass between CT and histology; so many are a slip in a year.
SLIP_DAYS = 3653
#: Years that a patient's age at two CTs may be off: one rounded down, the other to the nearest year.
BIRTH_YEARS = 1.5
YEAR_DAYS = 365.2425


def contradictions(records: Sequence[Record]) -> list[Problem]:
    """Controls that are none, dates that cannot belong together, and patients who are two people.

    Cells that are no number, date or stage are passed over.
    """
    found = [Problem(record.line, text) for record in records for text in _within(record)]
    return [*found, *_spellings(records), *_sexes(records), *_births(records)]


def _within(record: Record) -> Iterator[str]:
    if record["reference"] == CONTROL:
        if _stages(record["stage"]) not in (None, (0,)):
            yield f"reference is {CONTROL}, but the stage is {record['stage']}; a control is F0"
        proofs = [name for name in ("histology_date", "specimen") if record[name]]
        if proofs:
            verb = "are" if len(proofs) > 1 else "is"
            yield f"reference is {CONTROL}, but {' and '.join(proofs)} {verb} given; a control has no histology"
    ct, histology = _date(record["ct_date"]), _date(record["histology_date"])
    if ct and histology and abs((ct - histology).days) >= SLIP_DAYS and not record.is_excluded:
        years = abs((ct - histology).days) / YEAR_DAYS
        yield f"ct_date {ct} and histology_date {histology} lie {years:.0f} years apart; check the years"


def _spellings(records: Sequence[Record]) -> Iterator[Problem]:
    """Patients whose names differ in capitals alone, and would end up in two folds."""
    first: dict[str, Record] = {}
    for record in records:
        known = first.setdefault(record["patient_id"].casefold(), record)
        if known["patient_id"] != record["patient_id"]:
            yield Problem(
                record.line,
                f"patient_id {record['patient_id']} is {known['patient_id']} in line {known.line}; use one spelling",
            )


def _sexes(records: Sequence[Record]) -> Iterator[Problem]:
    first: dict[str, Record] = {}
    for record in records:
        if record["patient_id"] and record["sex"] in BY_NAME["sex"].choices:
            known = first.setdefault(record["patient_id"], record)
            if known["sex"] != record["sex"]:
                yield Problem(
                    record.line,
                    f"patient {record['patient_id']} has sex {record['sex']}, and {known['sex']} in line {known.line}",
                )


def _births(records: Sequence[Record]) -> Iterator[Problem]:
    """Patients whose ages and CT dates tell of two births."""
    first: dict[str, tuple[int, float]] = {}
    for record in records:
        ct, age = _date(record["ct_date"]), _age(record["age"])
        if not record["patient_id"] or ct is None or age is None:
            continue
        birth = ct.year + ct.timetuple().tm_yday / YEAR_DAYS - age
        line, known = first.setdefault(record["patient_id"], (record.line, birth))
        if abs(birth - known) > BIRTH_YEARS:
            yield Problem(
                record.line,
                f"age and ct_date say that patient {record['patient_id']} was born about {birth:.0f}, "
                f"those of line {line} about {known:.0f}",
            )


def _stages(text: str) -> tuple[int, ...] | None:
    try:
        return parse_stages(text) if text else None
    except ValueError:
        return None


def _date(text: str) -> date | None:
    try:
        return date_of(text)
    except ValueError:
        return None


def _age(text: str) -> float | None:
    """An age within its limits."""
    low, high = BY_NAME["age"].limits
    try:
        age = number_of(text)
    except ValueError:
        return None
    return age if age is not None and low <= age <= high else None

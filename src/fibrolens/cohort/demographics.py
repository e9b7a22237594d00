"""Table 1: who is in the study, in all and per stage.

The layout is that of Yin et al., Eur Radiol 2021;31:9620-9627, Table 1: counts, percentages, medians with quartiles.
Every figure counts scans, for stage, age and blood values belong to the scan; patients stand in a row of their own.
Percentages are of the scans whose value is known. Controls have no specimen and no cause of fibrosis, and are left out
of these two; a dash stands where nobody is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fibrolens.cohort.cells import date_of, number_of
from fibrolens.cohort.columns import BY_NAME, CONTROL, HISTOLOGY, OF_HISTOLOGY
from fibrolens.cohort.table import CohortRow
from fibrolens.errors import CohortError
from fibrolens.plan import STAGES

SETS = "sets"
NOBODY = "-"
NOT_GIVEN = "Not given"
#: Levels that stand behind the others.
LAST = ("other", "unknown")
#: Paper's variables: told to be missing where the table lacks the column.
EXPECTED = ("age", "sex", "specimen", "aetiology")

MEDIANS = {
    "age": "Age, years",
    "bmi": "Body mass index, kg/m2",
    "platelets": "Platelets, 1e9/L",
    "ast": "AST, U/L",
    "alt": "ALT, U/L",
    "afp": "Alpha-fetoprotein, ng/mL",
    "ca19_9": "CA 19-9, U/mL",
    "cea": "CEA, ng/mL",
}
LEVELS = {
    "sex": "Sex",
    "reference": "Reference",
    "specimen": "Origin of the histology specimen",
    "aetiology": "Aetiology of liver fibrosis",
    "chemotherapy": "Chemotherapy",
    "site": "Site",
}
SHOWN = {"M": "Male", "F": "Female", HISTOLOGY: "Histology", CONTROL: "Imaging negative (control)"}
ORDER = ("age", "sex", "reference", "specimen", "aetiology", "bmi", "platelets", "ast", "alt", "afp", "ca19_9", "cea",
         "chemotherapy", "site")  # fmt: skip


@dataclass(frozen=True)
class TableOne:
    """Table 1, ready to print.

    Args:
        columns: ``variable, level, total, F0 .. F4``, and ``sets`` where a stage is a set.
        rows: a cell per column; the variable stands in its first row alone.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def table_one(rows: Sequence[CohortRow]) -> TableOne:
    """Table 1 of the rows of a study.

    Raises:
        CohortError: a cell is no number or date; `check_cohort` tells all of these at once.
    """
    groups: dict[str, list[CohortRow]] = {"total": list(rows)}
    groups |= {stage: [row for row in rows if row.stage_name == stage] for stage in STAGES}
    sets = [row for row in rows if len(row.stages) > 1]
    if sets:
        groups[SETS] = sets
    columns = {name for row in rows for name in row.values}
    lines = [("Scans", "", *(str(len(group)) for group in groups.values()))]
    lines.append(("Patients", "", *(str(len({row.patient_id for row in group})) for group in groups.values())))
    for name in ORDER:
        if name in columns or name in EXPECTED:
            lines += _medians(name, groups) if name in MEDIANS else _levels(name, groups)
    if {"ct_date", "histology_date"} <= columns:
        lines += _interval(groups)
    return TableOne(("variable", "level", *groups), tuple(lines))


def _medians(name: str, groups: Mapping[str, Sequence[CohortRow]]) -> Iterator[tuple[str, ...]]:
    values = {key: [_number(row, name) for row in group] for key, group in groups.items()}
    return _median_lines(MEDIANS[name], values)


def _interval(groups: Mapping[str, Sequence[CohortRow]]) -> Iterator[tuple[str, ...]]:
    """Days between CT and histology, of the scans that have one."""
    values = {key: [_days(row) for row in group if not row.is_control] for key, group in groups.items()}
    return _median_lines("CT to histology, days", values)


def _median_lines(title: str, values: Mapping[str, Sequence[float | None]]) -> Iterator[tuple[str, ...]]:
    yield (title, "Median (IQR)", *(_median(group) for group in values.values()))
    missing = {key: sum(value is None for value in group) for key, group in values.items()}
    if missing["total"]:
        yield ("", NOT_GIVEN, *(_count(missing[key], len(group)) for key, group in values.items()))


def _levels(name: str, groups: Mapping[str, Sequence[CohortRow]]) -> Iterator[tuple[str, ...]]:
    counts = {}
    for key, group in groups.items():
        asked = [row for row in group if not (name in OF_HISTOLOGY and row.is_control)]
        # HCV and hcv are one level.
        counts[key] = Counter(row.values.get(name, "").casefold() for row in asked)
    spelled = Counter(row.values.get(name, "") for row in groups["total"])
    known = {key: count.total() - count[""] for key, count in counts.items()}
    lines = []
    for level in sorted((level for level in counts["total"] if level), key=lambda level: _rank(name, level)):
        spelling = max((text for text in spelled if text.casefold() == level), key=lambda text: (spelled[text], text))
        cells = (_count(counts[key][level], known[key]) for key in groups)
        lines.append((SHOWN.get(spelling, spelling[0].upper() + spelling[1:]), *cells))
    if counts["total"][""]:
        lines.append((NOT_GIVEN, *(_count(counts[key][""], counts[key].total()) for key in groups)))
    for number, line in enumerate(lines):
        yield (LEVELS[name] if number == 0 else "", *line)


def _rank(name: str, level: str) -> tuple[int, int, str]:
    """Where a level stands: in the order of the column's choices, else by its name, other and unknown last."""
    choices = [choice.casefold() for choice in BY_NAME[name].choices]
    return (LAST.index(level) + 1 if level in LAST else 0, choices.index(level) if level in choices else 0, level)


def _median(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return NOBODY
    low, middle, high = (_short(float(value)) for value in np.percentile(known, (25, 50, 75)))
    return f"{middle} ({low}-{high})"


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _count(count: int, of: int) -> str:
    return f"{count} ({100 * count / of:.1f}%)" if of else NOBODY


def _number(row: CohortRow, name: str) -> float | None:
    try:
        return number_of(row.values.get(name, ""))
    except ValueError as error:
        raise CohortError(f"Line {row.line}: {name}: {error}; run fibrolens cohort check.") from None


def _days(row: CohortRow) -> float | None:
    try:
        ct, histology = (date_of(row.values[name]) for name in ("ct_date", "histology_date"))
    except ValueError as error:
        raise CohortError(f"Line {row.line}: a date cannot be read: {error}; run fibrolens cohort check.") from None
    return None if ct is None or histology is None else float(abs((ct - histology).days))

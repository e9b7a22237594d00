"""Cells of ``cohort.csv``: what a text means, and what is wrong with it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date

from fibrolens.cohort.columns import PORTAL, Column, Kind

#: How people write that nothing is known.
BLANKS = ("-", "--", "?", "n/a", "na", "nan", "none", "null", "nil", "unknown", "missing", "not available", "#n/a")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
#: Three digits after the comma may be thousands as well.
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d{1,2}")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
YES, NO = ("yes", "y", "true", "1", "x"), ("no", "n", "false", "0")
#: The first CT of a patient was made in 1971; tissue is older, but no scan goes with it.
FIRST_CT = date(1971, 10, 1)
#: Other words for what a column of choices takes.
SAME = {
    "portal": PORTAL, "portalvenous": PORTAL, "portal-venous": PORTAL, "portovenous": PORTAL, "venous": PORTAL,
    "pv": PORTAL, "unenhanced": "native", "late": "delayed", "male": "M", "man": "M", "female": "F", "woman": "F",
    "w": "F", "mri": "MR", "transplant": "transplantation", "explant": "transplantation", "control": "imaging_negative",
}  # fmt: skip


def number_of(text: str) -> float | None:
    """The number in a cell; None where it is empty.

    Raises:
        ValueError: it holds no plain, finite number.
    """
    if not text:
        return None
    if not NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise ValueError(f"{text!r} is no plain number")
    return float(text)


def date_of(text: str) -> date | None:
    """The day in a cell; None where it is empty.

    Raises:
        ValueError: it holds no day as ``2015-03-31``.
    """
    if not text:
        return None
    if not DATE.fullmatch(text):
        raise ValueError("write year-month-day, for example 2015-03-31")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("there is no such day") from None


def phase_of(text: str) -> str:
    """The contrast phase in a cell; ``portal`` is short for ``portal venous``."""
    return PORTAL if text == "portal" else text


def is_no(text: str) -> bool:
    """Whether a cell says no."""
    return text.casefold() in NO


def cell_problem(column: Column, text: str, today: date) -> str | None:
    """What is wrong with the text of a cell; None where nothing is, or where it is empty.

    Files, stages and free text are not looked at.

    Args:
        column: whose cell.
        text: without spaces around it.
        today: no date lies after it.
    """
    problem_of = PROBLEM_OF.get(column.kind)
    if not text or problem_of is None:
        return None
    if column.kind != "reason" and text.casefold() in BLANKS:
        return f"{column.name} is {text!r}; leave the cell empty where nothing is known"
    return problem_of(column, text, today)


def _number_problem(column: Column, text: str, today: date) -> str | None:
    name, (low, high) = column.name, column.limits
    try:
        value = number_of(text) or 0.0
    except ValueError:
        comma = DECIMAL_COMMA.fullmatch(text)
        wanted = f"write {text.replace(',', '.')}" if comma else "give digits and a decimal point alone"
        return f"{name} must be a number ({column.unit}); it is {text!r}, {wanted}"
    if not low <= value <= high:
        return f"{name} is {text}, not within {low:g} to {high:g} {column.unit}; check the unit: {column.hint}"
    return None


def _date_problem(column: Column, text: str, today: date) -> str | None:
    name = column.name
    try:
        day = date_of(text) or today
    except ValueError as error:
        return f"{name} is {text!r}; {error}"
    if day > today:
        return f"{name} {text} lies in the future"
    if day < FIRST_CT:
        return f"{name} {text} is older than CT itself; check the year"
    return None


def _choice_problem(column: Column, text: str, today: date) -> str | None:
    if text in column.choices or (column.name == "phase" and phase_of(text) in column.choices):
        return None
    folded = {choice.casefold(): choice for choice in column.choices}
    meant = folded.get(text.casefold(), SAME.get(text.casefold()))
    wanted = f"; write {meant}" if meant in column.choices else ""
    return f"{column.name} must be one of {', '.join(column.choices)}; it is {text!r}{wanted}"


def _reason_problem(column: Column, text: str, today: date) -> str | None:
    if text.casefold() in (*YES, *NO, *BLANKS):
        return f"{column.name} is {text!r}; give the reason, and leave the cell empty in rows that stay"
    return None


PROBLEM_OF: Mapping[Kind, Callable[[Column, str, date], str | None]] = {
    "number": _number_problem,
    "date": _date_problem,
    "choice": _choice_problem,
    "reason": _reason_problem,
}

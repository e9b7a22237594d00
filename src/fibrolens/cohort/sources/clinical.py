"""Clinical cells of public tables: blanks in every spelling, numbers, and notes of what was changed."""

from __future__ import annotations

import re
from collections import Counter

from fibrolens.cohort.cells import BLANKS, NUMBER
from fibrolens.cohort.columns import BY_NAME

#: Words of the Genomic Data Commons and its like for a cell without a value.
NOTHING = (*BLANKS, "not reported", "not applicable", "not evaluated", "'--", "completed", "discrepancy", "not stated")
AGE_STRING = re.compile(r"0*(\d+)Y")


def known(text: str) -> str:
    """A cell's text; empty where it says that nothing is known, such as ``[Not Available]``."""
    bare = text.strip().strip("[]").strip()
    return "" if bare.casefold() in NOTHING else text.strip()


def number(text: str) -> float | None:
    """The number in a cell, or None."""
    bare = known(text)
    return float(bare) if NUMBER.fullmatch(bare) else None


def age_of(text: str) -> float | None:
    """Years of a DICOM age such as ``067Y``, or of a plain number."""
    match = AGE_STRING.fullmatch(text.strip())
    return float(match[1]) if match else number(text)


def as_text(value: float | None) -> str:
    """A number as `cohort.csv` writes it; empty where there is none."""
    return "" if value is None else f"{value:.9g}"


class Remarks:
    """Counts what was changed on the way, to be told in one sentence each."""

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()

    def add(self, what: str) -> None:
        """One more row of which `what` is true."""
        self._rows[what] += 1

    @property
    def sentences(self) -> tuple[str, ...]:
        """A sentence per kind of change with its number of rows."""
        return tuple(f"{what}: {count} row{'s' * (count > 1)}" for what, count in sorted(self._rows.items()))

    def within_limits(self, name: str, value: float | None) -> str:
        """A number as a cell of that column; empty, with a remark, where the column cannot hold it."""
        if value is None:
            return ""
        column = BY_NAME[name]
        low, high = column.limits
        if low <= value <= high:
            return as_text(value)
        self.add(f"{name} left empty, not within {low:g} to {high:g} {column.unit}")
        return ""

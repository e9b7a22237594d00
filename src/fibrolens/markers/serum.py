"""Scores of liver fibrosis from laboratory values: FIB-4 and APRI. Pure functions of numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

#: Lowest and highest value that a person can have, with the unit that is expected. Beyond them the unit is another.
LIMITS = {
    "age": (16.0, 120.0, "years"),
    "ast": (1.0, 20000.0, "U/L"),
    "alt": (1.0, 20000.0, "U/L"),
    "ast_uln": (10.0, 200.0, "U/L"),
    "platelets": (2.0, 2000.0, "10^9/L"),
}
NAMES = {
    "age": "age",
    "ast": "AST",
    "alt": "ALT",
    "ast_uln": "the upper limit of normal of AST",
    "platelets": "the platelet count",
}


@dataclass(frozen=True)
class Laboratory:
    """What the blood scores need; None where it was not determined.

    Args:
        age: years.
        ast, alt: aminotransferases, U/L.
        ast_uln: upper limit of normal of AST in that laboratory, U/L.
        platelets: 10^9/L, which is the same number as thousands per microlitre.
    """

    age: float | None = None
    ast: float | None = None
    alt: float | None = None
    ast_uln: float | None = None
    platelets: float | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, str]) -> Laboratory:
        """From a row of ``cohort.csv``; what is empty, absent or no number is missing."""
        return cls(**{field.name: _number(row.get(field.name)) for field in fields(cls)})


@dataclass(frozen=True)
class Score:
    """A score, or the reason why there is none."""

    value: float | None
    reason: str | None = None


def fib4(laboratory: Laboratory) -> Score:
    """FIB-4: age x AST / (platelets x sqrt(ALT)), in years, U/L and 10^9/L.

    Sterling et al., Hepatology 2006;43:1317-1325.
    """
    reason = _why_not(laboratory, ("age", "ast", "alt", "platelets"))
    age, ast, alt, platelets = laboratory.age, laboratory.ast, laboratory.alt, laboratory.platelets
    if reason or age is None or ast is None or alt is None or platelets is None:
        return Score(None, reason)
    return Score(age * ast / (platelets * math.sqrt(alt)))


def apri(laboratory: Laboratory) -> Score:
    """APRI: 100 x (AST / its upper limit of normal) / platelets, platelets in 10^9/L.

    Wai et al., Hepatology 2003;38:518-526.
    """
    reason = _why_not(laboratory, ("ast", "ast_uln", "platelets"))
    ast, limit, platelets = laboratory.ast, laboratory.ast_uln, laboratory.platelets
    if reason or ast is None or limit is None or platelets is None:
        return Score(None, reason)
    return Score(100.0 * (ast / limit) / platelets)


def _why_not(laboratory: Laboratory, needed: tuple[str, ...]) -> str | None:
    """The sentence that says what is missing or out of range; None where all is there."""
    values = {name: getattr(laboratory, name) for name in needed}
    missing = [NAMES[name] for name, value in values.items() if value is None]
    if missing:
        return f"not given: {', '.join(missing)}"
    for name, value in values.items():
        low, high, unit = LIMITS[name]
        if not low <= value <= high:
            return f"{NAMES[name]} is {value:g}, not within {low:g} to {high:g} {unit}; check its unit"
    return None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None

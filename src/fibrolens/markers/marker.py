"""A marker: a number with everything that is needed to trust or to doubt it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reference:
    """A published range of a marker.

    Args:
        low, high: its limits, in the marker's unit; None where it is open.
        meaning: in whom the range holds, or what its limits decide, with the source.
    """

    low: float | None
    high: float | None
    meaning: str

    def to_dict(self) -> dict[str, Any]:
        """For ``result.json``."""
        return {"low": self.low, "high": self.high, "meaning": self.meaning}


@dataclass(frozen=True)
class Definition:
    """What a marker is, whoever it is measured in.

    Args:
        name: key in ``result.json`` and column in tables.
        title: what a reader sees.
        unit: empty for a ratio.
        formula: how it is measured, in words.
        source: publication that the formula comes from; ``fibrolens`` where it is ours.
        reference: published range; None where we know of none.
        decimals: after the point, in a report.
    """

    name: str
    title: str
    unit: str
    formula: str
    source: str
    reference: Reference | None = None
    decimals: int = 0


@dataclass(frozen=True)
class Marker:
    """One measurement.

    Args:
        definition: what was measured.
        value: in the definition's unit; None where it could not be measured.
        not_measurable: the reason where `value` is None; None otherwise.
        mask_source: what made the masks that it was measured in; None where there are none.
        note: what restricts its meaning, such as that it is approximate.
    """

    definition: Definition
    value: float | None
    not_measurable: str | None = None
    mask_source: str | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        if (self.value is None) != bool(self.not_measurable):
            raise ValueError(f"The marker {self.definition.name} must have either a value or a reason why not.")

    @property
    def name(self) -> str:
        """The definition's name."""
        return self.definition.name

    def to_dict(self) -> dict[str, Any]:
        """For ``result.json``: all that there is to say, the definition included."""
        definition = self.definition
        return {
            "name": definition.name,
            "title": definition.title,
            "value": self.value,
            "unit": definition.unit,
            "decimals": definition.decimals,
            "formula": definition.formula,
            "source": definition.source,
            "reference": None if definition.reference is None else definition.reference.to_dict(),
            "mask_source": self.mask_source,
            "not_measurable": self.not_measurable,
            "note": self.note,
        }

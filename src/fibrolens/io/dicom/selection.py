"""A choice between the CT series of a study, as a table: what was found, the score, the verdict with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fibrolens.io.dicom.judge import Judged

#: Widest column of the printed table; a description may have 64 characters.
WIDEST = 44
HEADINGS = (
    "no.",
    "description",
    "images",
    "plane",
    "mm",
    "covers",
    "kernel",
    "phase",
    "score",
    "verdict",
    "series UID",
)


@dataclass(frozen=True)
class SelectionRow:
    """One CT series.

    Args:
        uid, number, description, images: of the series.
        orientation: ``axial``, ``coronal``, ``sagittal``, ``oblique`` or ``unknown``.
        thickness_mm, coverage_mm: None where not known.
        kernel: ``soft``, ``sharp`` or ``unknown``.
        phase: ``native``, ``arterial``, ``portal``, ``delayed`` or ``unknown``; phase_source: what tells it.
        score: points for it, 0 to 110.
        verdict: ``chosen``, or ``not chosen: `` and the reason.
    """

    uid: str
    number: int | None
    description: str
    images: int
    orientation: str
    thickness_mm: float | None
    coverage_mm: float | None
    kernel: str
    phase: str
    phase_source: str
    score: int
    verdict: str

    @property
    def chosen(self) -> bool:
        """Whether this is the series that was taken."""
        return self.verdict.startswith("chosen")

    @property
    def label(self) -> str:
        """What messages call it: number, description, and the end of the UID."""
        number = "" if self.number is None else f" {self.number}"
        name = f'"{self.description}"' if self.description else self.uid[-12:]
        return f"Series{number} {name}"

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells of the printed table."""
        phase = f"{self.phase} ({self.phase_source})" if self.phase_source else self.phase
        millimetres = ("?" if v is None else f"{v:.3g}" for v in (self.thickness_mm, self.coverage_mm))
        thickness, coverage = millimetres
        number = "" if self.number is None else str(self.number)
        return (number, self.description, str(self.images), self.orientation, thickness, coverage, self.kernel, phase,
                str(self.score), self.verdict, self.uid)  # fmt: skip


@dataclass(frozen=True)
class Selection:
    """The series of a study, best first, and a sentence where the choice between two of them was close."""

    rows: tuple[SelectionRow, ...]
    warning: str | None = None

    @property
    def chosen(self) -> SelectionRow | None:
        """The series that was taken; None where none could be."""
        return next((row for row in self.rows if row.chosen), None)

    @property
    def warnings(self) -> tuple[str, ...]:
        """For the warnings of a result: empty, or the one sentence."""
        return () if self.warning is None else (self.warning,)

    def to_dict(self) -> dict[str, Any]:
        """The `input.selection` object of ``result.json``."""
        return {"series": [asdict(row) for row in self.rows], "warning": self.warning}

    def __str__(self) -> str:
        """The table with aligned columns, for a terminal."""
        lines = [HEADINGS, *(row.cells for row in self.rows)]
        kept = [n for n in range(len(HEADINGS)) if any(line[n] for line in lines[1:])]
        cut = [[_cut(line[n]) if n == 1 else line[n] for n in kept] for line in lines]
        widths = [max(len(line[n]) for line in cut) for n in range(len(kept))]
        text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cut]
        return "\n".join((*text, *self.warnings))


def row_of(judged: Judged, verdict: str) -> SelectionRow:
    """The row of a judged series."""
    record = judged.record
    return SelectionRow(
        uid=record.uid,
        number=record.number,
        description=record.shown,
        images=record.images,
        orientation=record.orientation or "unknown",
        thickness_mm=record.thickness,
        coverage_mm=record.coverage,
        kernel=judged.kernel,
        phase=judged.phase.phase,
        phase_source=judged.phase.source,
        score=judged.score,
        verdict=verdict,
    )


def in_words(rows: Sequence[SelectionRow], most: int = 12) -> str:
    """The series with the reason that speaks against each, for an error message."""
    told = [f"{r.label}, {r.images} slices, {r.uid}: {r.verdict.removeprefix('not chosen: ')}" for r in rows[:most]]
    more = f"; and {len(rows) - most} more (--explain-selection shows all)" if len(rows) > most else ""
    return "; ".join(told) + more


def _cut(text: str) -> str:
    return text if len(text) <= WIDEST else text[: WIDEST - 3] + "..."

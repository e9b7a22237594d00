"""CSV files that appear whole."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

Cell = str | int | float | None


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Write a table, whole or not at all; None is an empty cell, a float has nine digits.

    Args:
        path: the file; what stands there is replaced.
        columns: titles of the columns.
        rows: a cell per column.

    Raises:
        OSError: the file cannot be written.
    """
    aside = path.with_suffix(".partial")
    with aside.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_text(cell) for cell in row] for row in rows)
    aside.replace(path)


def _text(cell: Cell) -> str | int:
    if cell is None:
        return ""
    return f"{cell:.9g}" if isinstance(cell, float) else cell

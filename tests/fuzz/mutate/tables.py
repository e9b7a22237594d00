"""Damage to CSV tables and lists of paths: cells that no person writes, other encodings, quotes that do not close."""

from __future__ import annotations

import csv
import io

from numpy.random import Generator
from tests.fuzz.mutate.plain import choice

CELLS = ("", " ", "-", "nan", "inf", "-inf", "1e999", "-1", "0", "1_000", "٣", "२०१५-०३-३१", "0001-01-01", "9999-12-31",
         "2015-02-30", "F9", "F0|F1|F2|F3|F4", "F1|F1", "|", "f2-f4", "=1+1", "\x1b[2J", "\0", "a\0b", '"', '""', "a,b",
         "a\nb", "a\r\nb", "../../etc", ".", "..", "/", "/dev/null", "/dev/zero", "~", "ct0.nii.gz", "x" * 300,
         "y" * 5000, "z" * 140000, "\u202e", "\ufeff", "𝟛", "yes", "M", "portal", "CON", "é")  # fmt: skip
NEWLINES = ("\n", "\r\n", "\r", "\u2028", "\n\n")
ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252")


def mutate_table(content: bytes, rng: Generator) -> bytes:
    """One to four changes of cells, rows and columns, then perhaps of what a table is written in."""
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))
    except (UnicodeDecodeError, csv.Error):
        return content
    for _ in range(int(rng.integers(1, 5))):
        rows = _changed(rows, rng)
    return _written(rows, rng).encode(choice(ENCODINGS, rng), "replace")


def _changed(rows: list[list[str]], rng: Generator) -> list[list[str]]:
    if not rows or not rows[0]:
        return [[choice(CELLS, rng)]]
    at, kind = int(rng.integers(len(rows))), rng.random()
    row = rows[at] or [""]
    column = int(rng.integers(len(row)))
    if kind < 0.7:
        row = [*row[:column], choice(CELLS, rng), *row[column + 1 :]]
    elif kind < 0.78:
        row = row[:column] + row[column + 1 :]
    elif kind < 0.84:
        row = [*row, *choice((["extra"], [""], ["x"] * 50), rng)]
    elif kind < 0.9:
        return rows[:at] + rows[at + 1 :]
    else:
        return [*rows, *[row] * choice((1, 2, 30), rng)]
    return [*rows[:at], row, *rows[at + 1 :]]


def _written(rows: list[list[str]], rng: Generator) -> str:
    newline = choice(NEWLINES, rng) if rng.random() < 0.1 else "\n"
    comma = choice((";", "\t", ", "), rng) if rng.random() < 0.05 else ","
    if rng.random() < 0.1:  # as somebody writes it who knows no quotes
        return newline.join(comma.join(row) for row in rows)
    stream = io.StringIO()
    csv.writer(stream, delimiter=comma[0], lineterminator=newline).writerows(rows)
    return stream.getvalue()

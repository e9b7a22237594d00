"""Readings on a sheet: an empty table with its pictures for one reader, and the table that comes back."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fibrolens.cohort.problems import Problem, refuse
from fibrolens.csvfile import write_csv
from fibrolens.errors import CohortError, InputError, UsageError
from fibrolens.output import is_done, output_folder
from fibrolens.readers.choices import CHOICES, CONFIDENCES, INSTRUCTIONS, QUESTION
from fibrolens.readers.folder import PICTURES
from fibrolens.readers.store import Reading, Store
from fibrolens.result import INTENDED_USE

COLUMNS = ("number", "reader", "item", "picture", "pattern", "confidence", "comment")
NEEDED = ("reader", "item", "pattern", "confidence")
SHEET, MANUAL = "readings.csv", "instructions.txt"
#: What a cell may say for each pattern, in small letters.
SPELLINGS = {
    spelling.casefold(): choice.name
    for number, choice in enumerate(CHOICES, start=1)
    for spelling in (str(number), choice.name, choice.title)
}


@dataclass(frozen=True)
class Added:
    """What became of the rows of a sheet.

    Args:
        new: readings of items that had none.
        corrected: readings that differ from the one before.
        unchanged: readings that were known already.
        empty: rows that have not been filled in.
    """

    new: int
    corrected: int
    unchanged: int
    empty: int


def write_sheet(store: Store, pictures: Path, reader: str, out: Path) -> bool:
    """Write what one reader needs: ``readings.csv`` to fill in, ``instructions.txt`` and ``pictures``.

    Args:
        store: of the set.
        pictures: folder of its pictures.
        reader: for whom; the items stand in the order of this reader, and what was read before is filled in.
        out: the folder, which may be handed over.

    Returns:
        Whether it was written: not where the same sheet stands there.

    Raises:
        UsageError: nobody of this name reads, or something else is in the way.
        OutputError: the folder cannot be written.
    """
    order, known = require_reader(store, reader), store.current(reader)
    rows = [_row(number, reader, item, known.get(item)) for number, item in enumerate(order, start=1)]
    run = {"command": "read sheet", "reader": reader, "rows": rows}
    if is_done(out, run):
        return False
    with output_folder(out, run) as folder:
        write_csv(folder / SHEET, COLUMNS, rows)
        (folder / MANUAL).write_text(manual(reader, len(order)), encoding="utf-8")
        (folder / PICTURES).mkdir()
        for item in order:
            shutil.copy2(pictures / f"{item}.png", folder / PICTURES)
    return True


def require_reader(store: Store, reader: str) -> tuple[str, ...]:
    """The order of a reader.

    Raises:
        UsageError: nobody of this name reads.
    """
    if reader not in store.readers():
        raise UsageError(f"There is no reader {reader!r} in this study; the readers are {', '.join(store.readers())}.")
    return store.order(reader)


def manual(reader: str, pictures: int) -> str:
    """The instructions that go with a sheet."""
    lines = [
        INTENDED_USE,
        "",
        f"Reader: {reader}. {pictures} pictures, in the order of {SHEET}.",
        "",
        *INSTRUCTIONS,
        "",
    ]
    lines += [QUESTION, "Write the number or the words into the column pattern:"]
    lines += [f"  {number}  {choice.title}. {choice.sentence}" for number, choice in enumerate(CHOICES, start=1)]
    lines += ["", "How sure are you? Write the number into the column confidence:"]
    lines += [f"  {number}  {words}" for number, words in CONFIDENCES.items()]
    lines += ["", "Leave both cells empty where you have not read a picture. The comment is free.", ""]
    return "\n".join(lines)


def add_sheet(store: Store, path: Path) -> Added:
    """Take in a sheet that was filled in: all of it, or nothing where a row cannot be used.

    Raises:
        CohortError: the file is no such table, or rows cannot be used; all problems are told by line.
    """
    rows = _read(path)
    orders = {reader: frozenset(store.order(reader)) for reader in store.readers()}
    problems: list[Problem] = []
    readings: list[Reading] = []
    first: dict[tuple[str, str], int] = {}
    for line, cells in rows:
        if not cells["pattern"] and not cells["confidence"]:
            if cells["comment"]:
                problems.append(Problem(line, "has a comment, but neither pattern nor confidence"))
            continue
        found = _problems(cells, orders)
        before = first.setdefault((cells["reader"], cells["item"]), line)
        if before != line:
            found.append(f"item {cells['item']} stands in line {before} already")
        problems += [Problem(line, text) for text in found]
        if not found:
            try:
                readings.append(_reading(cells))
            except InputError as error:
                problems.append(Problem(line, str(error)))
    refuse(path, problems)
    return _save(store, readings, len(rows) - len(readings))


def _save(store: Store, readings: Sequence[Reading], empty: int) -> Added:
    known = {reader: store.current(reader) for reader in {reading.reader for reading in readings}}
    new = [reading for reading in readings if reading.item not in known[reading.reader]]
    both = [reading for reading in readings if reading.item in known[reading.reader]]
    corrected = [reading for reading in both if reading.said != known[reading.reader][reading.item].said]
    store.add([*new, *corrected])
    return Added(len(new), len(corrected), len(both) - len(corrected), empty)


def _row(number: int, reader: str, item: str, known: Reading | None) -> tuple[str | int | None, ...]:
    said: tuple[str | int | None, ...] = (None, None, None) if known is None else known.said
    return (number, reader, item, f"{PICTURES}/{item}.png", *said)


def _read(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Line and cells of every row; between cells a comma, a semicolon or a tab, as spreadsheets write them."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CohortError(f"{path} cannot be read ({error}); save the sheet as CSV in UTF-8.") from None
    header = text.partition("\n")[0]
    between = max(",;\t", key=header.count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=between)
    try:
        columns = [name.strip().casefold() for name in next(reader, [])]
        rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if any(cells)]
    except csv.Error as error:
        raise CohortError(f"{path} cannot be read as a table ({error}); save the sheet as CSV in UTF-8.") from None
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise CohortError(f"{path.name} has no column {', '.join(missing)}; a sheet has {', '.join(COLUMNS)}.")
    nothing = dict.fromkeys((*columns, *COLUMNS), "")
    return [(line, nothing | dict(zip(columns, cells, strict=False))) for line, cells in rows]


def _problems(cells: Mapping[str, str], orders: Mapping[str, frozenset[str]]) -> list[str]:
    reader, item, said, sure = (cells[name] for name in NEEDED)
    found = []
    if reader not in orders:
        found.append(f"there is no reader {reader!r}; the readers are {', '.join(orders)}")
    elif item not in orders[reader]:
        found.append(f"there is no item {item!r} in this study")
    if said.casefold() not in SPELLINGS:
        found.append(f"pattern must be a number from 1 to {len(CHOICES)} or its words; it is {said!r}")
    if sure not in {str(number) for number in CONFIDENCES}:
        found.append(f"confidence must be a number from 1 to 5; it is {sure!r}")
    return found


def _reading(cells: Mapping[str, str]) -> Reading:
    pattern, confidence = SPELLINGS[cells["pattern"].casefold()], int(cells["confidence"])
    return Reading(cells["reader"], cells["item"], pattern, confidence, cells["comment"], source="sheet")

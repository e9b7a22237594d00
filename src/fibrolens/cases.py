"""Which CTs a batch is of: those of the command line, those of a manifest of any length, or a shard of either."""

from __future__ import annotations

import csv
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

from fibrolens.cohort.problems import Problem, refuse
from fibrolens.dispatch import Jobs
from fibrolens.errors import InputError, UsageError

IMAGE, SCAN_ID, EXCLUDE = "image", "scan_id", "exclude"
LONGEST_ID = 150
#: Characters that no scan id may hold, for it becomes the name of a folder.
FORBIDDEN = set('/\\:*?"<>|\0')
#: Of a manifest; with more it is another kind of file.
MOST_PROBLEMS = 20


@dataclass(frozen=True)
class Case:
    """One CT.

    Args:
        path: where it is.
        scan_id: name of its folder; None takes the scan's own.
    """

    path: Path
    scan_id: str | None = None


#: Cases in their order.
Cases = Jobs[Case]
#: What a verb may be given: paths, or cases.
Inputs = Sequence[Path] | Cases


def is_single(inputs: Inputs) -> bool:
    """Whether a single CT was named, so that options for one may be given; a manifest never is."""
    return isinstance(inputs, Sequence) and len(inputs) == 1


def as_cases(inputs: Inputs, scan_id: str | None = None) -> Cases:
    """Cases of paths, all with `scan_id` where it is given; cases as they are."""
    if not isinstance(inputs, Sequence):
        return inputs
    return [one if isinstance(one, Case) else Case(one, scan_id) for one in inputs]


@dataclass(frozen=True)
class Shard:
    """Every `count`-th of the cases: by position, so that each process finds the same without asking another.

    Args:
        cases: all of them.
        number: which share, from 1.
        count: how many shares there are.
    """

    cases: Cases
    number: int
    count: int

    @classmethod
    def parse(cls, cases: Cases, text: str) -> Shard:
        """The shard that ``3/100`` says.

        Raises:
            UsageError: another text.
        """
        match = re.fullmatch(r"([0-9]+)/([0-9]+)", text)
        if match is None or not 1 <= int(match[1]) <= int(match[2]):
            raise UsageError(f"--shard must be 1/N to N/N, for example 3/100; it is {text!r}.")
        return cls(cases, int(match[1]), int(match[2]))

    def __len__(self) -> int:
        return len(range(self.number - 1, len(self.cases), self.count))

    def __iter__(self) -> Iterator[Case]:
        return islice(iter(self.cases), self.number - 1, None, self.count)


class Manifest:
    """The CTs of a file: a path per line, or a CSV table with a column ``image`` and, if wanted, ``scan_id``.

    Paths are relative to the file's folder. A ``cohort.csv`` will do; its excluded rows are left out. In a text, blank
    lines and those that begin with ``#`` are. All lines are checked at once, but none is kept.

    Args:
        path: the file.

    Raises:
        InputError: it cannot be read or names no CT.
        CohortError: lines cannot be used; they are named.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        problems: list[Problem] = []
        self._count = 0
        with closing(sqlite3.connect("")) as known:
            known.execute("CREATE TABLE known (name TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID")
            for line, image, scan_id in self._lines():
                self._count += 1
                problems += [Problem(line, text) for text in _faults(line, image, scan_id, known)]
                if len(problems) >= MOST_PROBLEMS:
                    break
        refuse(path, problems)
        if not self._count:
            raise InputError(f"{path} names no CT; give one per line, or a table with a column {IMAGE}.")

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Case]:
        for _, image, scan_id in self._lines():
            yield Case(self._path.parent / image, scan_id or None)

    def _lines(self) -> Iterator[tuple[int, str, str]]:
        """Number, image and scan id of each line that is no blank."""
        try:
            with self._path.open(encoding="utf-8-sig", newline="") as stream:
                header = [name.strip() for name in next(csv.reader([stream.readline()]), [])]
                if IMAGE in header:
                    yield from _table(stream, header)
                elif self._path.suffix.lower() == ".csv":
                    raise InputError(
                        f"{self._path} has no column {IMAGE} in its first line; name it there, with commas between the "
                        "columns, or give a text file with a path per line."
                    )
                else:
                    stream.seek(0)
                    yield from _text(stream)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise InputError(
                f"{self._path} cannot be read as a manifest ({error}); give a text or CSV file in UTF-8."
            ) from None


def _table(stream: IO[str], header: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    image, scan_id, exclude = (header.index(name) if name in header else None for name in (IMAGE, SCAN_ID, EXCLUDE))
    reader = csv.reader(stream)
    for row in reader:
        cells = [cell.strip() for cell in row]
        cell = [cells[k] if k is not None and k < len(cells) else "" for k in (image, scan_id, exclude)]
        if any(cells) and not cell[2]:
            yield reader.line_num + 1, cell[0], cell[1]


def _text(stream: IO[str]) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(stream, start=1):
        path = line.strip()
        if path and not path.startswith("#"):
            yield number, path, ""


def _faults(line: int, image: str, scan_id: str, known: sqlite3.Connection) -> Iterator[str]:
    """What is wrong with a line; `known` are the names of those before it."""
    if not image:
        yield f"{IMAGE} is empty"
        return
    if scan_id:
        try:
            check_scan_id(scan_id)
        except UsageError as error:
            yield str(error)
            return
    # The scan id names a folder, and some file systems do not tell small letters from capitals.
    name, told = (f"id {scan_id.casefold()}", f"{SCAN_ID} {scan_id}") if scan_id else (f"path {image}", image)
    first = known.execute("SELECT line FROM known WHERE name = ?", (name,)).fetchone()
    if first is None:
        known.execute("INSERT INTO known VALUES (?, ?)", (name, line))
    else:
        yield f"{told} stands in line {first[0]} already"


def check_scan_id(scan_id: str) -> None:
    """Raise UsageError where `scan_id` cannot be the name of a folder."""
    nameable = bool(scan_id.strip(". ")) and scan_id.isprintable() and len(scan_id) <= LONGEST_ID
    if not nameable or FORBIDDEN & set(scan_id) or scan_id.startswith("."):
        raise UsageError(f"The scan id {scan_id!r} cannot name a folder; use letters, digits, '-' and '_'.")

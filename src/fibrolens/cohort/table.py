"""``cohort.csv``: one row per scan.

Required columns are ``patient_id``, ``scan_id``, ``image`` and ``stage``; paths are relative to the table's folder.
A stage is ``F3``, or a set such as ``F2|F3`` where the source does not decide. A row with a reason under ``exclude``
stands for somebody who is not in the study: it needs neither image nor stage, and its files are not looked for.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fibrolens.cohort.columns import CONTROL, FILES, REQUIRED, meant
from fibrolens.cohort.problems import Problem, refuse
from fibrolens.errors import CohortError
from fibrolens.plan import STAGES

#: What a row needs that is excluded anyway.
ALWAYS_REQUIRED = ("patient_id", "scan_id")
#: A scan id names files and folders.
SCAN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
#: Stages in another spelling: without the F or with a small one, a set with another sign between them.
SPELLED_STAGE = re.compile(r"[fs]?\s*([0-6])")
RANGE = re.compile(r"-|\bto\b")
BETWEEN_STAGES = re.compile(r"\s*[|/,;+&-]\s*|\s+(?:or\s+|to\s+)?")


@dataclass(frozen=True)
class CohortRow:
    """One scan of a cohort.

    Args:
        line: line of the row in the file; the header is line 1.
        patient_id: whose scan.
        scan_id: name of the scan, unique in the table.
        image: the CT; of an excluded row it need not exist.
        stages: stages that the source allows, ascending numbers 0 to 4; may be empty in an excluded row.
        liver_mask: liver on the CT's grid, where given.
        spleen_mask: spleen on the CT's grid, where given.
        values: the row as it was written, every column.
    """

    line: int
    patient_id: str
    scan_id: str
    image: Path
    stages: tuple[int, ...]
    liver_mask: Path | None
    spleen_mask: Path | None
    values: Mapping[str, str]

    @property
    def stage_name(self) -> str:
        """``F3``, or ``F2|F3`` for a set."""
        return "|".join(STAGES[k] for k in self.stages)

    @property
    def is_control(self) -> bool:
        """Whether imaging, not histology, says that the liver is healthy (``reference`` is ``imaging_negative``)."""
        return self.values.get("reference") == CONTROL


@dataclass(frozen=True)
class Record:
    """The cells of one row as text, before anything is made of them; an absent column reads as empty.

    Args:
        line: line in the file.
        cells: by column.
        surplus: whether the row holds more than the header has columns.
    """

    line: int
    cells: Mapping[str, str]
    surplus: bool = False

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    @property
    def is_excluded(self) -> bool:
        """Whether the row has a reason under ``exclude``."""
        return bool(self["exclude"])


@dataclass(frozen=True)
class Table:
    """What `scan_table` found.

    Args:
        columns: the header.
        records: rows with as many cells as the header has.
        rows: those that can be used.
        problems: all that is wrong.
    """

    columns: tuple[str, ...]
    records: tuple[Record, ...]
    rows: tuple[CohortRow, ...]
    problems: tuple[Problem, ...]


def read_cohort(path: Path) -> tuple[CohortRow, ...]:
    """Read a cohort table; header, identifiers, stages, and whether files exist are checked.

    Raises:
        CohortError: the file is no such table, or rows cannot be used; all problems are listed with their lines.
    """
    table = scan_table(path)
    refuse(path, table.problems)
    return table.rows


def scan_table(path: Path) -> Table:
    """Read a cohort table with its problems.

    Raises:
        CohortError: the file is no table, or has no rows.
    """
    lines, columns = _read_csv(path)
    missing = [name for name in REQUIRED if name not in columns]
    if missing and not lines:
        raise CohortError(f"{path.name} has no column {', '.join(missing)}; it needs {', '.join(REQUIRED)}.")
    if not lines:
        raise CohortError(f"{path.name} has no rows; give one row per scan.")
    problems = _header_problems(columns, missing)
    if len(columns) == 1:
        return Table(tuple(columns), (), (), tuple(problems))
    problems += [
        Problem(record.line, "has more cells than the header; quote a text or number that holds a comma")
        for record in lines
        if record.surplus
    ]
    records = tuple(record for record in lines if not record.surplus)
    rows = [row for record in records if (row := _row(record, columns, path.parent, problems)) is not None]
    problems += _repeats(records)
    return Table(tuple(columns), records, tuple(rows), tuple(problems))


def parse_stages(text: str) -> tuple[int, ...]:
    """Ascending stage numbers of ``F3`` or ``F2|F3``.

    Raises:
        ValueError: another text; the message says what to write where that can be guessed.
    """
    names = [part.strip() for part in text.split("|")]
    if len(set(names)) != len(names) or not set(names) <= set(STAGES):
        wanted = f"stage must be one of {', '.join(STAGES)}, or a set such as F2|F3; it is {text!r}"
        raise ValueError(wanted + _stage_hint(text))
    return tuple(sorted(STAGES.index(name) for name in names))


def files_of(record: Record, folder: Path) -> dict[str, Path]:
    """The files that a row names, by column."""
    return {name: folder / record[name] for name in FILES if record[name]}


def missing_files(record: Record, folder: Path) -> list[str]:
    """The columns whose file does not exist; none in a row that is excluded."""
    return [] if record.is_excluded else [name for name, path in files_of(record, folder).items() if not _exists(path)]


def _read_csv(path: Path) -> tuple[list[Record], list[str]]:
    """Rows without the blank ones, and the header."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            columns = [name.strip() for name in next(reader, [])]
            records = [_record(reader.line_num, columns, [cell.strip() for cell in cells]) for cells in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CohortError(f"{path} cannot be read as a table ({error}); give a CSV file in UTF-8.") from None
    return [record for record in records if any(record.cells.values())], columns


def _record(line: int, columns: Sequence[str], cells: Sequence[str]) -> Record:
    """A row; cells that it lacks are empty."""
    filled = dict.fromkeys(columns, "") | dict(zip(columns, cells, strict=False))
    return Record(line, filled, surplus=any(cells[len(columns) :]))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # for example a name that is too long to be one
        return False


def _header_problems(columns: Sequence[str], missing: Sequence[str]) -> list[Problem]:
    """What is wrong with the header."""
    texts = []
    if missing:
        separated = "; separate the cells by commas" if len(columns) == 1 and re.search("[;\t]", columns[0]) else ""
        texts.append(f"no column {', '.join(missing)}; the table needs {', '.join(REQUIRED)}{separated}")
    texts += [f"the column {name} stands twice" for name in dict.fromkeys(columns) if name and columns.count(name) > 1]
    for name in dict.fromkeys(columns):
        near = meant(name, columns)
        if near is not None:
            texts.append(f"there is no column {name!r}; did you mean {near}? A column of your own needs another name")
    return [Problem(1, text) for text in texts]


def _row(record: Record, columns: Sequence[str], folder: Path, problems: list[Problem]) -> CohortRow | None:
    """The row, or None with its problems appended."""
    needed = ALWAYS_REQUIRED if record.is_excluded else REQUIRED
    found = [f"{name} is empty" for name in needed if name in columns and not record[name]]
    scan_id = record["scan_id"]
    if scan_id and not SCAN_ID.fullmatch(scan_id):
        found.append(f"scan_id {scan_id!r} may hold letters, digits, '.', '_' and '-' only")
    stages: tuple[int, ...] = ()
    try:
        stages = parse_stages(record["stage"]) if record["stage"] else ()
    except ValueError as error:
        found.append(str(error))
    found += [f"{name} {record[name]} does not exist" for name in missing_files(record, folder)]
    problems += [Problem(record.line, text) for text in found]
    if found:
        return None
    paths = files_of(record, folder)
    masks = (paths.get("liver_mask"), paths.get("spleen_mask"))
    image = folder / record["image"]
    return CohortRow(record.line, record["patient_id"], scan_id, image, stages, *masks, record.cells)


def _repeats(records: Sequence[Record]) -> list[Problem]:
    """Scan ids and images that stand in two rows."""
    problems = []
    for name in ("scan_id", "image"):
        first: dict[str, int] = {}
        for record in records:
            # Scan ids name files, and some file systems do not tell small letters from capitals.
            value = record[name].casefold() if name == "scan_id" else record[name]
            counts = bool(value) and not (name == "image" and record.is_excluded)
            if counts and first.setdefault(value, record.line) != record.line:
                problems.append(Problem(record.line, f"{name} {record[name]} stands in line {first[value]} already"))
    return problems


def _stage_hint(text: str) -> str:
    """What to write instead, where a person would guess it."""
    spelled = [SPELLED_STAGE.fullmatch(part) for part in BETWEEN_STAGES.split(text.strip().casefold())]
    numbers = [int(match[1]) for match in spelled if match is not None]
    if not numbers or len(numbers) < len(spelled):
        return ""
    if max(numbers) >= len(STAGES):
        return "; the Ishak scale runs to 6, translate it to F0 to F4 first"
    is_range = RANGE.search(text.casefold()) is not None
    stages = range(min(numbers), max(numbers) + 1) if is_range else sorted(set(numbers))
    return f"; write {'|'.join(STAGES[k] for k in stages)}"

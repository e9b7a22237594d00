"""``cohort.csv``: one row per scan.

Required columns are ``patient_id``, ``scan_id``, ``image`` and ``stage``; paths are relative to the table's folder.
A stage is ``F3``, or a set such as ``F2|F3`` where the source does not decide.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fibrolens.errors import CohortError
from fibrolens.plan import STAGES

REQUIRED = ("patient_id", "scan_id", "image", "stage")
FILES = ("image", "liver_mask", "spleen_mask")
#: A scan id names files and folders.
SCAN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class CohortRow:
    """One scan of a cohort.

    Args:
        line: line of the row in the file; the header is line 1.
        patient_id: whose scan.
        scan_id: name of the scan, unique in the table.
        image: the CT.
        stages: stages that the source allows, ascending numbers 0 to 4.
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


def read_cohort(path: Path) -> tuple[CohortRow, ...]:
    """Read and check a cohort table.

    Raises:
        CohortError: the file is no such table, or rows cannot be used; all problems are listed with their lines.
    """
    records, columns = _read_csv(path)
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise CohortError(f"{path.name} has no column {', '.join(missing)}; it needs {', '.join(REQUIRED)}.")
    if not records:
        raise CohortError(f"{path.name} has no rows; give one row per scan.")
    problems: list[str] = []
    rows = [row for line, record in records if (row := _row(line, record, path.parent, problems)) is not None]
    _find_repeats(records, problems)
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise CohortError(f"{path.name} has {count}; correct and run again:\n  " + "\n  ".join(problems))
    return tuple(rows)


def parse_stages(text: str) -> tuple[int, ...]:
    """Ascending stage numbers of ``F3`` or ``F2|F3``.

    Raises:
        ValueError: another text.
    """
    names = [part.strip() for part in text.split("|")]
    if len(set(names)) != len(names) or not set(names) <= set(STAGES):
        raise ValueError(f"stage must be one of {', '.join(STAGES)}, or a set such as F2|F3; it is {text!r}")
    return tuple(sorted(STAGES.index(name) for name in names))


def _read_csv(path: Path) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    """Rows with their line numbers, blank lines left out, and the header."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, restval="", restkey="")
            columns = [name.strip() for name in reader.fieldnames or []]
            reader.fieldnames = columns
            records = [(reader.line_num, {k: str(v).strip() for k, v in row.items()}) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CohortError(f"{path} cannot be read as a table ({error}); give a CSV file in UTF-8.") from None
    return [(line, record) for line, record in records if any(record.values())], columns


def _row(line: int, record: dict[str, str], folder: Path, problems: list[str]) -> CohortRow | None:
    """The row, or None with its problems appended."""
    found = [f"line {line}: {name} is empty" for name in REQUIRED if not record[name]]
    scan_id = record["scan_id"]
    if scan_id and not SCAN_ID.fullmatch(scan_id):
        found.append(f"line {line}: scan_id {scan_id!r} may hold letters, digits, '.', '_' and '-' only")
    stages: tuple[int, ...] = ()
    try:
        stages = parse_stages(record["stage"]) if record["stage"] else ()
    except ValueError as error:
        found.append(f"line {line}: {error}")
    paths = {name: folder / record[name] for name in FILES if record.get(name)}
    found += [f"line {line}: {name} {record[name]} does not exist" for name, p in paths.items() if not p.exists()]
    problems += found
    if found:
        return None
    masks = (paths.get("liver_mask"), paths.get("spleen_mask"))
    return CohortRow(line, record["patient_id"], scan_id, paths["image"], stages, *masks, record)


def _find_repeats(records: list[tuple[int, dict[str, str]]], problems: list[str]) -> None:
    """Report scan ids and images that stand in two rows."""
    for name in ("scan_id", "image"):
        first: dict[str, int] = {}
        for line, record in records:
            value = record[name]
            if value and first.setdefault(value, line) != line:
                problems.append(f"line {line}: {name} {value} stands in line {first[value]} already")

"""Cases as rows of ``cohort.csv``: paths relative to the table, the contract's columns first, then the source's own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from fibrolens.cohort.columns import BY_NAME, REQUIRED
from fibrolens.cohort.sources.base import NO_IMAGE, Case
from fibrolens.plan import STAGES

#: Columns that stand in every import, even where all cells are empty: criteria look for them.
ALWAYS = (*REQUIRED, "reference", "exclude", "modality")
#: Columns that every source adds.
OWN = ("source", "source_value", "case_key")
NOT_IN_SCAN_ID = re.compile(r"[^A-Za-z0-9._-]+")

Row = dict[str, str]


def row_of(case: Case, source: str, folder: Path) -> Row:
    """A case as cells by column; masks that are ready are named, label files are not yet split.

    Args:
        case: of the source.
        source: its name.
        folder: where the table will stand.
    """
    cells = {name: value for name, value in case.values.items() if value}
    cells |= {f"{organ}_mask": relative(path, folder) for organ, path in case.masks.items()}
    return {
        "patient_id": case.patient_id,
        "scan_id": NOT_IN_SCAN_ID.sub("-", case.scan_id),
        "image": "" if case.image is None else relative(case.image, folder),
        "stage": "|".join(STAGES[k] for k in case.stages),
        "exclude": case.exclude or ("" if case.image is not None else NO_IMAGE),
        **cells,
        "source": source,
        "source_value": case.source_value,
        "case_key": case.case_key,
    }


def columns_of(rows: Iterable[Mapping[str, str]]) -> list[str]:
    """The header: columns of the contract that any row fills, in the contract's order, then those of the source."""
    filled = dict.fromkeys(name for row in rows for name, value in row.items() if value)
    known = [name for name in BY_NAME if name in ALWAYS or name in filled]
    return [*known, *OWN, *(name for name in filled if name not in BY_NAME and name not in OWN)]


def relative(path: Path, folder: Path) -> str:
    """A path as a table in `folder` names it."""
    return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()


def as_lines(rows: Sequence[Row], columns: Sequence[str]) -> list[list[str]]:
    """The cells of a table."""
    return [[row.get(name, "") for name in columns] for row in rows]

"""What a checked cohort holds, in a few lines for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from fibrolens.cohort.cells import date_of
from fibrolens.cohort.columns import BY_NAME, OF_HISTOLOGY, REQUIRED
from fibrolens.cohort.flow import Count, count_stages
from fibrolens.cohort.table import CohortRow

#: Columns whose empty cells mean "none", and so are not missing.
MAY_BE_EMPTY = ("exclude", "liver_disease_history", "history")
#: Columns that most cohorts have no use for.
RARE = ("exclude", "modality", "field_strength", "history")


def summary(name: str, rows: Sequence[CohortRow]) -> str:
    """Scans, patients, stages and controls of a cohort, what is missing, and what deserves a second look.

    Args:
        name: of the table.
        rows: of the table, checked.
    """
    kept = [row for row in rows if not row.values.get("exclude")]
    lines = [f"{name}: {Count.of(rows)}, no problem found. Research use only."]
    lines.append(f"stages: {', '.join(f'{entry.stage} {entry.count.scans}' for entry in count_stages(kept))}")
    lines.append(f"controls (imaging negative): {Count.of(row for row in kept if row.is_control)}")
    out = [row for row in rows if row.values.get("exclude")]
    if out:
        lines.append(f"excluded by a reason in the table, and not counted here: {Count.of(out)}")
    lines += [f"{title}: {', '.join(names)}" for title, names in _columns(kept) if names]
    doubtful = [row.scan_id for row in kept if _shows_the_graft(row)]
    if doubtful:
        lines.append(
            f"worth a look: the CT is later than the transplantation that gave the stage in {_listed(doubtful)}; "
            "it shows the new liver"
        )
    return "\n  ".join(lines)


def _columns(rows: Sequence[CohortRow]) -> Iterator[tuple[str, list[str]]]:
    """What the columns lack, and which are the user's own."""
    columns = list(rows[0].values) if rows else []
    missing = []
    for name in columns:
        if name in BY_NAME and name not in (*REQUIRED, *MAY_BE_EMPTY):
            asked = [row for row in rows if not (name in OF_HISTOLOGY and row.is_control)]
            empty = sum(not row.values[name] for row in asked)
            missing += [f"{name} in {empty} of {len(asked)} scans"] if empty else []
    yield "empty cells", missing
    yield "columns that the table lacks", [name for name in BY_NAME if name not in (*columns, *RARE)]
    yield "columns of your own", [name for name in columns if name and name not in BY_NAME]


def _shows_the_graft(row: CohortRow) -> bool:
    """Whether the liver that was examined had left the body when the CT was made."""
    ct, histology = _day(row, "ct_date"), _day(row, "histology_date")
    explanted = row.values.get("specimen") == "transplantation"
    return explanted and ct is not None and histology is not None and ct > histology


def _day(row: CohortRow, name: str) -> date | None:
    return date_of(row.values.get(name, ""))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"

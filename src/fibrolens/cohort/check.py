"""`check_cohort`: everything that is wrong with a cohort, told in one go."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from fibrolens.cohort.cells import cell_problem
from fibrolens.cohort.columns import BY_NAME
from fibrolens.cohort.consistency import contradictions
from fibrolens.cohort.content import ScanContents
from fibrolens.cohort.problems import Problem, refuse
from fibrolens.cohort.table import CohortRow, Record, Table, files_of, missing_files, scan_table
from fibrolens.progress import ReporterFactory, silent


def check_cohort(path: Path, progress: ReporterFactory = silent) -> tuple[CohortRow, ...]:
    """Read a cohort and check header, cells, what they say against each other, and every CT and mask.

    Files of rows with an ``exclude`` reason are not opened. Nothing is written.

    Args:
        path: the table.
        progress: makes the reporter of the reading; one unit per row.

    Raises:
        CohortError: the file is no table, or has problems; all are listed with their lines.
    """
    table = scan_table(path)
    problems = [*table.problems, *_value_problems(table.records), *_file_problems(table, path.parent, progress)]
    refuse(path, problems)
    return table.rows


def check_values(path: Path) -> tuple[CohortRow, ...]:
    """Read a cohort and check all that `check_cohort` does without opening a CT or mask.

    Raises:
        CohortError: the file is no table, or has problems; all are listed with their lines.
    """
    table = scan_table(path)
    refuse(path, [*table.problems, *_value_problems(table.records)])
    return table.rows


def _value_problems(records: Sequence[Record]) -> list[Problem]:
    """Cells with a value that cannot be, and values that contradict each other."""
    today = datetime.now(UTC).astimezone().date()
    found = [
        Problem(record.line, text)
        for record in records
        for name in record.cells
        if name in BY_NAME and (text := cell_problem(BY_NAME[name], record[name], today)) is not None
    ]
    return [*found, *contradictions(records)]


def _file_problems(table: Table, folder: Path, progress: ReporterFactory) -> list[Problem]:
    """What is wrong with the files that exist."""
    contents = ScanContents()
    problems: list[Problem] = []
    with progress(len(table.records), "reading scans") as report:
        for record in table.records:
            if not record.is_excluded:
                gone = missing_files(record, folder)
                files = {name: file for name, file in files_of(record, folder).items() if name not in gone}
                problems += contents.problems(record, files)
            report.advance(note=record["scan_id"])
    return problems

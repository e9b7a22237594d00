"""What `fibrolens cohort flow` writes: who is in the study and why the others are not, as tables and a flowchart."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from fibrolens.cohort.check import check_values
from fibrolens.cohort.criteria import Criteria, Exclusion, Selection, select
from fibrolens.cohort.demographics import table_one
from fibrolens.csvfile import write_csv
from fibrolens.output import file_sha256, is_done, output_folder, write_json
from fibrolens.report.flowchart import flowchart

EXCLUDED = ("line", "scan_id", "patient_id", "criterion", "reason", "detail")


def write_flow(cohort_csv: Path, out: Path, criteria: Criteria, overwrite: bool = False) -> Selection:
    """Apply the criteria to a cohort, and write the flow (JSON, CSV, PNG, SVG), who is excluded, and Table 1.

    CTs and masks are not opened. A folder that was made from the same table and criteria is left alone.

    Args:
        cohort_csv: the cohort.
        out: folder to write.
        criteria: who is in the study.
        overwrite: a flow of another table or of other criteria may be replaced.

    Returns:
        Who is in the study.

    Raises:
        CohortError: the table has problems; all are listed.
        UsageError: `out` holds something else.
        OutputError: `out` cannot be written.
    """
    selection = select(check_values(cohort_csv), criteria)
    run = {"command": "cohort flow", "cohort": file_sha256(cohort_csv), "criteria": asdict(criteria)}
    if is_done(out, run, overwrite):
        return selection
    with output_folder(out, run) as folder:
        write_json(selection.flow.to_dict(), folder / "flow.json")
        lines = selection.flow.table()
        write_csv(folder / "flow.csv", list(lines[0]), [list(line.values()) for line in lines])
        write_csv(folder / "excluded.csv", EXCLUDED, [_cells(out) for out in selection.excluded])
        table = table_one(selection.included)
        write_csv(folder / "table1.csv", table.columns, table.rows)
        flowchart(selection.flow, folder / "flow")
    return selection


def _cells(out: Exclusion) -> list[str | int]:
    row = out.row
    return [row.line, row.scan_id, row.patient_id, out.criterion, out.reason, out.detail]

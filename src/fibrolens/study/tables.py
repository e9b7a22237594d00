"""The tables of a study: out-of-fold predictions and attention, as CSV."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fibrolens.cohort.table import parse_stages
from fibrolens.csvfile import write_csv
from fibrolens.errors import CohortError
from fibrolens.evaluate.predicted import Predicted
from fibrolens.plan import STAGES
from fibrolens.result import REGIONS

#: Names of the tables in a study's folder; a fold's folder has the first three too.
PREDICTIONS_FILE, INNER, ATTENTION_FILE = "predictions.csv", "inner_predictions.csv", "attention.csv"
MARKERS_FILE, QUALITY_FILE, ACQUISITION_FILE = "markers.csv", "quality.csv", "acquisition.csv"

PROBABILITIES = tuple(f"p_{stage}" for stage in STAGES)
PREDICTIONS = ("scan_id", "patient_id", "fold", "stage", *PROBABILITIES)
ATTENTION = (
    *("scan_id", "patient_id", "fold", "stage", "predicted", "layer", "scale"),
    *(f"{region}_{figure}" for region in REGIONS for figure in ("mean", "share")),
)

QUALITY = ("scan_id", "phase", "liver_coverage", "mask_source", "mask_kind", "in_domain")


def write_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], path: Path) -> None:
    """Write the `columns` of the rows as a CSV file, see `write_csv`."""
    write_csv(path, columns, ([row[name] for name in columns] for row in rows))


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file as text."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def by_scan(path: Path) -> dict[str, dict[str, str]]:
    """The rows of a table that has one per scan; none where there is no such table, as in an older study."""
    return {row["scan_id"]: row for row in read_table(path)} if path.is_file() else {}


def write_predictions(cases: Sequence[Predicted], path: Path) -> None:
    """Write ``predictions.csv``."""
    write_table([_prediction(case) for case in cases], PREDICTIONS, path)


def _prediction(case: Predicted) -> dict[str, Any]:
    stage = "|".join(STAGES[k] for k in case.stages)
    known = {"scan_id": case.scan_id, "patient_id": case.patient_id, "fold": case.fold, "stage": stage}
    return known | dict(zip(PROBABILITIES, case.probabilities, strict=True))


def read_predictions(path: Path) -> list[Predicted]:
    """Read ``predictions.csv``.

    Raises:
        CohortError: a column is missing or a value is no prediction.
    """
    try:
        return [
            Predicted(
                row["scan_id"],
                row["patient_id"],
                int(row["fold"]),
                parse_stages(row["stage"]),
                tuple(float(row[name]) for name in PROBABILITIES),
            )
            for row in read_table(path)
        ]
    except (KeyError, ValueError, TypeError) as error:
        raise CohortError(f"{path} is not a table of predictions ({error}); remove it to predict again.") from None


def number(text: str) -> float:
    """The number of a cell; NaN where it is empty."""
    return float(text) if text else float("nan")

"""The packet of a hospital: from the folder of a study, or from staged CTs and the stages of their patients."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fibrolens import __version__
from fibrolens.batch import RESULT
from fibrolens.cohort.cells import number_of
from fibrolens.cohort.problems import Problem, refuse
from fibrolens.cohort.table import Record, parse_stages, scan_table
from fibrolens.errors import CohortError, InputError, UsageError
from fibrolens.evaluate.packet import Disclosure, Origin, make_packet
from fibrolens.evaluate.predicted import Predicted
from fibrolens.markers.catalogue import CATALOGUE
from fibrolens.output import MANIFEST, file_sha256
from fibrolens.plan import STAGES
from fibrolens.result import INTENDED_USE
from fibrolens.study.tables import MARKERS_FILE, PREDICTIONS_FILE, by_scan, read_predictions, read_table

SUMMARY = "summary.csv"
#: The age of the cohort's table, beside the markers of the CTs.
AGE = "age_years"
MARKERS = tuple(marker.name for marker in CATALOGUE)
#: What is taken of the shortcut audit and of each fact in it: figures and the verdict, no name of a site or scanner.
SHORTCUTS, FACT = ("level", "p_value", "reason"), ("fact", "threshold", "auc", "p_adjusted")
Values = dict[str, dict[str, float]]


def is_study(folder: Path) -> bool:
    """Whether this is the folder of a study, finished or not."""
    return (folder / "source.json").is_file() or (folder / PREDICTIONS_FILE).is_file()


def study_packet(out: Path, disclosure: Disclosure) -> dict[str, Any]:
    """The packet of a finished study: its networks predicted patients whom they had not seen.

    Args:
        out: folder of the study.
        disclosure: what leaves the hospital.

    Raises:
        UsageError: the study is not finished.
        CohortError: its tables are damaged.
    """
    if not (out / MANIFEST).is_file():
        raise UsageError(f"{out} is not finished; run fibrolens evaluate {out} first.")
    cases = read_predictions(out / PREDICTIONS_FILE)
    weights = tuple(file_sha256(path) for path in sorted((out / "folds").glob("*/weights.safetensors")))
    if not weights:
        raise UsageError(f"{out} has lost its weights, which a packet must name; train the study again.")
    records = {record["scan_id"]: record for record in scan_table(out / "cohort.csv").records}
    measured = by_scan(out / MARKERS_FILE)
    evaluation = json.loads((out / "evaluation.json").read_text(encoding="utf-8"))
    content = make_packet(
        cases, Origin("own cross-validation", weights), disclosure, _values(measured) | _ages(records.values())
    )
    source = {"from": "study", "folds": len(weights), "controls": _told(evaluation["controls"], disclosure.least)}
    return content | _frame(source) | _shortcuts(evaluation)


def staged_packet(folder: Path, cohort: Path, disclosure: Disclosure) -> dict[str, Any]:
    """The packet of CTs that fixed weights have staged, with the stages of a cohort's table.

    Args:
        folder: output of ``fibrolens stage``.
        cohort: table with ``scan_id``, ``patient_id`` and ``stage``; excluded rows are left out.
        disclosure: what leaves the hospital.

    Raises:
        UsageError: the folder is no output of ``stage``.
        CohortError: rows cannot be used, or none is of a staged CT.
        InputError: the CTs were staged by different weights.
    """
    if not (folder / SUMMARY).is_file():
        raise UsageError(f"{folder} is neither a study nor the output of fibrolens stage; give one of these.")
    rows = read_table(folder / SUMMARY)
    results = {row["scan_id"]: _result(folder / row["scan_id"] / RESULT) for row in rows if row["status"] == "done"}
    records = _references(cohort)
    known = {scan_id: result for scan_id, result in results.items() if scan_id in records}
    if not known:
        raise CohortError(
            f"No scan id of {cohort} is one of the {len(results)} staged CTs of {folder}; stage them with the table's "
            "ids (--scan-id), or write the ids of summary.csv into its column scan_id."
        )
    weights = Counter(result["model"]["sha256"] for result in known.values())
    if len(weights) > 1:
        told = ", ".join(f"{count} by {name[:12]}" for name, count in weights.most_common())
        raise InputError(f"The CTs of {folder} were staged by different weights ({told}); stage all by the same.")
    cases = [_case(scan_id, result, records[scan_id]) for scan_id, result in sorted(known.items())]
    values = _values({scan_id: result["markers"] for scan_id, result in known.items()})
    ages = _ages(records[scan_id] for scan_id in known)
    least = disclosure.least
    source = {
        "from": "staged",
        "without_stage": _told(len(results) - len(known), least),
        "not_staged": _told(len(set(records) - set(results)), least),
        "forced": _told(sum(result["quality"]["forced"] for result in known.values()), least),
        "unlike_training_data": _told(sum(r["quality"]["in_domain"] is False for r in known.values()), least),
    }
    content = make_packet(cases, Origin("fixed weights", tuple(weights)), disclosure, values | ages)
    return content | _frame(source) | {"shortcuts": None, "shortcuts_reason": "staged CTs are not audited"}


def _references(cohort: Path) -> dict[str, Record]:
    """The rows of a table that have a stage and are not excluded, by scan id; its CTs need not be there."""
    found: dict[str, Record] = {}
    problems = []
    for record in scan_table(cohort).records:
        if record.is_excluded:
            continue
        problems += [Problem(record.line, f"{name} is empty") for name in ("scan_id", "patient_id") if not record[name]]
        if record["scan_id"] in found:
            told = f"scan_id {record['scan_id']} stands in line {found[record['scan_id']].line} already"
            problems.append(Problem(record.line, told))
        try:
            parse_stages(record["stage"])
        except ValueError as error:
            problems.append(Problem(record.line, str(error)))
        found[record["scan_id"]] = record
    refuse(cohort, problems)
    return found


def _result(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}); stage this CT again.") from None


def _case(scan_id: str, result: Mapping[str, Any], record: Record) -> Predicted:
    probabilities = tuple(float(result["stage"]["probabilities"][stage]) for stage in STAGES)
    return Predicted(scan_id, record["patient_id"], 0, parse_stages(record["stage"]), probabilities)


def _values(measured: Mapping[str, Mapping[str, Any]]) -> Values:
    """Every marker of the catalogue that any scan has, by name and scan."""
    found = {
        name: {scan_id: float(row[name]) for scan_id, row in measured.items() if row.get(name) not in (None, "")}
        for name in MARKERS
    }
    return {name: values for name, values in found.items() if values}


def _ages(records: Iterable[Record]) -> Values:
    known = {record["scan_id"]: number_of(record["age"]) for record in records}
    ages = {scan_id: age for scan_id, age in known.items() if age is not None}
    return {AGE: ages} if ages else {}


def _shortcuts(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    found = evaluation.get("shortcuts")
    if found is None:
        return {"shortcuts": None, "shortcuts_reason": "the study has no shortcut audit"}
    areas = {name: entry["auc"] and entry["auc"]["value"] for name, entry in found["thresholds"].items()}
    facts = [{name: fact[name] for name in FACT} for fact in found["facts"]]
    return {"shortcuts": {name: found[name] for name in SHORTCUTS if name in found} | {"auc": areas, "facts": facts}}


def _frame(source: Mapping[str, Any]) -> dict[str, Any]:
    return {"source": dict(source), "fibrolens": __version__, "intended_use": INTENDED_USE}


def _told(count: int, least: int) -> int | None:
    """The count; None where it is of few, though not of none."""
    return count if count == 0 or count >= least else None

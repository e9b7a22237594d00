"""The tables of a simulated cohort: what the hospital knows, ``cohort.csv``, and what only the simulation knows."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from fibrolens.errors import OutputError
from fibrolens.phantom.patient import Patient
from fibrolens.phantom.render import HEPATOBILIARY, PHASE_NAMES
from fibrolens.phantom.roster import Twin
from fibrolens.plan import STAGES

Row = Mapping[str, Any]

#: Parts of a patient that get columns of their own, with what is put around their fields' names.
PARTS = {"enhancement": ("", "_hu"), "scan": ("", ""), "body": ("body_", "")}
#: The same for an MR; of it `signal` is a part of its own.
MR_PARTS = {"mr": ("", ""), "body": ("body_", "")}
#: What is not a truth about the scan: identifiers stand in front, the record in ``cohort.csv``.
LEFT_OUT = {"patient_id", "scan_id", "stage", "severity", "record", "seed", "mr", *PARTS}
#: What an MR does not show.
OF_CT = {"parenchymal_enhancement"}
#: What follows from a patient's seed and LSVR; the rendered lobes meet it.
LOBE_SHARES = ("caudate_share", "segment_iv_share")
#: Volumes as the voxels of the written masks give them, and segments I to III over IV to VIII.
MEASURED = ("liver_mask_ml", "spleen_mask_ml", "lsvr_mask")


def cohort_row(patient: Patient, image: str) -> Row:
    """A row of ``cohort.csv``: identifiers, files, stage and the clinical record; None where nothing is known."""
    return {
        "patient_id": patient.patient_id,
        "scan_id": patient.scan_id,
        "image": image,
        "stage": STAGES[patient.stage],
        **asdict(patient.record),
        **_scanned(patient),
        **_masks(patient),
    }


def _scanned(patient: Patient) -> Row:
    if patient.mr is None:
        return {"site": patient.scan.vendor, "phase": PHASE_NAMES[patient.scan.phase]}
    mr = patient.mr
    strength = f"{mr.field_strength:g}"
    return {"site": mr.vendor, "phase": HEPATOBILIARY, "modality": "MR", "field_strength": strength}


def truth_row(patient: Patient, measured: Mapping[str, float | None]) -> Row:
    """A row of ``truth.csv``: the values that were rendered, units in the columns' names, and those of the masks.

    Args:
        patient: whose values.
        measured: a value per name of `MEASURED`; absent or None where nothing was rendered or there is no organ.
    """
    row: dict[str, Any] = {"scan_id": patient.scan_id, "patient_id": patient.patient_id}
    row |= {"stage": STAGES[patient.stage], "severity": _plain(patient.severity)}
    hidden = LEFT_OUT if patient.mr is None else LEFT_OUT | OF_CT
    row |= {f.name: _plain(getattr(patient, f.name)) for f in fields(patient) if f.name not in hidden}
    row |= {name: _plain(getattr(patient, name)) for name in LOBE_SHARES}
    for part, (before, after) in (PARTS if patient.mr is None else MR_PARTS).items():
        for name, value in _flat(asdict(getattr(patient, part))):
            row[f"{before}{name}{after}"] = _plain(value)
    return row | {name: measured.get(name) for name in MEASURED}


def twin_row(patient: Patient, twin: Twin, image: str, measured: Mapping[str, float | None]) -> Row:
    """A row of ``twins.csv``: what was moved, files, and the columns of ``truth.csv``."""
    return {
        "scan_id": patient.scan_id,
        "twin_of": patient.scan_id.removesuffix(f"_{twin.name}"),
        "sign": twin.sign,
        "stage_of_sign": STAGES[twin.stage],
        "image": image,
        **_masks(patient),
        **truth_row(patient, measured),
    }


def mask_path(scan_id: str, kind: str = "") -> str:
    """Where a label map of a scan stands: ``liver``, ``spleen``, ``organs``, ``segments``, or liver and spleen."""
    return f"labels/{scan_id}{kind and '_'}{kind}.nii.gz"


def write_table(path: Path, rows: Iterable[Row]) -> None:
    """Write a CSV file, row by row; it appears whole.

    Args:
        path: the file.
        rows: at least one; all with the keys of the first.

    Raises:
        OutputError: the file cannot be written.
    """
    aside = path.with_name(f".{path.name}.partial")
    remaining = iter(rows)
    first = next(remaining)
    try:
        with aside.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(first), lineterminator="\n")
            writer.writeheader()
            writer.writerow(first)
            writer.writerows(remaining)
        aside.replace(path)
    except OSError as error:
        raise OutputError(f"{path} could not be written ({error.strerror}); free some space.") from None


def _masks(patient: Patient) -> Row:
    return {f"{organ}_mask": mask_path(patient.scan_id, organ) for organ in ("liver", "spleen")}


def _flat(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Names and values, those of tuples and parts one by one."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from ((f"{part}_{name}", number) for part, number in value.items())
        elif isinstance(value, tuple):
            yield from ((f"{name}_{number}", part) for number, part in enumerate(value, 1))
        else:
            yield name, value


def _plain(value: Any) -> Any:
    """A value as a table shows it: yes and no as 1 and 0, four decimals."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 4)
    return value

"""Scans on the network grid, made once and read by every fold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from fibrolens.body import body_mask
from fibrolens.cohort.table import CohortRow
from fibrolens.errors import CohortError
from fibrolens.io import read_labels, read_volume
from fibrolens.plan import GridPlan
from fibrolens.progress import Reporter
from fibrolens.staging.data import StagingCase, liver_range
from fibrolens.transforms import ToNetworkGrid
from fibrolens.volume import Geometry, Volume


@dataclass(frozen=True, eq=False)
class PreparedScan:
    """A scan as the network sees it, with the masks that its map is measured in, all on the network grid.

    Args:
        case: the windowed CT, its stage and its liver's slice range.
        labels: 1 liver, 2 spleen.
        body: the patient without the table.
    """

    case: StagingCase
    labels: Volume
    body: Bool[np.ndarray, "d h w"]


@dataclass(frozen=True)
class PrepareJob:
    """One scan to prepare into the folder `cases`."""

    row: CohortRow
    grid: GridPlan
    cases: Path


def run_prepare(job: PrepareJob, report: Reporter) -> None:
    """Prepare one scan, unless an earlier run did.

    Raises:
        InputError: CT or masks cannot be used; the message names the line of the table.
    """
    path = scan_file(job.cases, job.row)
    if not path.exists():
        save_scan(prepare_scan(job.row, job.grid), path)
    report.advance(note=job.row.scan_id)


def prepare_scan(row: CohortRow, plan: GridPlan) -> PreparedScan:
    """Read a scan with its masks and bring all to the network grid.

    Raises:
        InputError: the CT or a mask cannot be used.
    """
    ct = read_volume(row.image)
    labels = organ_labels(row, ct)
    way = ToNetworkGrid.fit(ct, plan)
    hu = way.forward_hu(ct)
    seen = way.forward_labels(labels)
    first, last = liver_range(seen.array == 1, row.scan_id)
    image = np.round(way.window.forward(hu).array * 255.0).astype(np.uint8)
    case = StagingCase(row.scan_id, row.patient_id, row.stages, image, first, last)
    return PreparedScan(case, seen, body_mask(hu))


def organ_labels(row: CohortRow, ct: Volume) -> Volume:
    """Labels 1 liver, 2 spleen on the CT's grid from the row's own masks.

    Raises:
        CohortError: the row names no liver mask.
        GeometryError: a mask is not on the CT's grid.
    """
    if row.liver_mask is None:
        raise CohortError(f"Line {row.line} ({row.scan_id}) has no liver_mask; a study needs one for every scan.")
    labels = np.zeros(ct.array.shape, np.uint8)
    if row.spleen_mask is not None:
        labels[read_labels(row.spleen_mask, ct).array > 0] = 2
    labels[read_labels(row.liver_mask, ct).array > 0] = 1
    return ct.with_array(labels)


def scan_file(cases: Path, row: CohortRow) -> Path:
    """Where a prepared scan is kept."""
    return cases / f"{row.scan_id}.npz"


def save_scan(scan: PreparedScan, path: Path) -> None:
    """Write a prepared scan; the file is whole or absent."""
    aside = path.with_suffix(".partial")
    with aside.open("wb") as stream:
        np.savez(
            stream,
            image=scan.case.image,
            labels=scan.labels.array,
            body=scan.body,
            liver_range=[scan.case.liver_first, scan.case.liver_last],
            affine=scan.labels.geometry.affine,
        )
    aside.replace(path)


def load_scan(cases: Path, row: CohortRow) -> PreparedScan:
    """Read what `save_scan` wrote."""
    with np.load(scan_file(cases, row), allow_pickle=False) as stored:
        image, labels, body, affine = (stored[name] for name in ("image", "labels", "body", "affine"))
        first, last = (int(n) for n in stored["liver_range"])
    depth, height, width = image.shape
    geometry = Geometry.from_affine((depth, height, width), affine)
    case = StagingCase(row.scan_id, row.patient_id, row.stages, image, first, last)
    return PreparedScan(case, Volume(labels, geometry, row.scan_id), body)

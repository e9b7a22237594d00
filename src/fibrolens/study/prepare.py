"""Scans on the network grid, with what is measured in them; made once and read by every fold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from fibrolens.cohort.problems import Problem, refuse
from fibrolens.cohort.table import CohortRow
from fibrolens.engine import one_blas_thread
from fibrolens.errors import InputError
from fibrolens.io import read_volume
from fibrolens.markers.measure import MarkedScan, MaskNames, measure
from fibrolens.markers.serum import Laboratory
from fibrolens.output import file_sha256, write_json
from fibrolens.plan import GridPlan, Plan
from fibrolens.progress import Reporter
from fibrolens.quality import OrganHU, assess, liver_coverage
from fibrolens.regions import LIVER
from fibrolens.segment.segmenters import SegmenterName
from fibrolens.staging.covariates import covariates
from fibrolens.staging.data import StagingCase
from fibrolens.staging.predict import StagingModel, predict_case
from fibrolens.staging.seen import Seen, needs_labels, see
from fibrolens.study.acquisition import acquisition, acquisition_of_mr
from fibrolens.study.organs import Organs, Segmentations
from fibrolens.view import NetworkView
from fibrolens.volume import Geometry, Volume

#: Stands for the facts of a scan that cannot be used: why.
PROBLEM = "problem"


@dataclass(frozen=True, eq=False)
class PreparedScan:
    """A scan as the network sees it, with the masks that its map is measured in, all on the network grid.

    Args:
        case: the windowed CT, its stage and its liver's slice range.
        labels: 1 liver, 2 spleen.
        body: the patient without the table.
        depth: of each liver voxel below the capsule, in millimetres, measured on the CT's own grid; 0 elsewhere.
    """

    case: StagingCase
    labels: Volume
    body: Bool[np.ndarray, "d h w"]
    depth: Float[np.ndarray, "d h w"]


@dataclass(frozen=True)
class PrepareJob:
    """Some scans to prepare.

    Args:
        rows: the scans.
        grid: of the network.
        cases: folder of the prepared scans.
        segmentations: folder for the organs that a network finds.
        segmenter: what finds the organs that a row has no mask of, and its weights.
        start: model folder that the training begins with, which may know whether a scan is like its own; or None.
        measure: measure the scans, and find organs; else what was measured and found before is taken.
    """

    rows: tuple[CohortRow, ...]
    grid: GridPlan
    cases: Path
    segmentations: Path
    segmenter: tuple[SegmenterName, Path | None] = ("fibrolens", None)
    start: Path | None = None
    measure: bool = True


def prepare_jobs(rows: Sequence[CohortRow], job: PrepareJob, size: int = 8) -> list[PrepareJob]:
    """`job` for `rows`, a few at a time: enough to load the networks once for, few enough to share out."""
    return [replace(job, rows=tuple(rows[n : n + size])) for n in range(0, len(rows), size)]


def run_prepare(job: PrepareJob, report: Reporter) -> None:
    """Prepare scans, leaving out those that an earlier run did; what cannot be used is told by `require_prepared`."""
    organs = Segmentations(job.segmentations, *job.segmenter)
    model = None if job.start is None else StagingModel.load(job.start)
    for row in job.rows:
        if not scan_file(job.cases, row).exists():
            with one_blas_thread():
                _prepare(row, job, organs, model)
        report.advance(note=row.scan_id)


def _prepare(row: CohortRow, job: PrepareJob, segmentations: Segmentations, model: StagingModel | None) -> None:
    try:
        facts: dict[str, Any] = {"files": files_sha256(row)}
        ct = read_volume(row.image)
        if job.measure:
            organs = segmentations.find(row, ct)
            scan = prepare_scan(row, ct, organs.labels, job.grid)
            facts |= {"in_domain": None if model is None else in_domain(model, scan)} | measured(row, ct, organs)
        else:
            scan = prepare_scan(row, ct, segmentations.labels(row, ct), job.grid)
    except InputError as error:
        write_json({PROBLEM: str(error)}, facts_file(job.cases, row))
        return
    # The arrays come last: where they are, all is there.
    write_json(facts, facts_file(job.cases, row))
    save_scan(scan, scan_file(job.cases, row))


def require_prepared(rows: Sequence[CohortRow], cases: Path, table: Path) -> None:
    """Tell every scan that could not be prepared, by its line.

    Raises:
        CohortError: there are any.
    """
    failed = [row for row in rows if not scan_file(cases, row).exists()]
    refuse(table, [Problem(row.line, f"{row.scan_id}: {load_facts(cases, row)[PROBLEM]}") for row in failed])


def prepare_scan(row: CohortRow, ct: Volume, labels: Volume, plan: GridPlan) -> PreparedScan:
    """Bring a CT and its organs (1 liver, 2 spleen) to the network grid.

    Raises:
        CoverageError: there is no liver.
    """
    view = NetworkView.of(ct, labels, plan)
    image = np.round(view.image.array * 255.0).astype(np.uint8)
    case = StagingCase(row.scan_id, row.patient_id, row.stages, image, *view.liver_range)
    return PreparedScan(case, view.labels, view.body, view.depth)


def measured(row: CohortRow, ct: Volume, organs: Organs) -> dict[str, Any]:
    """Phase, coverage, markers and acquisition of a scan, ready for JSON; what cannot be measured is None."""
    if organs.aorta is None:
        return _measured_mr(row, ct, organs)
    quality = assess(ct, organs.labels, organs.aorta)
    liver, spleen = str(organs.sources.liver), str(organs.sources.spleen)
    marked = MarkedScan(
        ct,
        organs.labels,
        MaskNames(liver, spleen, str(organs.aorta_source)),
        quality.organ_hu,
        quality.phase,
        laboratory=Laboratory.from_row(row.values),
    )
    return {
        "phase": quality.phase,
        "liver_coverage": quality.liver_coverage,
        "mask_source": str(organs.sources),
        "mask_kind": organs.kind,
        "markers": [(marker.name, marker.value) for marker in measure(marked)],
        "acquisition": acquisition(ct, row.values.get("site", ""), quality.organ_hu),
    }


def _measured_mr(row: CohortRow, mr: Volume, organs: Organs) -> dict[str, Any]:
    """The same of an MR: no contrast phase can be read from its units, and nothing of what a CT scanner leaves."""
    names = MaskNames(str(organs.sources.liver), str(organs.sources.spleen), "not looked for")
    nothing = OrganHU(None, None, None)
    laboratory = Laboratory.from_row(row.values)
    marked = MarkedScan(mr, organs.labels, names, nothing, "unknown", laboratory=laboratory, modality="MR")
    return {
        "phase": None,
        "liver_coverage": liver_coverage(mr, organs.labels.array == LIVER),
        "mask_source": str(organs.sources),
        "mask_kind": organs.kind,
        "markers": [(marker.name, marker.value) for marker in measure(marked)],
        "acquisition": acquisition_of_mr(mr, row.values.get("site", "")),
    }


def files_sha256(row: CohortRow) -> str:
    """One hash of the bytes of a scan's CT and masks."""
    together = hashlib.sha256()
    for files in files_of(row):
        together.update(f"{len(files)} ".encode())
        for file in files:
            together.update(file_sha256(file).encode())
    return together.hexdigest()


def scans_sha256(rows: Sequence[CohortRow]) -> str:
    """One hash of the bytes of all CTs and masks, which tells no scan id: a corrected mask or CT is another input.

    Raises:
        InputError: a file cannot be read.
    """
    together = hashlib.sha256()
    for row in rows:
        try:
            together.update(files_sha256(row).encode())
        except OSError as error:
            name = "a file" if error.filename is None else Path(error.filename).name
            raise InputError(
                f"Line {row.line} ({row.scan_id}): {name} cannot be read ({error.strerror}); give a file."
            ) from None
    return together.hexdigest()


def files_of(row: CohortRow) -> list[list[Path]]:
    """The files of CT, liver mask and spleen mask; of a folder all that lie in it."""
    return [
        [] if path is None else sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for path in (row.image, row.liver_mask, row.spleen_mask)
    ]


def in_domain(model: StagingModel, scan: PreparedScan) -> bool | None:
    """Whether a scan is like those that a model was trained on; None where the model does not know."""
    if model.domain is None:
        return None
    return model.domain.familiar(predict_case(model, scan.case).features)


def scan_file(cases: Path, row: CohortRow) -> Path:
    """Where a prepared scan is kept."""
    return cases / f"{row.scan_id}.npz"


def facts_file(cases: Path, row: CohortRow) -> Path:
    """Where what was measured in it is kept."""
    return cases / f"{row.scan_id}.json"


def load_facts(cases: Path, row: CohortRow) -> dict[str, Any]:
    """What `measured` and `in_domain` said of a scan."""
    return dict(json.loads(facts_file(cases, row).read_text(encoding="utf-8")))


def save_scan(scan: PreparedScan, path: Path) -> None:
    """Write a prepared scan; the file is whole or absent.

    Compressed it takes a tenth of the room, nearly all of its masks, and is read whole, so that nothing is lost by it.
    """
    aside = path.with_suffix(".partial")
    with aside.open("wb") as stream:
        np.savez_compressed(
            stream,
            image=scan.case.image,
            labels=scan.labels.array,
            body=scan.body,
            liver_depth=scan.depth[scan.labels.array == LIVER],
            liver_range=[scan.case.liver_first, scan.case.liver_last],
            affine=scan.labels.geometry.affine,
        )
    aside.replace(path)


def load_seen(cases: Path, row: CohortRow, plan: Plan) -> Seen:
    """What the network of a plan sees of a prepared scan, and what it knows of the patient."""
    with np.load(scan_file(cases, row), allow_pickle=False) as stored:
        image = stored["image"]
        first, last = (int(n) for n in stored["liver_range"])
        labels = stored["labels"] if needs_labels(plan) else None
    known = covariates(plan.network.covariates, row.values)
    case = StagingCase(row.scan_id, row.patient_id, row.stages, image, first, last, covariates=known)
    return see(case, labels, plan)


def load_case(cases: Path, row: CohortRow, plan: Plan) -> StagingCase:
    """The part of a prepared scan that the network of a plan is trained on."""
    return load_seen(cases, row, plan).case


def load_scan(cases: Path, row: CohortRow) -> PreparedScan:
    """Read what `save_scan` wrote, the whole scan."""
    with np.load(scan_file(cases, row), allow_pickle=False) as stored:
        labels, body, below, affine = (stored[name] for name in ("labels", "body", "liver_depth", "affine"))
    slices, height, width = labels.shape
    geometry = Geometry.from_affine((slices, height, width), affine)
    depth = np.zeros(labels.shape, np.float32)
    depth[labels == LIVER] = below
    return PreparedScan(load_case(cases, row, Plan()), Volume(labels, geometry, row.scan_id), body, depth)

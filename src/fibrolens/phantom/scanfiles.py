"""One scan of a cohort on disk: image, label maps, evidence, and the record that says that they are there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from fibrolens.begun import writing
from fibrolens.io import write_nifti
from fibrolens.markers.volumes import lobe_ratio, organ_volume_ml
from fibrolens.output import write_json
from fibrolens.phantom.dicom import write_dicom_series
from fibrolens.phantom.folder import RECORDS, SCANS
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.patient import Patient
from fibrolens.phantom.render import Rendering, full_grid, render, small_grid
from fibrolens.phantom.roster import Roster, Twin
from fibrolens.phantom.tables import mask_path
from fibrolens.volume import Geometry, Volume

Format = Literal["nifti", "dicom"]
Grid = Literal["small", "full"]
ORGAN_NAMES = {organ.name.lower(): int(organ) for organ in Organ}


@dataclass(frozen=True)
class ScanJob:
    """One scan to write, with its twins.

    Args:
        out: the cohort's folder.
        roster: who is in the cohort; number: which scan.
        format: of the image; grid: of the scan and its twins.
        twins: which to make.
    """

    out: Path
    roster: Roster
    number: int
    format: Format
    grid: Grid
    twins: tuple[Twin, ...]

    @property
    def record(self) -> Path:
        """The file whose presence says that scan and twins are written."""
        return record_path(self.out, self.roster.scan_id(self.number))


def record_path(out: Path, scan_id: str) -> Path:
    """Where the record of a scan stands."""
    return out / RECORDS / f"{scan_id}.json"


def read_record(path: Path) -> dict[str, dict[str, float | None]]:
    """Measured values by scan id, the scan's own and its twins'."""
    return dict(json.loads(path.read_text(encoding="utf-8")))


def image_path(scan_id: str, format: Format) -> str:  # noqa: A002 - the option's name
    """Where the CT of a scan stands: a file, or a folder of DICOM files."""
    return f"images/{scan_id}" + (".nii.gz" if format == "nifti" else "")


def write_scan(job: ScanJob) -> None:
    """Render and write one scan and its twins, then its record.

    Raises:
        OutputError: a file could not be written.
    """
    patient = job.roster.patient(job.number)
    geometry = (small_grid if job.grid == "small" else full_grid)(patient)
    measured = {}
    with writing(job.out):
        for twin in (None, *job.twins):
            shown = job.roster.patient(job.number, twin)
            # A twin lies on its original's grid: then its noise is the same too.
            measured[shown.scan_id] = _write(job, shown, geometry, twin is None)
        write_json(measured, job.record)


def _write(job: ScanJob, patient: Patient, geometry: Geometry, whole: bool) -> Mapping[str, float | None]:
    """Write one rendering aside and move it into place; the evidence only of a `whole` one. Its measured values."""
    rendering = render(patient, geometry)
    aside = job.out / SCANS / patient.scan_id
    for name in ("images", "labels", "evidence"):
        (aside / name).mkdir(parents=True)
    if job.format == "dicom":
        write_dicom_series(rendering.hu, aside / image_path(patient.scan_id, job.format), patient)
    else:
        write_nifti(rendering.hu, aside / image_path(patient.scan_id, job.format))
    for kind, labels in _label_maps(rendering).items():
        write_nifti(labels, aside / mask_path(patient.scan_id, kind))
    for sign, mask in rendering.evidence.items() if whole else ():
        write_nifti(mask, aside / "evidence" / f"{patient.scan_id}_{sign}.nii.gz")
    _move(aside, job.out)
    return _measured(rendering)


def _label_maps(rendering: Rendering) -> dict[str, Volume]:
    """Liver and spleen in one label map (1 liver, 2 spleen), each as a binary mask, all organs, and segments."""
    organs = rendering.labels
    liver, spleen = organs.array == Organ.LIVER, organs.array == Organ.SPLEEN
    arrays = {"": liver + 2 * spleen, "liver": liver, "spleen": spleen}
    masks = {kind: organs.with_array(array.astype(np.uint8)) for kind, array in arrays.items()}
    return {**masks, "organs": organs, "segments": rendering.segments}


def _measured(rendering: Rendering) -> dict[str, float | None]:
    """Volumes in millilitres and the ratio of segments I to III over IV to VIII, of the masks as they are written."""
    organs = rendering.labels
    liver, spleen = (organs.with_array(organs.array == organ) for organ in (Organ.LIVER, Organ.SPLEEN))
    ratio = lobe_ratio(rendering.segments)
    return {
        "liver_mask_ml": round(organ_volume_ml(liver), 2),
        "spleen_mask_ml": round(organ_volume_ml(spleen), 2),
        "lsvr_mask": None if ratio is None else round(ratio, 4),
    }


def _move(aside: Path, out: Path) -> None:
    """Move what stands in the folders of `aside` into those of `out`; each file or DICOM folder appears whole."""
    for source in sorted(aside.glob("*/*")):
        target = out / source.relative_to(aside)
        target.parent.mkdir(exist_ok=True)
        if target.is_dir():
            # An interrupted run moved it; a folder, unlike a file, is not replaced by renaming.
            shutil.rmtree(target)
        source.replace(target)
    shutil.rmtree(aside)

"""The folder of one staged scan: ``result.json``, NIfTI files, DICOM objects, pictures and reports."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from fibrolens.clock import Clock
from fibrolens.io import write_nifti
from fibrolens.output import write_json
from fibrolens.report.dicom_objects import DicomFolder, write_dicom
from fibrolens.report.patient_files import LABELS, MAP, MAPS, RECOMMENDED_MAP, RESULT
from fibrolens.report.pictures import Draw, Drawn, Pictures, draw_here
from fibrolens.result import Attention, StagingResult

if TYPE_CHECKING:
    from pydicom import Dataset


@runtime_checkable
class Unnaming(Protocol):
    """Takes the patient out of what is written of a scan."""

    def dicom(self, data: Dataset) -> Dataset:
        """A DICOM object as it is written."""

    def content(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """The content of ``result.json`` as it is written."""


@dataclass(frozen=True)
class Wanted:
    """What is written of a staged scan.

    Args:
        all_maps: also ``maps/F0.nii.gz`` to ``maps/F4.nii.gz``.
        skip: what is left out: ``dicom``, ``report``.
        identity: what the reports say of who the patient is; None leaves the patient unnamed.
        unnamed: makes files that lead back to nobody of what is written; None writes it as it is.
    """

    all_maps: bool = False
    skip: Collection[str] = ()
    identity: Mapping[str, str] | None = None
    unnamed: Unnaming | None = None

    def told(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """The content of ``result.json`` as it is written."""
        return dict(content) if self.unnamed is None else self.unnamed.content(content)


USUAL = Wanted()


def write_result(
    result: StagingResult, folder: Path, wanted: Wanted = USUAL, draw: Draw = draw_here
) -> dict[str, float]:
    """Write the files of a staged scan into the existing `folder`.

    The volumes are compressed by threads of their own while the interpreter makes objects and pages.

    Args:
        result: the staged scan.
        folder: where the files go.
        wanted: which of them.
        draw: draws the pictures, or begins to; they are waited for where they are needed.

    Returns:
        Seconds per step, for the manifest.

    Raises:
        OSError: the folder cannot be written.
    """
    clock = Clock()
    with ThreadPoolExecutor(1) as beside:
        volumes = beside.submit(_write_volumes, result, folder, wanted.all_maps)
        content = result.to_dict()
        with clock("draw_pictures"):
            drawn = draw(_pictures(result, wanted.told(content), wanted.skip))
        with clock("write_dicom"):
            objects = DicomFolder()
            if "dicom" not in wanted.skip:
                change = None if wanted.unnamed is None else wanted.unnamed.dicom
                objects = write_dicom(result, content, folder, lambda: drawn().frames, change)
        content |= {"dicom": objects.record, "warnings": [*content["warnings"], *objects.warnings]}
        content = wanted.told(content)
        write_json(content, folder / RESULT)
        with clock("overlay_and_report"):
            if "report" not in wanted.skip:
                _write_pages(content, drawn(), folder, wanted.identity)
        with clock("wait_for_volumes"):
            volumes.result()
    return clock.seconds


def _write_volumes(result: StagingResult, folder: Path, all_maps: bool) -> None:
    """Organs and maps as NIfTI."""
    marked = "FORCED; " if result.forced else ""
    predicted = result.stage.predicted
    write_nifti(result.labels, folder / LABELS, f"{marked}1 liver, 2 spleen")
    write_nifti(result.predicted_map, folder / MAP, f"{marked}{_map_name(result.attention, predicted)}")
    if result.recommended is not None and result.recommended_map is not None:
        name = _map_name(result.recommended, predicted)
        write_nifti(result.recommended_map, folder / RECOMMENDED_MAP, f"{marked}{name}")
    if not all_maps:
        return
    (folder / MAPS).mkdir()
    for stage, located in result.maps.items():
        path = folder / MAPS / f"{stage}.nii.gz"
        if stage == predicted:
            shutil.copyfile(folder / MAP, path)
        else:
            write_nifti(located, path, f"{marked}{_map_name(result.attention, stage)}")


def _pictures(result: StagingResult, content: Mapping[str, Any], skip: Collection[str]) -> Pictures:
    """What is drawn of a scan: frames only for one that came as DICOM."""
    shown = (result.predicted_map, result.recommended_map)
    maps = [located for located in shown if located is not None]
    left_out = {*skip} if result.ct.get("format") == "dicom" else {*skip, "dicom"}
    return Pictures.of(content, (result.ct, result.labels), maps, left_out)


def _write_pages(content: Mapping[str, Any], drawn: Drawn, folder: Path, identity: Mapping[str, str] | None) -> None:
    # reportlab takes a quarter of a second, which those who skip the report need not pay.
    from fibrolens.report.patient_pages import write_pages  # noqa: PLC0415

    write_pages(content, drawn, folder, identity)


def _map_name(shown: Attention, stage: str) -> str:
    return f"location map {stage} {shown.method} {shown.layer} {shown.scale}"

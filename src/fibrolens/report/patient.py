"""The folder of one staged scan: ``result.json``, NIfTI files, DICOM objects, pictures and reports."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from fibrolens.io import write_nifti
from fibrolens.output import write_json
from fibrolens.report.dicom_objects import DICOM, write_dicom
from fibrolens.report.patient_pages import OVERLAYS, PRINTED, REPORT, Pictured, write_pages
from fibrolens.result import Attention, StagingResult

RESULT = "result.json"
MAP, RECOMMENDED_MAP, LABELS, MAPS = "map.nii.gz", "map_recommended.nii.gz", "labels.nii.gz", "maps"
#: Everything that the folder of a scan holds beside its manifest.
WRITTEN = (RESULT, REPORT, PRINTED, *OVERLAYS, MAP, RECOMMENDED_MAP, LABELS, MAPS, DICOM)


def write_result(
    result: StagingResult, folder: Path, all_maps: bool = False, identity: Mapping[str, str] | None = None
) -> dict[str, float]:
    """Write every file of a staged scan into the existing `folder`.

    Args:
        result: the staged scan.
        folder: where the files go.
        all_maps: also write ``maps/F0.nii.gz`` to ``maps/F4.nii.gz``.
        identity: what the reports say of who the patient is; None leaves the patient unnamed.

    Returns:
        Seconds per step, for the manifest.

    Raises:
        OSError: the folder cannot be written.
    """
    begun = time.perf_counter()
    content = result.to_dict()
    objects = write_dicom(result, content, folder)
    content |= {"dicom": objects.record, "warnings": [*content["warnings"], *objects.warnings]}
    started = time.perf_counter()
    write_json(content, folder / RESULT)
    marked = "FORCED; " if result.forced else ""
    write_nifti(result.labels, folder / LABELS, f"{marked}1 liver, 2 spleen")
    write_nifti(
        result.predicted_map,
        folder / MAP,
        f"{marked}{_map_name(result.attention, result.stage.predicted)}",
    )
    if result.recommended is not None and result.recommended_map is not None:
        name = _map_name(result.recommended, result.stage.predicted)
        write_nifti(result.recommended_map, folder / RECOMMENDED_MAP, f"{marked}{name}")
    if all_maps:
        (folder / MAPS).mkdir()
        for stage, located in result.maps.items():
            write_nifti(located, folder / MAPS / f"{stage}.nii.gz", f"{marked}{_map_name(result.attention, stage)}")
    written = time.perf_counter()
    write_pages(content, _pictured(result), folder, identity)
    return {
        "write_dicom": started - begun,
        "write_volumes": written - started,
        "overlay_and_report": time.perf_counter() - written,
    }


def _pictured(result: StagingResult) -> Pictured:
    shown = (result.predicted_map, result.recommended_map)
    maps = tuple(located for located in shown if located is not None)
    return Pictured(result.ct, result.labels, maps)


def _map_name(shown: Attention, stage: str) -> str:
    return f"location map {stage} {shown.method} {shown.layer} {shown.scale}"

"""The folder of one staged scan: ``result.json``, NIfTI files, the overlay picture and a report in one file."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fibrolens import __version__
from fibrolens.io import write_nifti
from fibrolens.output import write_json
from fibrolens.plan import STAGES
from fibrolens.report.dicom_objects import DICOM, write_dicom
from fibrolens.report.overlay import Captions, overlay_png
from fibrolens.report.page import render_page
from fibrolens.report.patient_words import MAP_TITLES, METHOD_TITLES, REGION_TITLES, STAGE_TITLES, marker_row
from fibrolens.result import INTENDED_USE, REGIONS, Attention, StagingResult

RESULT, REPORT, OVERLAY = "result.json", "report.html", "overlay.png"
MAP, RECOMMENDED_MAP, LABELS, MAPS = "map.nii.gz", "map_recommended.nii.gz", "labels.nii.gz", "maps"
RECOMMENDED_OVERLAY = "overlay_recommended.png"
#: Everything that the folder of a scan holds beside its manifest.
WRITTEN = (RESULT, REPORT, OVERLAY, RECOMMENDED_OVERLAY, MAP, RECOMMENDED_MAP, LABELS, MAPS, DICOM)


def write_result(result: StagingResult, folder: Path, all_maps: bool = False) -> dict[str, float]:
    """Write every file of a staged scan into the existing `folder`.

    Args:
        result: the staged scan.
        folder: where the files go.
        all_maps: also write ``maps/F0.nii.gz`` to ``maps/F4.nii.gz``.

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
    write_nifti(result.map, folder / MAP, f"{marked}{_map_name(result.attention, result.stage.predicted)}")
    if result.recommended is not None and result.recommended_map is not None:
        name = _map_name(result.recommended, result.stage.predicted)
        write_nifti(result.recommended_map, folder / RECOMMENDED_MAP, f"{marked}{name}")
    if all_maps:
        (folder / MAPS).mkdir()
        for stage, volume in result.maps.items():
            write_nifti(volume, folder / MAPS / f"{stage}.nii.gz", f"{marked}{_map_name(result.attention, stage)}")
    written = time.perf_counter()
    overlay_png(result.ct, result.map, result.labels, folder / OVERLAY, _captions(result, result.attention))
    pictures = [(folder / OVERLAY).read_bytes()]
    if result.recommended is not None and result.recommended_map is not None:
        captions = _captions(result, result.recommended)
        overlay_png(result.ct, result.recommended_map, result.labels, folder / RECOMMENDED_OVERLAY, captions)
        pictures.append((folder / RECOMMENDED_OVERLAY).read_bytes())
    (folder / REPORT).write_text(render_report(content, pictures), encoding="utf-8")
    return {
        "write_dicom": started - begun,
        "write_volumes": written - started,
        "overlay_and_report": time.perf_counter() - written,
    }


def render_report(content: Mapping[str, Any], overlays: Sequence[bytes]) -> str:
    """One HTML page, nothing loaded from elsewhere, from the content of ``result.json`` and its PNG overlays.

    Args:
        content: of ``result.json``.
        overlays: of the map that was asked for, and of the recommended one where that is another.
    """
    return render_page(
        "patient.html.j2",
        result=content,
        stages=STAGES,
        stage_titles=STAGE_TITLES,
        regions=[(name, REGION_TITLES[name]) for name in REGIONS],
        markers=[marker_row(marker) for marker in content["marker_details"]],
        looks=_looks(content, overlays),
        version=__version__,
        intended_use=INTENDED_USE,
    )


def _looks(content: Mapping[str, Any], overlays: Sequence[bytes]) -> list[dict[str, Any]]:
    """The maps that the report shows, each with its picture, what is measured in it, and how it is made."""
    looked = [content["attention"], content["attention_recommended"]][: len(overlays)]
    return [
        {
            "title": title,
            "attention": found,
            "method": METHOD_TITLES[found["method"]],
            "overlay": base64.b64encode(picture).decode("ascii"),
        }
        for title, found, picture in zip(MAP_TITLES, looked, overlays, strict=False)
    ]


def _map_name(shown: Attention, stage: str) -> str:
    return f"location map {stage} {shown.method} {shown.layer} {shown.scale}"


def _captions(result: StagingResult, shown: Attention) -> Captions:
    stage = result.stage
    how = f"{METHOD_TITLES[shown.method]} at {shown.layer}"
    return Captions(
        title=f"{result.scan_id}: predicted {stage.predicted} (p = {max(stage.probabilities):.2f}); {how}",
        note=f"Weights trained on {result.model.trained_on}.",
        forced=result.forced,
        scale=shown.scale,
    )

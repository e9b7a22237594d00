"""What a person looks at of one staged scan: the overlay pictures, the page and the printed page."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fibrolens import __version__
from fibrolens.plan import STAGES
from fibrolens.report.page import render_page
from fibrolens.report.patient_files import OVERLAYS, PRINTED, REPORT
from fibrolens.report.patient_words import MAP_TITLES, METHOD_TITLES, REGION_TITLES, STAGE_TITLES, marker_row
from fibrolens.report.pdf import render_pdf
from fibrolens.report.pictures import Drawn
from fibrolens.result import INTENDED_USE, REGIONS


def write_pages(
    content: Mapping[str, Any], drawn: Drawn, folder: Path, identity: Mapping[str, str] | None = None
) -> None:
    """Write the overlay pictures, ``report.html`` and ``report.pdf``.

    Args:
        content: of ``result.json``.
        drawn: the pictures.
        folder: where the files go; it exists.
        identity: title and value of each thing that names the patient; None leaves the patient unnamed.

    Raises:
        OSError: the folder cannot be written.
    """
    for name, picture in zip(OVERLAYS, drawn.overlays, strict=False):
        (folder / name).write_bytes(picture)
    (folder / REPORT).write_text(render_report(content, drawn.overlays, identity), encoding="utf-8")
    (folder / PRINTED).write_bytes(render_pdf(content, drawn.strips, identity))


def render_report(
    content: Mapping[str, Any], overlays: Sequence[bytes], identity: Mapping[str, str] | None = None
) -> str:
    """One HTML page, nothing loaded from elsewhere, from the content of ``result.json`` and its PNG overlays.

    Args:
        content: of ``result.json``.
        overlays: of the map that was asked for, and of the recommended one where that is another.
        identity: title and value of each thing that names the patient; None leaves the patient unnamed.
    """
    return render_page(
        "patient.html.j2",
        result=content,
        identity=identity,
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

"""What a person looks at of one staged scan: the overlay pictures, the page and the printed page."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fibrolens import __version__
from fibrolens.plan import STAGES
from fibrolens.report.overlay import overlay_png
from fibrolens.report.overlay_captions import Captions
from fibrolens.report.page import render_page
from fibrolens.report.patient_files import OVERLAYS, PRINTED, REPORT
from fibrolens.report.patient_words import MAP_TITLES, METHOD_TITLES, REGION_TITLES, STAGE_TITLES, marker_row
from fibrolens.report.strip import strip_png
from fibrolens.result import INTENDED_USE, REGIONS
from fibrolens.transforms import Located
from fibrolens.volume import Volume


@dataclass(frozen=True, eq=False)
class Pictured:
    """What the pictures show: the CT, its organs (1 liver, 2 spleen), one or two maps in the order of `OVERLAYS`."""

    ct: Volume
    labels: Volume
    maps: tuple[Located | Volume, ...]


def write_pages(
    content: Mapping[str, Any], shown: Pictured, folder: Path, identity: Mapping[str, str] | None = None
) -> None:
    """Write the overlay pictures, ``report.html`` and ``report.pdf``.

    Args:
        content: of ``result.json``.
        shown: what the pictures show.
        folder: where the files go; it exists.
        identity: title and value of each thing that names the patient; None leaves the patient unnamed.

    Raises:
        GeometryError: maps or labels do not lie on the CT's grid.
        OSError: the folder cannot be written.
    """
    # reportlab is needed here alone, and not quick to load.
    from fibrolens.report.pdf import render_pdf  # noqa: PLC0415

    pictures, strips = [], []
    looks = (content["attention"], content["attention_recommended"])
    for name, look, location_map in zip(OVERLAYS, looks, shown.maps, strict=False):
        overlay_png(shown.ct, location_map, shown.labels, folder / name, _captions(content, look))
        pictures.append((folder / name).read_bytes())
        strips.append(strip_png(shown.ct, location_map, shown.labels, look["scale"]))
    (folder / REPORT).write_text(render_report(content, pictures, identity), encoding="utf-8")
    (folder / PRINTED).write_bytes(render_pdf(content, strips, identity))


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


def _captions(content: Mapping[str, Any], look: Mapping[str, Any]) -> Captions:
    stage = content["stage"]
    how = f"{METHOD_TITLES[look['method']]} at {look['layer']}"
    p = max(stage["probabilities"].values())
    return Captions(
        title=f"{content['scan_id']}: predicted {stage['predicted']} (p = {p:.2f}); {how}",
        note=f"Weights trained on {content['model']['trained_on']}.",
        forced=content["quality"]["forced"],
        scale=look["scale"],
    )

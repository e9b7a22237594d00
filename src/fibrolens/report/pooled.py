"""The report of several hospitals' packets: one page, tables and figures."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fibrolens import __version__
from fibrolens.evaluate.packet import CROSS_VALIDATION
from fibrolens.output import write_json
from fibrolens.report.captions import Caption
from fibrolens.report.drawing import PRINT_DPI
from fibrolens.report.page import render_page
from fibrolens.report.pooled_figures import calibration_figure, forest_figure
from fibrolens.report.pooled_tables import at_half, calibration, headline, hospitals, markers, performance
from fibrolens.report.tables import THRESHOLDS
from fibrolens.result import INTENDED_USE

POOLED, REPORT = "pooled.json", "report.html"
TABLES = (hospitals, performance, at_half, calibration, markers)
FOREST = Caption(
    "forest",
    "Fig. 1",
    "AUC of each hospital, their mean by random effects with the range in which a further hospital is expected, and "
    "the AUC of all scans ranked together.",
)
CALIBRATION = Caption(
    "calibration",
    "Fig. 2",
    "Calibration of all hospitals together: observed share of scans at or above the threshold in each tenth of "
    "the score.",
)
KINDS = {
    CROSS_VALIDATION: "Each hospital trained networks on its own patients, and each patient was predicted by one that "
    "had not seen him. This says how well the method works when it is repeated elsewhere; it is no external validation "
    "of any weights.",
    "fixed weights": "The same weights staged every scan: an external validation, so far as no patient of these "
    "hospitals was among their training data, which packets cannot show.",
}


def write_pooled(pooled: Mapping[str, Any], folder: Path) -> None:
    """Write ``pooled.json``, ``tables``, ``figures`` and ``report.html``.

    Args:
        pooled: what `fibrolens.evaluate.pool.pool` found.
        folder: where to.
    """
    write_json({"intended_use": INTENDED_USE, **pooled}, folder / POOLED)
    for name in ("tables", "figures"):
        (folder / name).mkdir()
    for made in TABLES:
        made(pooled).write(folder / "tables")
    forest_figure(pooled, folder / "figures" / FOREST.name)
    calibration_figure(pooled, folder / "figures" / CALIBRATION.name)
    (folder / REPORT).write_text(render(pooled, folder / "figures"), encoding="utf-8")


def render(pooled: Mapping[str, Any], figures: Path) -> str:
    """The page, which loads nothing from elsewhere.

    Args:
        pooled: content of ``pooled.json``.
        figures: folder of the figures.
    """
    kind = pooled["model"]["kind"]
    return render_page(
        "pooled.html.j2",
        pooled=pooled,
        title="Cross-validations of several hospitals" if kind == CROSS_VALIDATION else "External validation",
        kind=KINDS[kind],
        warnings=list(warnings(pooled)),
        tables=[made(pooled) for made in (headline, *TABLES)],
        figures=[_figure(caption, figures) for caption in (FOREST, CALIBRATION)],
        version=__version__,
        intended_use=INTENDED_USE,
    )


def warnings(pooled: Mapping[str, Any]) -> Iterator[str]:
    """What a reader must know before the figures."""
    if len(pooled["sites"]) < 5:
        yield f"{len(pooled['sites'])} hospitals say little of how much hospitals differ; tau2 and I2 are guesses."
    for site in pooled["sites"]:
        if (site["shortcuts"] or {}).get("level") == "alarm":
            yield f"{site['name']}: its shortcut audit raised the alarm: how the CTs were made tells the stage."
        if absent := (site["source"] or {}).get("not_staged"):
            yield f"{site['name']}: {absent} scans of its table have no result; whom they are of can bias the figures."
    for name, title in THRESHOLDS.items():
        entry = pooled["thresholds"][name]
        if entry["withheld"]:
            yield f"{title}: not given by {', '.join(entry['withheld'])} (too few patients on one side)."
        if thin := [row["name"] for row in entry["sites"] if row["thin"]]:
            yield f"{title}: thin (fewer than 10 scans on one side) in {', '.join(thin)}."
        if entry["pooled"] is not None and entry["pooled"]["error_bound"] > 1e-3:
            bound = entry["pooled"]["error_bound"]
            yield f"{title}: the AUC of all scans together is known to ± {bound:.4f} only, for scores share bins."
        if (mean := entry.get("random_effects")) is not None and mean.get("i2") is not None and mean["i2"] > 0.5:
            yield f"{title}: the hospitals differ by more than chance would make them (I2 {100 * mean['i2']:.0f} %)."


def _figure(caption: Caption, folder: Path) -> dict[str, str]:
    picture = (folder / f"{caption.name}.png").read_bytes()
    # Bytes 16 to 19 of a PNG hold its width in pixels.
    millimetres = int.from_bytes(picture[16:20]) / PRINT_DPI * 25.4
    return vars(caption) | {"png": base64.b64encode(picture).decode("ascii"), "width": f"{millimetres:.0f}mm"}

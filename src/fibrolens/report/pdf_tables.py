"""The lower part of the printed report: markers on the left, attention per region and quality on the right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fibrolens.report.patient_words import MAP_TITLES, NOT_MEASURABLE, marker_row
from fibrolens.report.pdf_page import MARGIN, SOFT, WIDTH, Page, Style
from fibrolens.result import REGIONS

#: Least height of the whole part in millimetres, of a row, and of the remarks below one.
TABLES_MM = 74.0
ROW_MM, REMARKS_MM = 3.45, 2.6
RIGHT = WIDTH - MARGIN
#: Left end of the right-hand tables.
SECOND = 128.0
TITLE, VALUE, RANGE, REMARK = (MARGIN, 42.0), (MARGIN + 64.0, 21.0), (MARGIN + 66.0, 27.5), (MARGIN + 94.5, 17.0)
HEADING, SMALL = Style(8.5, bold=True), Style(5.8, colour=SOFT)
CELL, NUMBER = Style(6.2), Style(6.2, align="right")
TITLE_OF_NUMBER = Style(5.8, colour=SOFT, align="right")
SHORT_REGIONS = {"liver_surface": "Liver surface (to 10 mm)", "elsewhere": "Elsewhere"}


def draw_tables(page: Page, place: tuple[float, float], content: Mapping[str, Any], maps: int) -> None:
    """Draw the tables between two y.

    Args:
        page: where to draw.
        place: millimetres from the top of the page, of the part's top and of what comes below it.
        content: of ``result.json``.
        maps: how many of the two maps are shown.
    """
    _markers(page, place, content)
    looks = (content["attention"], content["attention_recommended"])[:maps]
    below = place[0]
    for title, look in zip(MAP_TITLES, looks, strict=False):
        below = _attention(page, below, title, look) + 1.2
    _quality(page, below, content["quality"])


def _markers(page: Page, place: tuple[float, float], content: Mapping[str, Any]) -> None:
    y, bottom = place
    page.text(MARGIN, y, "Measurements", HEADING)
    page.text(SECOND - 4.0, y + 0.6, "ranges are for orientation and decide nothing", TITLE_OF_NUMBER)
    y += 4.4
    page.row(y, [(*TITLE, "Marker", SMALL), (*VALUE, "Value", TITLE_OF_NUMBER), (*RANGE, "Published range", SMALL)])
    y += 3.2
    rows = [marker_row(marker) for marker in content["marker_details"]]
    fit = int((bottom - y) / ROW_MM)
    shown = rows if len(rows) <= fit else rows[: fit - 1]
    room = int((bottom - y - len(shown) * ROW_MM) / REMARKS_MM) if len(shown) == len(rows) else 0
    for row in shown:
        remarks = ". ".join(words for words in (row["remark"], row["meaning"]) if words)
        below = room > 0 and row["value"] != NOT_MEASURABLE and page.width(remarks, SMALL) > REMARK[1]
        _marker(page, y, row, "" if below else remarks)
        y += ROW_MM
        if below:
            page.text(MARGIN + 2.0, y - 0.5, remarks, SMALL, SECOND - 6.0 - MARGIN)
            y, room = y + REMARKS_MM, room - 1
    if len(shown) < len(rows):
        page.text(MARGIN, y, f"{len(rows) - len(shown)} more in report.html", Style(6.2, bold=True))


def _marker(page: Page, y: float, row: Mapping[str, str], remarks: str) -> None:
    page.rule(y - 0.45, (MARGIN, SECOND - 4.0))
    page.text(TITLE[0], y, row["title"], CELL, TITLE[1])
    if row["value"] == NOT_MEASURABLE:
        x = MARGIN + 43.0
        page.text(x, y, f"{NOT_MEASURABLE}: {row['remark']}", Style(6.2, colour=SOFT), SECOND - 4.0 - x)
        return
    page.row(y, [(*VALUE, row["value"], NUMBER), (*RANGE, row["range"], CELL), (*REMARK, remarks, SMALL)])


def _attention(page: Page, y: float, title: str, look: Mapping[str, Any]) -> float:
    """Mean weight per region against the null band; returns the y below."""
    page.text(SECOND, y, title.replace("Location map by the recommended method", "Recommended map"), HEADING)
    page.text(RIGHT, y + 0.6, f"pattern: {look['pattern']}", TITLE_OF_NUMBER)
    y += 4.4
    middle, band = SECOND + 38.0, SECOND + 40.0
    page.row(y, [(SECOND, 26.0, "Region", SMALL), (middle, 12.0, "Mean", TITLE_OF_NUMBER),
                 (band, 22.0, "Null band", SMALL), (RIGHT, 10.0, "Share", TITLE_OF_NUMBER)])  # fmt: skip
    y += 3.2
    for name in REGIONS:
        page.rule(y - 0.45, (SECOND, RIGHT))
        region = look[name]
        page.text(SECOND, y, SHORT_REGIONS.get(name, name.replace("_", " ").capitalize()), CELL, 28.0)
        if region is None or region["mean"] is None:
            page.text(RIGHT, y, NOT_MEASURABLE, TITLE_OF_NUMBER)
        else:
            share = "" if region["share"] is None else f"{100 * region['share']:.1f} %"
            page.row(y, [(middle, 12.0, f"{region['mean']:.2f}", NUMBER), (band, 22.0, _band(region), SMALL),
                         (RIGHT, 10.0, share, NUMBER)])  # fmt: skip
        y += ROW_MM
    return y


def _band(region: Mapping[str, Any]) -> str:
    if region["null"] is None:
        return "not known"
    inside = "inside" if region["inside_null"] else "outside"
    return f"{region['null']['low']:.1f} to {region['null']['high']:.1f}, {inside}"


def _quality(page: Page, y: float, quality: Mapping[str, Any]) -> None:
    page.text(SECOND, y, "Quality", HEADING)
    y += 4.6
    resembles = {None: "not checked", True: "yes", False: "no"}[quality["in_domain"]]
    accepted = "yes" if quality["acceptable"] else f"no: {' '.join(quality['reasons'])}"
    rows = (
        ("Contrast phase", quality["phase"]),
        ("Liver coverage", quality["liver_coverage"]),
        ("Resembles the training data", resembles),
        ("Accepted by the quality gate", accepted),
    )
    for title, value in rows:
        page.text(SECOND, y, title, CELL)
        page.text(SECOND + 34.0, y, str(value if value is not None else "not known"), CELL, RIGHT - SECOND - 34.0)
        y += 3.1

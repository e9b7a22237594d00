"""The report of one patient as one printed page, from the content of ``result.json`` and a strip per map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fibrolens import __version__
from fibrolens.io.dicom.patient import WRITINGS
from fibrolens.plan import STAGES
from fibrolens.report.palette import BLUE, VERMILION
from fibrolens.report.patient_words import MAP_TITLES, METHOD_TITLES, STAGE_TITLES
from fibrolens.report.pdf_page import HEIGHT, INK, LINE, MARGIN, MORE, SOFT, WIDTH, Page, Style, drawable
from fibrolens.report.pdf_tables import TABLES_MM, draw_tables
from fibrolens.report.sheets import STRIP_MM
from fibrolens.result import INTENDED_USE

RIGHT = WIDTH - MARGIN
ACROSS = RIGHT - MARGIN
#: The stage in words stands on the left, the bars on the right.
STAGE_MM, BARS_X, BAR_MM = 96.0, 114.0, 34.0
#: Most lines of each text; what is left out stands in the page of the same folder.
MOST_FORCED, MOST_TRAINED = 3, 2
#: Lines that warnings get, though the pictures must shrink for them.
LEAST_WARNINGS = 6
FOOTER_MM, CAPTION_MM, MAPS_TITLE_MM = 13.0, 4.2, 4.4
BODY, SMALL, HEADING = Style(7.0), Style(6.2, colour=SOFT), Style(8.5, bold=True)
ELSEWHERE, IN_FULL = "more in report.html", "in full in report.html"


def render_pdf(content: Mapping[str, Any], strips: Sequence[bytes], identity: Mapping[str, str] | None = None) -> bytes:
    """One A4 page; what does not fit is cut and stands in ``report.html``.

    Args:
        content: of ``result.json``.
        strips: PNG by `strip_png` of the map that was asked for, and of the recommended one where that is another.
        identity: title and value of each thing that names the patient; None leaves the patient unnamed.

    Returns:
        The PDF; the same arguments give the same bytes. Its metadata name neither patient nor scan.
    """
    page = Page("Liver fibrosis stage", f"fibrolens {__version__}", INTENDED_USE)
    y = _header(page, content)
    if identity is not None:
        y = _identity(page, y, identity)
    if content["quality"]["forced"]:
        y = _forced(page, y, content)
    y = max(_stage(page, y + 2.0, content), _bars(page, y + 2.0, content["stage"])) + 1.5
    footer = HEIGHT - MARGIN - FOOTER_MM
    pictures = MAPS_TITLE_MM + len(strips) * (CAPTION_MM + STRIP_MM[1])
    y = _warnings(page, (y, footer - TABLES_MM - 2.5 - pictures), content["warnings"])
    y = _maps(page, (y, footer - TABLES_MM - 2.5), content, strips)
    draw_tables(page, (y, footer), content, len(strips))
    _footer(page, footer + 2.0, content)
    return page.finish()


def _header(page: Page, content: Mapping[str, Any]) -> float:
    use = Style(9.0, bold=True, colour=VERMILION, align="right")
    page.text(
        MARGIN, MARGIN - 2.0, f"Liver fibrosis stage of {content['scan_id']}", Style(13.0, bold=True), ACROSS - 45.0
    )
    page.text(RIGHT, MARGIN - 1.0, "Research use only", use)
    words = f"{INTENDED_USE} The weights were trained on: {content['model']['trained_on']}."
    y = page.paragraph(MARGIN, MARGIN + 4.0, words, SMALL, (ACROSS, MOST_TRAINED))
    page.rule(y + 0.8)
    return y + 1.2


def _identity(page: Page, y: float, identity: Mapping[str, str]) -> float:
    """Two halves, for a name may be long, then quarters."""
    y += 1.0
    for n, (title, value) in enumerate(identity.items()):
        in_row, of = (n, 2) if n < 2 else ((n - 2) % 4, 4)
        x, top = MARGIN + in_row * ACROSS / of, y + 3.6 * (0 if n < 2 else 1 + (n - 2) // 4)
        page.text(x, top, title, SMALL, 16.0)
        page.text(x + 17.0, top, _shown(value) or "not stated", Style(7.0, bold=True), ACROSS / of - 18.0)
    y += 3.6 * (1 + -(-max(0, len(identity) - 2) // 4))
    page.rule(y + 0.6)
    return y + 1.0


def _shown(value: str) -> str:
    """The writings of a name that the font has letters for; the page in the same folder shows all."""
    writings = value.split(WRITINGS)
    return WRITINGS.join([w for w in writings if drawable(w) == w] or writings)


def _forced(page: Page, y: float, content: Mapping[str, Any]) -> float:
    style = Style(7.0, bold=True)
    reasons = " ".join(content["quality"]["reasons"])
    words = f"FORCED: this scan failed the quality gate and was staged because --force was given. {reasons}"
    lines = page.wrap(words, style, ACROSS - 4.0, MOST_FORCED)
    if lines[-1].endswith(MORE):
        lines.append(IN_FULL)
    page.box((MARGIN, y + 1.0, ACROSS, len(lines) * style.step + 2.0), "#ffebe6", VERMILION)
    for n, line in enumerate(lines):
        page.text(MARGIN + 2.0, y + 2.0 + n * style.step, line, style)
    return y + len(lines) * style.step + 3.5


def _stage(page: Page, y: float, content: Mapping[str, Any]) -> float:
    """The stage, the expected one, and the set of stages with its claim."""
    stage = content["stage"]
    page.text(MARGIN, y, stage["predicted"], Style(26.0, bold=True))
    page.text(MARGIN + 22.0, y + 1.2, STAGE_TITLES[stage["predicted"]], Style(9.0))
    page.text(MARGIN + 22.0, y + 5.6, f"expected stage {stage['expected']:.2f} on the scale 0 to 4", BODY)
    held, y = stage["conformal_set"], y + 12.0
    if held is None:
        return page.paragraph(MARGIN, y, "No stage set: the weights come without a calibration.", BODY, (STAGE_MM, 2))
    page.text(MARGIN, y, f"Stage set: {', '.join(held['stages'])}", HEADING, STAGE_MM)
    y += 4.2
    if not held["valid"]:
        y = page.paragraph(MARGIN, y, str(held["reason"]), Style(7.0, bold=True, colour=VERMILION), (STAGE_MM, 3))
    claim = (
        f"Made to hold the true stage in at least {100 * held['claim']:g} % of scans like those of the calibration, "
        f"all stages together, of a rare stage less often. Calibrated on {held['calibrated_on']}."
    )
    return page.paragraph(MARGIN, y, claim, SMALL, (STAGE_MM, 4))


def _bars(page: Page, y: float, stage: Mapping[str, Any]) -> float:
    """Probability of each stage, and of at least this stage."""
    number, heading = Style(7.0, align="right"), Style(6.2, colour=SOFT, align="right")
    page.text(BARS_X, y, "Probability of each stage", SMALL)
    page.text(RIGHT, y, "this or higher", heading)
    y += 4.0
    for name in STAGES:
        p, chosen = stage["probabilities"][name], name == stage["predicted"]
        page.text(BARS_X, y, name, Style(8.0, bold=chosen))
        page.box((BARS_X + 7.0, y + 0.3, BAR_MM, 2.7), LINE)
        page.box((BARS_X + 7.0, y + 0.3, BAR_MM * p, 2.7), BLUE)
        page.text(BARS_X + 7.0 + BAR_MM + 11.0, y, f"{p:.3f}", Style(7.0, bold=chosen, align="right"))
        if name in stage["at_least"]:
            page.text(RIGHT, y, f"{stage['at_least'][name]:.3f}", number)
        y += 4.3
    return y


def _warnings(page: Page, place: tuple[float, float], warnings: Sequence[str]) -> float:
    """As many as there is room for between two y, and how many do not fit; returns the y below."""
    y, bottom = place
    if not warnings:
        return y
    page.text(MARGIN, y, "Warnings", HEADING)
    y += 4.2
    left, cut = max(LEAST_WARNINGS, int((bottom - y) / BODY.step)), False
    for n, warning in enumerate(warnings):
        last = n == len(warnings) - 1
        # A line is kept for what to read elsewhere.
        lines = page.wrap(f"• {warning}", BODY, ACROSS, max(1, min(3, left if last else left - 1)))
        if len(lines) + (not last) > left:
            page.text(MARGIN, y, f"{len(warnings) - n} {ELSEWHERE}", Style(7.0, bold=True))
            y += BODY.step
            break
        cut = cut or lines[-1].endswith(MORE)
        y, left = page.lines(MARGIN, y, lines, BODY), left - len(lines)
    if cut:
        page.text(RIGHT, place[0] + 0.6, f"…: {IN_FULL}", Style(6.2, colour=SOFT, align="right"))
    return y + 1.0


def _maps(page: Page, place: tuple[float, float], content: Mapping[str, Any], strips: Sequence[bytes]) -> float:
    """The strips below each other, as large as the place between two y allows; returns the y below them."""
    top, bottom = place
    page.text(MARGIN, top, "Where the decision came from", HEADING)
    note = "Maps show what drove this network, not where fibrosis is. 1.0: an even share. Blue: liver; dashed: spleen."
    page.text(RIGHT, top + 0.6, note, Style(6.2, colour=SOFT, align="right"), ACROSS - 52.0)
    y = top + MAPS_TITLE_MM
    height = min(STRIP_MM[1], (bottom - y) / max(1, len(strips)) - CAPTION_MM)
    width = STRIP_MM[0] * height / STRIP_MM[1]
    looks = (content["attention"], content["attention_recommended"])
    for title, look, strip in zip(MAP_TITLES, looks, strips, strict=False):
        words = f"{title}: {METHOD_TITLES[look['method']]} at {look['layer']}, score of {look['target']}"
        page.text(MARGIN, y, words, Style(7.0, bold=True), ACROSS)
        page.picture(strip, (MARGIN, y + CAPTION_MM - 0.8, width, height))
        y += CAPTION_MM + height
    return y + 2.5


def _footer(page: Page, y: float, content: Mapping[str, Any]) -> None:
    page.rule(y - 1.0)
    scan, model = content["input"], content["model"]
    size = " × ".join(map(str, scan["shape"]))
    spacing = " × ".join(f"{v:.3g}" for v in scan["spacing_mm"])
    lines = (
        f"Scan: {size} voxels of {spacing} mm, {scan['orientation']}. SHA-256 {scan['sha256'] or 'not known'}",
        f"Weights: {model['name']}, SHA-256 {model['sha256']}. Organ masks: {content['attention']['mask_source']}.",
        f"fibrolens {__version__}. Method after Yin et al., European Radiology 2021;31:9620-9627. {INTENDED_USE}",
    )
    for line in lines:
        page.text(MARGIN, y, line, Style(5.8, colour=INK if line == lines[-1] else SOFT), ACROSS)
        y += 3.1

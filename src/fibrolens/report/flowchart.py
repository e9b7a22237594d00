"""The flowchart of a study (Fig. 1): who was found, who was excluded and why, who is in the study."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patches import FancyArrowPatch, Rectangle

from fibrolens.cohort.flow import Arm, Count, Flow, counted
from fibrolens.plan import STAGES
from fibrolens.report.drawing import PRINT_DPI, RESEARCH, TWO_COLUMNS, save_both
from fibrolens.report.palette import BLUE, GREEN, ORANGE

#: Inches. With one arm the boxes need less than the whole width of a page.
ONE_ARM = 5.0
MARGIN, GAP, PADDING, INDENT, HANG = 0.06, 0.24, 0.08, 0.4, 0.09
POINTS, LINE = 7.5, 0.15
#: Letters are measured at this many dots per inch, fine enough for their rounding not to matter; in 64ths of a dot.
DOTS, SUBPIXELS = 600, 64
#: Reasons that one box shows, and letters of one; the others are summed up, the table has them all.
MOST_REASONS, LONGEST_REASON = 9, 150
ARM_TITLES = {"histology": "With histology", "controls": "Controls"}


def flowchart(flow: Flow, stem: Path) -> None:
    """Draw the flowchart at print size; controls have boxes of their own.

    Args:
        flow: the numbers.
        stem: path without ending; ``.png`` and ``.svg`` are written.
    """
    arms = [arm for arm in flow.arms if arm.found.scans] or [flow.arms[0]]
    page = _Page(TWO_COLUMNS if len(arms) > 1 else ONE_ARM)
    width = page.width - 2 * MARGIN
    top = page.frame(_Box(MARGIN, MARGIN, width, 2 * PADDING + LINE), FOUND)
    page.words((top.middle, top.title), f"In the table: {flow.found}", "bold")
    if len(arms) > 1:
        above = _two_arms(page, arms, top)
    else:
        out = _excluded(page, arms[0], (MARGIN, top.bottom + GAP, width))
        above = [(MARGIN + INDENT / 2, top.bottom)]
        page.arrow((MARGIN + INDENT / 2, out.title), (out.left, out.title))
    study = _study(page, flow, page.bottom + GAP)
    for x, y in above:
        page.arrow((x, y), (x, study.top))
    page.bottom += GAP / 2
    for note in _notes(flow):
        page.note(note)
    save_both(page.draw(), stem, PRINT_DPI)


@dataclass(frozen=True)
class _Style:
    """How a kind of box looks; the kinds differ in their edges and words too, for prints without colour."""

    fill: str
    edge: str
    line: Literal["-", "--"] = "-"


FOUND, LEFT_OUT, STUDY = _Style("#E6F1FA", BLUE), _Style("#FFF6E3", ORANGE, "--"), _Style("#E4F5EF", GREEN)


@dataclass(frozen=True)
class _Box:
    """A box on the page, in inches from the page's upper left corner."""

    left: float
    top: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        return self.top + self.height

    @property
    def middle(self) -> float:
        return self.left + self.width / 2

    @property
    def title(self) -> float:
        """How far down the middle of its first line is."""
        return self.top + PADDING + LINE / 2


class _Page:
    """Boxes, words and arrows, in inches from the upper left corner; as long as what is put on it.

    Args:
        width: inches.
    """

    def __init__(self, width: float) -> None:
        self.width = width
        self.bottom = 0.0
        self._boxes: list[tuple[_Box, _Style]] = []
        self._words: list[tuple[tuple[float, float], str, str, str]] = []
        self._arrows: list[tuple[tuple[float, float], tuple[float, float]]] = []

    def box(self, place: tuple[float, float, float], title: str, items: Sequence[str], style: _Style) -> _Box:
        """A box of `place` (left, top, width) with a bold title and a list below, all wrapped to its width."""
        left, top, width = place
        down = top + PADDING + LINE / 2
        self._words.append(((left + PADDING, down), title, "bold", "left"))
        for item in items:
            for number, text in enumerate(_wrapped(item, width - 2 * PADDING - HANG)):
                down += LINE
                if number == 0:
                    self._words.append(((left + PADDING, down), "•", "normal", "left"))
                self._words.append(((left + PADDING + HANG, down), text, "normal", "left"))
        return self.frame(_Box(left, top, width, down + LINE / 2 + PADDING - top), style)

    def frame(self, box: _Box, style: _Style) -> _Box:
        """A box without words."""
        self._boxes.append((box, style))
        self.bottom = max(self.bottom, box.bottom)
        return box

    def words(self, at: tuple[float, float], text: str, weight: str = "normal") -> None:
        """A line centred on a point."""
        self._words.append((at, text, weight, "center"))

    def note(self, text: str) -> None:
        """A paragraph below all that stands there."""
        for line in _wrapped(text, self.width - 2 * MARGIN):
            self._words.append(((MARGIN, self.bottom + LINE / 2), line, "normal", "left"))
            self.bottom += LINE

    def arrow(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """An arrow between two points."""
        self._arrows.append((start, end))

    def draw(self) -> Figure:
        """The page as a figure."""
        height = self.bottom + MARGIN
        figure = Figure(figsize=(self.width, height))
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0), xlim=(0, self.width), ylim=(height, 0))
        axes.set_axis_off()
        for start, end in self._arrows:
            axes.add_patch(
                FancyArrowPatch(
                    start, end, arrowstyle="-|>", mutation_scale=8, color="0.25", linewidth=0.9, shrinkA=0, shrinkB=0
                )
            )
        for box, style in self._boxes:
            rectangle = Rectangle((box.left, box.top), box.width, box.height, fc=style.fill, ec=style.edge, lw=1.0)
            rectangle.set_linestyle(style.line)
            axes.add_patch(rectangle)
        for at, text, weight, side in self._words:
            axes.text(*at, text, size=POINTS, weight=weight, ha=side, va="center_baseline", parse_math=False)
        return figure


def _two_arms(page: _Page, arms: Sequence[Arm], top: _Box) -> list[tuple[float, float]]:
    """Each arm in its half of the page; where the arrows to the study begin."""
    width = (page.width - 2 * MARGIN - GAP) / 2
    boxes = []
    for number, arm in enumerate(arms):
        left = MARGIN + number * (width + GAP)
        title = f"{ARM_TITLES[arm.name]}: {arm.found}"
        found = page.box((left, top.bottom + GAP, width), title, (), FOUND)
        page.arrow((found.middle, top.bottom), (found.middle, found.top))
        boxes.append((arm, found))
    bottom = page.bottom
    outs = [_excluded(page, arm, (found.left, bottom + GAP, width)) for arm, found in boxes]
    bottom = page.bottom
    starts = []
    for (arm, found), out in zip(boxes, outs, strict=True):
        kept = page.box((found.left, bottom + GAP, width), f"Included: {arm.included}", (), FOUND)
        line = found.left + INDENT / 2
        page.arrow((line, found.bottom), (line, kept.top))
        page.arrow((line, out.title), (out.left, out.title))
        starts.append((kept.middle, kept.bottom))
    return starts


def _excluded(page: _Page, arm: Arm, place: tuple[float, float, float]) -> _Box:
    """The box of an arm's exclusions, to the right of the line that goes down."""
    left, top, width = place
    shown = arm.reasons if len(arm.reasons) <= MOST_REASONS else arm.reasons[: MOST_REASONS - 1]
    lines = [
        f"{textwrap.shorten(reason.text, LONGEST_REASON, placeholder=' …')} ({_briefly(reason.count)})"
        for reason in shown
    ]
    others = arm.reasons[len(shown) :]
    if others:
        scans = sum(reason.count.scans for reason in others)
        lines.append(f"{len(others)} other reasons ({counted(scans, 'scan')}), listed in the tables")
    title = f"Excluded: {arm.excluded}" if arm.excluded.scans else "Excluded: none"
    return page.box((left + INDENT, top, width - INDENT), title, lines, LEFT_OUT)


def _study(page: _Page, flow: Flow, top: float) -> _Box:
    """The last box: the study, its stages side by side, and sets of stages below them."""
    columns = len(STAGES)
    ranks = [flow.stages[n : n + columns] for n in range(0, len(flow.stages), columns)]
    width, deep = page.width - 2 * MARGIN, 3 * LINE + PADDING
    box = page.frame(_Box(MARGIN, top, width, 2 * PADDING + LINE + len(ranks) * deep), STUDY)
    page.words((box.middle, box.title), f"In the study: {flow.included}", "bold")
    for number, entry in enumerate(flow.stages):
        x = box.left + width * (number % columns + 0.5) / columns
        y = box.title + LINE + PADDING + number // columns * deep
        page.words((x, y), entry.stage, "bold")
        page.words((x, y + LINE), counted(entry.count.scans, "scan"))
        page.words((x, y + 2 * LINE), counted(entry.count.patients, "patient"))
    return box


def _notes(flow: Flow) -> Iterator[str]:
    """What stands below the boxes."""
    if any(arm.name == "controls" and arm.found.scans for arm in flow.arms):
        yield "Controls are imaging negative; they need no histology."
    absent = [entry.text for entry in flow.unsettled if not entry.checked]
    if absent:
        yield f"Not checked, for the table has no such column: {'; '.join(absent)}."
    kept = [f"{entry.text} ({entry.unknown})" for entry in flow.unsettled if entry.checked]
    if kept:
        yield f"Unknown in the table, and kept: {'; '.join(kept)}."
    if flow.found.scans != flow.found.patients:
        yield "A patient with several scans may stand in several boxes."
    yield f"{RESEARCH}."


def _briefly(count: Count) -> str:
    """Without the patients where each has one scan."""
    return counted(count.scans, "scan") if count.scans == count.patients else str(count)


def _wrapped(text: str, width: float) -> list[str]:
    """The lines of a text in a room of `width` inches; a word that is too long for it is broken."""
    font = get_font(findfont(FontProperties()))
    font.set_size(POINTS, DOTS)

    def fits(line: str) -> bool:
        font.set_text(line)
        return bool(font.get_width_height()[0] <= width * DOTS * SUBPIXELS)

    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if fits(joined):
            lines[-1] = joined
            continue
        lines += [""] if lines[-1] else []
        for letter in word:
            if not fits(lines[-1] + letter):
                lines.append("")
            lines[-1] += letter
    return lines

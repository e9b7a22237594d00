"""A printed page: millimetres from the top left, an open font that is embedded, and text that is cut to its place."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import matplotlib as mpl
from reportlab import rl_config
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase.pdfmetrics import getFont, registerFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

#: The page and its margin in millimetres.
WIDTH, HEIGHT, MARGIN = A4[0] / mm, A4[1] / mm, 12.0
INK, SOFT, LINE = "#1b1f24", "#57606a", "#d0d7de"
#: Lines are this much further apart than their letters are high, and a point in millimetres.
LEADING, POINT = 1.25, 1 / mm
MORE = "…"
PLAIN, BOLD = "DejaVuSans", "DejaVuSans-Bold"


@dataclass(frozen=True)
class Style:
    """How text looks: points, weight, colour, and which end of it stands at its x (``left`` or ``right``)."""

    size: float = 7.0
    bold: bool = False
    colour: str = INK
    align: str = "left"

    @property
    def font(self) -> str:
        """Name of the font."""
        return BOLD if self.bold else PLAIN

    @property
    def step(self) -> float:
        """Millimetres from line to line."""
        return self.size * LEADING * POINT


class Page:
    """One A4 page.

    Args:
        title: of the document, for its metadata.
        author: of the document.
        subject: of the document.
    """

    def __init__(self, title: str, author: str, subject: str) -> None:
        _register_fonts()
        self._bytes = io.BytesIO()
        # Invariant: no time and no chance in the bytes.
        self._canvas = Canvas(self._bytes, pagesize=A4, invariant=1, lang="en", initialFontName=PLAIN)
        self._canvas.setTitle(title)
        self._canvas.setAuthor(author)
        self._canvas.setSubject(subject)
        self._canvas.setCreator(author)

    def text(self, x: float, y: float, words: str, style: Style, width: float = WIDTH) -> None:
        """One line whose letters stand below `y`, cut to `width` millimetres."""
        cut = self.cut(words, style, width)
        self._canvas.setFont(style.font, style.size)
        self._canvas.setFillColor(HexColor(style.colour))
        draw = self._canvas.drawRightString if style.align == "right" else self._canvas.drawString
        draw(x * mm, (HEIGHT - y) * mm - style.size, cut)

    def paragraph(self, x: float, y: float, words: str, style: Style, place: tuple[float, int]) -> float:
        """Lines below each other, cut to a width in millimetres and a number of lines; returns the y below them."""
        return self.lines(x, y, self.wrap(words, style, *place), style)

    def lines(self, x: float, y: float, lines: Sequence[str], style: Style) -> float:
        """Lines below each other, as `wrap` made them; returns the y below them."""
        for line in lines:
            self.text(x, y, line, style)
            y += style.step
        return y

    def wrap(self, words: str, style: Style, width: float, most: int) -> list[str]:
        """Text as at most `most` lines; the last ends in `MORE` where something is left out."""
        lines: list[str] = []
        split = (piece for word in drawable(words, style.font).split() for piece in self._pieces(word, style, width))
        for word in split:
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self.width(longer, style) <= width:
                lines[-1] = longer
            else:
                lines.append(word)
        if len(lines) <= most:
            return lines
        return [*lines[: most - 1], self.cut(f"{lines[most - 1]} {MORE}", style, width)]

    def _pieces(self, word: str, style: Style, width: float) -> list[str]:
        """A word in parts that fit; the path of a file may be longer than a line."""
        if self.width(word, style) <= width:
            return [word]
        pieces = [""]
        for letter in word:
            if pieces[-1] and self.width(pieces[-1] + letter, style) > width:
                pieces.append("")
            pieces[-1] += letter
        return pieces

    def cut(self, words: str, style: Style, width: float) -> str:
        """Text that is no wider than `width` millimetres."""
        shown = drawable(words, style.font)
        if self.width(shown, style) <= width:
            return shown
        while shown and self.width(shown + MORE, style) > width:
            shown = shown[:-1]
        return shown.rstrip() + MORE

    def width(self, words: str, style: Style) -> float:
        """Millimetres."""
        return float(getFont(style.font).stringWidth(words, style.size)) / mm

    def box(self, place: tuple[float, float, float, float], fill: str, edge: str | None = None) -> None:
        """A rectangle: x, y of its top left, width and height in millimetres."""
        x, y, width, height = place
        self._canvas.setFillColor(HexColor(fill))
        self._canvas.setStrokeColor(HexColor(edge or fill))
        self._canvas.setLineWidth(0.7)
        corner = x * mm, (HEIGHT - y - height) * mm
        self._canvas.rect(*corner, width * mm, height * mm, fill=1, stroke=int(edge is not None))

    def rule(self, y: float, ends: tuple[float, float] = (MARGIN, WIDTH - MARGIN)) -> None:
        """A thin line across the page, or between two x."""
        self._canvas.setStrokeColor(HexColor(LINE))
        self._canvas.setLineWidth(0.5)
        self._canvas.line(ends[0] * mm, (HEIGHT - y) * mm, ends[1] * mm, (HEIGHT - y) * mm)

    def picture(self, png: bytes, place: tuple[float, float, float, float]) -> None:
        """A PNG: x, y of its top left, width and height in millimetres."""
        x, y, width, height = place
        image = ImageReader(io.BytesIO(png))
        with _binary():
            self._canvas.drawImage(image, x * mm, (HEIGHT - y - height) * mm, width * mm, height * mm)

    def row(self, y: float, columns: Sequence[tuple[float, float, str, Style]]) -> None:
        """Cells of a table's row: x, width, words and style of each; x is the right end of a cell aligned right."""
        for x, width, words, style in columns:
            self.text(x, y, words, style, width)

    def finish(self) -> bytes:
        """The document."""
        with _binary():
            self._canvas.showPage()
            self._canvas.save()
        return self._bytes.getvalue()


@contextmanager
def _binary() -> Iterator[None]:
    """Streams of bytes: reportlab would write them as text, in Python, a second for two pictures."""
    before, rl_config.useA85 = rl_config.useA85, 0
    try:
        yield
    finally:
        rl_config.useA85 = before


def drawable(words: str, font: str = PLAIN) -> str:
    """Text in the letters that the font has; others become a question mark, white space a space."""
    known = getFont(font).face.charToGlyph
    return "".join("?" if ord(letter) not in known else letter for letter in " ".join(words.split()))


@lru_cache(maxsize=1)
def _register_fonts() -> None:
    """DejaVu Sans as it comes with matplotlib (its licence lets anybody embed it)."""
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    for name in (PLAIN, BOLD):
        registerFont(TTFont(name, folder / f"{name}.ttf"))

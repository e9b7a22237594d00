"""What the pictures share: CT slices with a map over them, colours, and how a figure is saved.

Slices are shown by radiological convention: the patient's right is on the left of the picture.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from contourpy import LineType, contour_generator
from jaxtyping import Float, Shaped
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure

from fibrolens.aside import appearing
from fibrolens.report.scene import Cut, Plane

WINDOW_HU = (-125.0, 225.0)
RESEARCH = "Research use only"
#: Inches across two columns of a journal's page (174 mm), and across one (84 mm).
TWO_COLUMNS, ONE_COLUMN = 6.85, 3.31
#: Dots per inch of a figure that is printed.
PRINT_DPI = 300
#: Points of the smaller words of a printed figure.
SMALL = 6.5
#: Of words at that size.
LETTERS_PER_INCH = 19.5
SCALE_TITLES = {"mean1": "location map, mean1 (1 = even share)", "raw": "location map, raw"}
ORGANS: dict[int, tuple[str, str, Literal["-", "--"]]] = {1: ("liver", "#56B4E9", "-"), 2: ("spleen", "#FFFFFF", "--")}
#: Letters at the left, right, top and bottom of each plane's picture.
SIDES: dict[Plane, str] = {"axial": "RLAP", "coronal": "RLSI", "sagittal": "APSI"}


def draw_slice(axes: Axes, cut: Cut, top: float, size: float = 8.0) -> None:
    """Draw one slice of the CT with map, contours and patient sides, true to scale.

    Args:
        axes: where to draw.
        cut: what to draw.
        top: upper end of the map's colour scale.
        size: points of the letters at the sides.
    """
    fill_slice(axes, cut, top)
    frame_slice(axes, cut, size)


def fill_slice(axes: Axes, cut: Cut, top: float) -> list[Artist]:
    """What differs between slices: the CT, the map, the contours; arguments as for `draw_slice`."""
    height, width = cut.size_mm
    extent = (0.0, width, height, 0.0)
    low, high = WINDOW_HU
    drawn: list[Artist] = [
        axes.imshow(cut.ct, cmap="gray", vmin=low, vmax=high, extent=extent, interpolation="bilinear")
    ]
    if cut.map is not None:
        colours = map_colours()
        drawn.append(axes.imshow(cut.map, cmap=colours, vmin=0, vmax=top, extent=extent, interpolation="bilinear"))
    if cut.labels is not None:
        drawn += _contours(axes, cut.labels, extent)
    return drawn


def frame_slice(axes: Axes, cut: Cut, size: float = 8.0) -> list[Artist]:
    """What slices share: a black ground without ticks and the patient's sides, whose letters are returned."""
    height, width = cut.size_mm
    # Hidden axes make no ticks, which cost more than the slice.
    axes.xaxis.set_visible(False)
    axes.yaxis.set_visible(False)
    axes.set(facecolor="black", xlim=(0, width), ylim=(height, 0), aspect="equal")
    return _sides(axes, SIDES[cut.plane], size)


@lru_cache(maxsize=1)
def map_colours() -> ListedColormap:
    """Inferno, transparent where there is no attention."""
    colours = mpl.colormaps["inferno"](np.linspace(0.15, 1.0, 256))
    colours[:, 3] = np.clip(np.linspace(0.0, 1.2, 256), 0.0, 0.7)
    return ListedColormap(colours)


def title_of(cut: Cut) -> str:
    """What a slice is called: ``axial, slice 12``."""
    kind = {"axial": "slice", "coronal": "row", "sagittal": "column"}[cut.plane]
    return f"{cut.plane}, {kind} {cut.number}"


def colour_bar(figure: Figure, axes: Axes, top: float, scale: str, size: float = 9.0) -> None:
    """Colour bar that names the scale of the map.

    Args:
        figure: the figure.
        axes: where the bar goes.
        top: upper end of the scale.
        scale: ``mean1`` or ``raw``.
        size: points of its text.
    """
    bar = figure.colorbar(ScalarMappable(Normalize(0, top), map_colours()), cax=axes, extend="max")
    axes.set_facecolor("0.45")
    bar.set_label(SCALE_TITLES[scale], fontsize=size)
    bar.ax.tick_params(labelsize=size - 1)


def print_style() -> AbstractContextManager[None]:
    """Text and lines for a figure at print size: words of 7 to 8 points."""
    return mpl.rc_context(
        {
            "font.size": 7.5,
            "axes.labelsize": 7.5,
            "axes.titlesize": 8,
            "xtick.labelsize": 7,
            "ytick.labelsize": 7,
            "legend.fontsize": 7,
            "axes.linewidth": 0.7,
            "lines.linewidth": 1.3,
        }
    )


def footer(figure: Figure, note: str, y_inches: float = 0.1) -> None:
    """Write what a reader must know below a figure, and the intended use, in lines as wide as the figure."""
    y = y_inches / figure.get_figheight()
    letters = int(LETTERS_PER_INCH * figure.get_figwidth())
    paragraphs = f"{note.rstrip()} {RESEARCH}.".strip().splitlines()
    text = "\n".join(textwrap.fill(paragraph, letters) for paragraph in paragraphs)
    figure.text(0.01, y, text, fontsize=SMALL, color="0.25", va="bottom", linespacing=1.25)


def as_png(figure: Figure, dpi: int) -> bytes:
    """The figure as a PNG whose bytes depend on its content alone."""
    return _encoded(figure, "png", dpi)


def save(figure: Figure, path: Path, dpi: int = 150) -> None:
    """Write a PNG or SVG whose bytes depend on its content alone."""
    content = _encoded(figure, path.suffix[1:], dpi)
    with appearing(path) as aside:
        aside.write_bytes(content)


def save_both(figure: Figure, stem: Path, dpi: int = PRINT_DPI) -> tuple[Path, Path]:
    """Write ``<stem>.png`` and ``<stem>.svg``."""
    png, svg = stem.with_name(f"{stem.name}.png"), stem.with_name(f"{stem.name}.svg")
    save(figure, png, dpi)
    save(figure, svg, dpi)
    return png, svg


def _encoded(figure: Figure, kind: str, dpi: int) -> bytes:
    FigureCanvasAgg(figure)
    how: dict[str, Any] = (
        {"metadata": {"Date": None, "Creator": None}}
        if kind == "svg"
        # Half the time of the library's own choice, for pictures of CT the smaller file too.
        else {"metadata": {"Software": None}, "pil_kwargs": {"compress_level": 3}}
    )
    stream = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "fibrolens"}):
        figure.savefig(stream, format=kind, dpi=dpi, **how)
    return stream.getvalue()


def _contours(
    axes: Axes, cut: Shaped[np.ndarray, "y x"], extent: tuple[float, float, float, float]
) -> Iterator[LineCollection]:
    height, width = cut.shape
    x = (np.arange(width) + 0.5) * extent[1] / width
    y = (np.arange(height) + 0.5) * extent[2] / height
    for label, (_, colour, style) in ORGANS.items():
        inside: Float[np.ndarray, "y x"] = (cut == label).astype(float)
        if inside.any() and not inside.all() and min(cut.shape) > 1:
            lines: list[Any] = list(contour_generator(x, y, inside, line_type=LineType.Separate).lines(0.5))
            drawn = LineCollection(lines, colors=colour, linewidths=0.9, linestyles=style)
            axes.add_collection(drawn, autolim=False)
            yield drawn


def _sides(axes: Axes, letters: str, size: float) -> list[Artist]:
    places = ((0.02, 0.5), (0.98, 0.5), (0.5, 0.975), (0.5, 0.025))
    alignments = (("left", "center"), ("right", "center"), ("center", "top"), ("center", "bottom"))
    box = {"facecolor": "black", "alpha": 0.55, "pad": 1.0, "linewidth": 0}
    style: dict[str, Any] = {"color": "white", "fontsize": size, "bbox": box}
    return [
        axes.text(x, y, letter, transform=axes.transAxes, ha=across, va=along, **style)
        for letter, (x, y), (across, along) in zip(letters, places, alignments, strict=True)
    ]

"""What the pictures share: CT slices with a map over them, colours, and how a figure is saved.

Slices are shown by radiological convention: the patient's right is on the left of the picture.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from contourpy import LineType, contour_generator
from jaxtyping import Bool, Float, Int, Shaped
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure

from fibrolens.aside import appearing
from fibrolens.body import BODY_HU, body_mask
from fibrolens.transforms import Enlarged, Located, Orient
from fibrolens.volume import Geometry, Volume

Plane = Literal["axial", "coronal", "sagittal"]
#: Values ``d h w``, of which some are computed where they are looked at.
Array = Shaped[np.ndarray, "d h w"] | Enlarged

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
#: Okabe and Ito's colours, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN, VERMILION, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"
ORGANS: dict[int, tuple[str, str, Literal["-", "--"]]] = {1: ("liver", "#56B4E9", "-"), 2: ("spleen", "#FFFFFF", "--")}
#: Letters at the left, right, top and bottom of each plane's picture.
SIDES: dict[Plane, str] = {"axial": "RLAP", "coronal": "RLSI", "sagittal": "APSI"}
#: At least this much of the scale is shown, so that an even map does not look like a focus.
LEAST_TOP = 2.0


@dataclass(frozen=True, eq=False)
class Scene:
    """A CT, its map and its labels in array order, ready to be cut into slices.

    Args:
        ct: Hounsfield units.
        map: location map on the CT's grid.
        labels: 1 liver, 2 spleen on the CT's grid, or None.
        spacing: millimetres per slice, row, column.
        box: rows and columns that hold the body.
    """

    ct: Shaped[np.ndarray, "d h w"]
    map: Array
    labels: Shaped[np.ndarray, "d h w"] | None
    spacing: tuple[float, float, float]
    box: tuple[slice, slice]

    @classmethod
    def of(cls, ct: Volume, location_map: Volume | Located, labels: Volume | None = None) -> Scene:
        """The scene of volumes of any orientation.

        Raises:
            GeometryError: map or labels do not lie on the CT's grid.
        """
        for other in (location_map, labels):
            if other is not None:
                ct.require_grid(other)
        turn = Orient.fit(ct.geometry)
        turned = turn.forward(ct).array
        marks = None if labels is None else turn.forward(labels).array
        box = _body_box(turned, turn.target.spacing)
        if isinstance(location_map, Volume):
            seen: Array = turn.forward(location_map).array
        else:
            seen = turn.turned(location_map.array)
        return cls(turned, seen, marks, turn.target.spacing, box)

    @property
    def covered(self) -> Bool[np.ndarray, " d"]:
        """Slices where the map is not zero."""
        return np.array([bool(seen.any()) for seen in self.map])

    @property
    def top(self) -> float:
        """Upper end of the colour scale: above it lies 0.5 % of the map in the body where it is not zero."""
        # Every 4th row and column is plenty for a percentile.
        values, hounsfield = self.map[::2, ::4, ::4], self.ct[::2, ::4, ::4]
        positive = values[(values > 0) & (hounsfield > BODY_HU)]
        high = float(np.percentile(positive, 99.5)) if positive.size else 0.0
        return max(LEAST_TOP, float(np.ceil(2 * high) / 2))

    def axial_slices(self, count: int) -> list[int]:
        """`count` slices evenly through the liver, from the top down; through the map where there is no liver."""
        shown = np.array([bool(liver.any()) for liver in self._liver()])
        if not shown.any():
            shown = self.covered
        if not shown.any():
            shown = np.ones(len(self.ct), dtype=bool)
        first, last = np.flatnonzero(shown)[[0, -1]]
        steps = (np.arange(count)[::-1] + 0.5) / count
        return [round(float(first + s * (last - first))) for s in steps]

    def central(self, plane: Plane) -> int:
        """The row (coronal) or column (sagittal) that shows most liver, else the middle of the body."""
        axis = {"axial": 0, "coronal": 1, "sagittal": 2}[plane]
        area = self._liver_area(axis)
        if area.any():
            return int(area.argmax())
        return len(self.ct) // 2 if axis == 0 else (self.box[axis - 1].start + self.box[axis - 1].stop) // 2

    def cut(self, volume: Array, plane: Plane, index: int) -> Shaped[np.ndarray, "y x"]:
        """One slice as a picture, first row at the top."""
        rows, columns = self.box
        if plane == "axial":
            return volume[index, rows, columns]
        return volume[::-1, index, columns] if plane == "coronal" else volume[::-1, rows, index]

    def size_mm(self, plane: Plane) -> tuple[float, float]:
        """Height and width of a cut."""
        rows, columns = (part.stop - part.start for part in self.box)
        slice_mm, row_mm, column_mm = (
            n * mm for n, mm in zip((len(self.ct), rows, columns), self.spacing, strict=True)
        )
        return {"axial": (row_mm, column_mm), "coronal": (slice_mm, column_mm), "sagittal": (slice_mm, row_mm)}[plane]

    def _liver(self) -> Iterator[Bool[np.ndarray, "h w"]]:
        """Slice by slice, for all of it takes a quarter of what a long CT takes; none where no organ is known."""
        return (np.asarray(plane == 1) for plane in (() if self.labels is None else self.labels))

    def _liver_area(self, axis: int) -> Int[np.ndarray, " n"]:
        """How many voxels of liver lie at each index of an axis."""
        if axis == 0:
            return np.array([np.count_nonzero(liver) for liver in self._liver()], int)
        area = np.zeros(self.ct.shape[axis], int)
        for liver in self._liver():
            area += np.count_nonzero(liver, axis=2 - axis)
        return area


def draw_slice(axes: Axes, scene: Scene, plane: Plane, index: int, top: float | None = None, size: float = 8.0) -> None:
    """Draw one slice of the CT with map, contours and patient sides, true to scale.

    Args:
        axes: where to draw.
        scene: what to draw.
        plane: the kind of slice.
        index: which slice, row or column.
        top: upper end of the colour scale; None draws the CT without the map.
        size: points of the letters at the sides.
    """
    fill_slice(axes, scene, plane, index, top)
    frame_slice(axes, scene, plane, size)


def fill_slice(axes: Axes, scene: Scene, plane: Plane, index: int, top: float | None = None) -> list[Artist]:
    """What differs between slices: the CT, the map, the contours; arguments as for `draw_slice`."""
    height, width = scene.size_mm(plane)
    extent = (0.0, width, height, 0.0)
    low, high = WINDOW_HU
    picture = scene.cut(scene.ct, plane, index)
    drawn: list[Artist] = [
        axes.imshow(picture, cmap="gray", vmin=low, vmax=high, extent=extent, interpolation="bilinear")
    ]
    if top is not None:
        cut = scene.cut(scene.map, plane, index)
        drawn.append(axes.imshow(cut, cmap=map_colours(), vmin=0, vmax=top, extent=extent, interpolation="bilinear"))
    if scene.labels is not None:
        drawn += _contours(axes, scene.cut(scene.labels, plane, index), extent)
    return drawn


def frame_slice(axes: Axes, scene: Scene, plane: Plane, size: float = 8.0) -> list[Artist]:
    """What slices share: a black ground without ticks and the patient's sides, whose letters are returned."""
    height, width = scene.size_mm(plane)
    # Hidden axes make no ticks, which cost more than the slice.
    axes.xaxis.set_visible(False)
    axes.yaxis.set_visible(False)
    axes.set(facecolor="black", xlim=(0, width), ylim=(height, 0), aspect="equal")
    return _sides(axes, SIDES[plane], size)


@lru_cache(maxsize=1)
def map_colours() -> ListedColormap:
    """Inferno, transparent where there is no attention."""
    colours = mpl.colormaps["inferno"](np.linspace(0.15, 1.0, 256))
    colours[:, 3] = np.clip(np.linspace(0.0, 1.2, 256), 0.0, 0.7)
    return ListedColormap(colours)


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


def save(figure: Figure, path: Path, dpi: int = 150) -> None:
    """Write a PNG or SVG whose bytes depend on its content alone."""
    FigureCanvasAgg(figure)
    how: dict[str, Any] = (
        {"metadata": {"Date": None, "Creator": None}}
        if path.suffix == ".svg"
        # Half the time of the library's own choice, for pictures of CT the smaller file too.
        else {"metadata": {"Software": None}, "pil_kwargs": {"compress_level": 3}}
    )
    with mpl.rc_context({"svg.hashsalt": "fibrolens"}), appearing(path) as aside:
        figure.savefig(aside, format=path.suffix[1:], dpi=dpi, **how)


def save_both(figure: Figure, stem: Path, dpi: int = PRINT_DPI) -> tuple[Path, Path]:
    """Write ``<stem>.png`` and ``<stem>.svg``."""
    png, svg = stem.with_name(f"{stem.name}.png"), stem.with_name(f"{stem.name}.svg")
    save(figure, png, dpi)
    save(figure, svg, dpi)
    return png, svg


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


def _body_box(array: Shaped[np.ndarray, "d h w"], spacing: tuple[float, float, float]) -> tuple[slice, slice]:
    """Rows and columns that hold the body with a small margin; all where no body is found."""
    # A quarter of the resolution finds the body just as well.
    steps = tuple(max(1, round(4.0 / mm)) for mm in spacing)
    coarse = array[:: steps[0], :: steps[1], :: steps[2]]
    d, h, w = (mm * step for mm, step in zip(spacing, steps, strict=True))
    body = body_mask(Volume(coarse, Geometry(coarse.shape, (d, h, w))))
    if not body.any():
        return slice(0, array.shape[1]), slice(0, array.shape[2])
    rows, columns = (np.flatnonzero(body.any(axis=axes)) for axes in ((0, 2), (0, 1)))
    return _with_margin(rows, steps[1], array.shape[1]), _with_margin(columns, steps[2], array.shape[2])


def _with_margin(found: Shaped[np.ndarray, " n"], step: int, size: int) -> slice:
    return slice(max(0, int(found[0] - 2) * step), min(size, int(found[-1] + 3) * step))

"""One picture of a reader study: a location map over its CT, with nothing in it that tells whose or what it is."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fibrolens.report.drawing import ORGANS, RESEARCH, colour_bar, draw_slice, save
from fibrolens.report.scene import Plane, Scene
from fibrolens.volume import Volume

#: Axial slices: two rows of three.
AXIAL = 6
SIZE_INCHES, DPI = (13.5, 6.2), 110


def reading_picture(ct: Volume, location_map: Volume, labels: Volume, top: float, name: str, path: Path) -> None:
    """Draw a map for readers: six axial slices, a coronal and a sagittal one, all of them with map and outlines.

    Every picture has the same size in pixels, and the numbers of the slices are left out: they would tell that two
    pictures show one scan.

    Args:
        ct: CT in Hounsfield units.
        location_map: scale ``mean1``, on the CT's grid.
        labels: 1 liver, 2 spleen, on the CT's grid.
        top: upper end of the colour scale, the same for a whole set.
        name: the item's name, which tells nothing.
        path: the PNG to write.

    Raises:
        GeometryError: map or labels do not lie on the CT's grid.
        OSError: the file cannot be written.
    """
    scene = Scene.of(ct, location_map, labels)
    figure = Figure(figsize=SIZE_INCHES, facecolor="white")
    grid = figure.add_gridspec(
        2,
        5,
        width_ratios=(1, 1, 1, 1.15, 0.06),
        left=0.01,
        right=0.94,
        top=0.955,
        bottom=0.065,
        wspace=0.03,
        hspace=0.1,
    )
    for k, index in enumerate(scene.axial_slices(AXIAL)):
        axes = figure.add_subplot(grid[k // 3, k % 3])
        draw_slice(axes, scene.cut("axial", index), top)
        axes.set_title(f"axial {k + 1} of {AXIAL}, from the top", fontsize=9, pad=3)
    planes: tuple[Plane, Plane] = ("coronal", "sagittal")
    for row, plane in enumerate(planes):
        axes = figure.add_subplot(grid[row, 3])
        draw_slice(axes, scene.central_cut(plane), top)
        axes.set_title(plane, fontsize=9, pad=3)
    colour_bar(figure, figure.add_subplot(grid[:, 4]), top, "mean1")
    figure.text(0.01, 0.025, f"Picture {name}. {RESEARCH}.", fontsize=9, va="center")
    lines = [Line2D([], [], color=colour, linestyle=style, label=text) for text, colour, style in ORGANS.values()]
    # White contours need a dark ground in the legend as well.
    style = {"ncols": 2, "fontsize": 9, "facecolor": "0.25", "labelcolor": "white"}
    figure.legend(handles=lines, loc="lower right", bbox_to_anchor=(0.94, -0.005), **style)
    save(figure, path, DPI)

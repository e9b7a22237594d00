"""The overlay picture of one staged CT: axial slices through the liver, a coronal and a sagittal one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fibrolens.report.drawing import ORGANS, RESEARCH, VERMILION, WINDOW_HU, Plane, Scene, colour_bar, draw_slice, save
from fibrolens.report.overlay_captions import Captions
from fibrolens.transforms import Located
from fibrolens.volume import Volume

#: Axial slices: two rows of three.
AXIAL = 6
DPI = 110


BARE = Captions()


def overlay_png(
    ct: Volume, location_map: Volume | Located | None, labels: Volume | None, path: Path, captions: Captions = BARE
) -> None:
    """Draw a location map over its CT.

    Args:
        ct: CT in Hounsfield units, any orientation.
        location_map: map on the CT's grid; None draws the CT with its contours alone.
        labels: 1 liver, 2 spleen on the CT's grid, for contours and the choice of slices; or None.
        path: the PNG to write.
        captions: title, note and marks.

    Raises:
        GeometryError: map or labels do not lie on the CT's grid.
        OSError: the file cannot be written.
    """
    nothing = ct.with_array(np.broadcast_to(np.uint8(0), ct.array.shape))
    scene = Scene.of(ct, nothing if location_map is None else location_map, labels)
    top = None if location_map is None else scene.top
    figure = Figure(figsize=(13.5, 7.4), facecolor="white")
    grid = figure.add_gridspec(
        2, 5, width_ratios=(1, 1, 1, 1.15, 0.06), left=0.01, right=0.94, top=0.89, bottom=0.09, wspace=0.03, hspace=0.1
    )
    for k, index in enumerate(scene.axial_slices(AXIAL)):
        _panel(figure.add_subplot(grid[k // 3, k % 3]), scene, "axial", index, top)
    planes: tuple[Plane, Plane] = ("coronal", "sagittal")
    for row, plane in enumerate(planes):
        _panel(figure.add_subplot(grid[row, 3]), scene, plane, scene.central(plane), top)
    if top is not None:
        colour_bar(figure, figure.add_subplot(grid[:, 4]), top, captions.scale)
    _write_captions(figure, captions, labels is not None)
    save(figure, path, DPI)


def _panel(axes: Axes, scene: Scene, plane: Plane, index: int, top: float | None) -> None:
    draw_slice(axes, scene, plane, index, top)
    kind = {"axial": "slice", "coronal": "row", "sagittal": "column"}[plane]
    axes.set_title(f"{plane}, {kind} {index + 1}", fontsize=9, pad=3)


def _write_captions(figure: Figure, captions: Captions, with_labels: bool) -> None:
    low, high = WINDOW_HU
    figure.text(0.01, 0.955, captions.title, fontsize=14, weight="bold", va="center")
    figure.text(
        0.01, 0.03, f"CT window [{low:.0f}, {high:.0f}] HU. {RESEARCH}. {captions.note}", fontsize=9, va="center"
    )
    if captions.forced:
        banner = "FORCED: this scan failed the quality gate"
        box = {"facecolor": VERMILION, "edgecolor": "none", "pad": 5}
        figure.text(0.93, 0.955, banner, fontsize=12, weight="bold", color="white", ha="right", va="center", bbox=box)
    if with_labels:
        # White contours need a dark ground in the legend as well.
        lines = [Line2D([], [], color=colour, linestyle=style, label=name) for name, colour, style in ORGANS.values()]
        style = {"ncols": 2, "fontsize": 9, "facecolor": "0.25", "labelcolor": "white"}
        figure.legend(handles=lines, loc="lower right", bbox_to_anchor=(0.94, 0.005), **style)

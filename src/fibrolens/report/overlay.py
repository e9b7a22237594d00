"""The overlay picture of one staged CT: axial slices through the liver, a coronal and a sagittal one."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fibrolens.report.drawing import ORGANS, RESEARCH, WINDOW_HU, as_png, colour_bar, draw_slice, title_of
from fibrolens.report.overlay_captions import Captions
from fibrolens.report.palette import VERMILION
from fibrolens.report.scene import Cut
from fibrolens.report.sheets import OverlaySheet

DPI = 110


def overlay_png(sheet: OverlaySheet) -> bytes:
    """Draw a location map over its CT; without a map the CT with its contours alone.

    Returns:
        A PNG whose bytes depend on the sheet alone.
    """
    figure = Figure(figsize=(13.5, 7.4), facecolor="white")
    grid = figure.add_gridspec(
        2, 5, width_ratios=(1, 1, 1, 1.15, 0.06), left=0.01, right=0.94, top=0.89, bottom=0.09, wspace=0.03, hspace=0.1
    )
    for k, cut in enumerate(sheet.axial):
        _panel(figure.add_subplot(grid[k // 3, k % 3]), cut, sheet.top)
    for row, cut in enumerate(sheet.central):
        _panel(figure.add_subplot(grid[row, 3]), cut, sheet.top)
    if sheet.axial[0].map is not None:
        colour_bar(figure, figure.add_subplot(grid[:, 4]), sheet.top, sheet.captions.scale)
    _write_captions(figure, sheet.captions, sheet.axial[0].labels is not None)
    return as_png(figure, DPI)


def _panel(axes: Axes, cut: Cut, top: float) -> None:
    draw_slice(axes, cut, top)
    axes.set_title(title_of(cut), fontsize=9, pad=3)


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

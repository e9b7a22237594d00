"""One row of pictures of a location map over its CT, as wide as a printed page."""

from __future__ import annotations

import matplotlib as mpl
from matplotlib.figure import Figure

from fibrolens.report.drawing import as_png, colour_bar, draw_slice, title_of
from fibrolens.report.sheets import STRIP_MM, StripSheet

#: Points on paper of the words in it, and of those at the colour bar, which is short.
POINTS, BAR_POINTS = 6.0, 5.0
DPI = 190


def strip_png(sheet: StripSheet) -> bytes:
    """The slices of a sheet with the colour bar.

    Returns:
        A PNG whose bytes depend on its content alone, `STRIP_MM` large.
    """
    with mpl.rc_context({"axes.linewidth": 0.4, "lines.linewidth": 0.7, "patch.linewidth": 0.4}):
        figure = Figure(figsize=(STRIP_MM[0] / 25.4, STRIP_MM[1] / 25.4), facecolor="white")
        places = figure.add_gridspec(
            1, len(sheet.cuts) + 1, width_ratios=(*[1.0] * len(sheet.cuts), 0.05),
            left=0.0, right=0.945, top=0.92, bottom=0.025, wspace=0.03,
        )  # fmt: skip
        for k, cut in enumerate(sheet.cuts):
            axes = figure.add_subplot(places[0, k])
            draw_slice(axes, cut, sheet.top, POINTS)
            axes.set_title(title_of(cut), fontsize=POINTS, pad=1.5)
        colour_bar(figure, figure.add_subplot(places[0, -1]), sheet.top, sheet.scale, BAR_POINTS)
        return as_png(figure, DPI)

"""One row of pictures of a location map over its CT, as wide as a printed page."""

from __future__ import annotations

import io

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fibrolens.report.drawing import Scene, colour_bar, draw_slice
from fibrolens.transforms import Located
from fibrolens.volume import Volume

#: Width and height in millimetres of the strip on paper.
SIZE_MM = (186.0, 40.0)
AXIAL = 3
#: Points on paper of the words in it, and of those at the colour bar, which is short.
POINTS, BAR_POINTS = 6.0, 5.0
DPI = 190


def strip_png(ct: Volume, location_map: Volume | Located, labels: Volume, scale: str) -> bytes:
    """Three axial slices through the liver and the coronal one that shows most of it, with the colour bar.

    Args:
        ct: CT in Hounsfield units, any orientation.
        location_map: map on the CT's grid.
        labels: 1 liver, 2 spleen on the CT's grid.
        scale: name of the map's scale, ``mean1`` or ``raw``.

    Returns:
        A PNG whose bytes depend on its content alone, `SIZE_MM` large.

    Raises:
        GeometryError: map or labels do not lie on the CT's grid.
    """
    scene = Scene.of(ct, location_map, labels)
    with mpl.rc_context({"axes.linewidth": 0.4, "lines.linewidth": 0.7, "patch.linewidth": 0.4}):
        figure = Figure(figsize=(SIZE_MM[0] / 25.4, SIZE_MM[1] / 25.4), facecolor="white")
        places = figure.add_gridspec(
            1, AXIAL + 2, width_ratios=(*[1.0] * (AXIAL + 1), 0.05),
            left=0.0, right=0.945, top=0.92, bottom=0.025, wspace=0.03,
        )  # fmt: skip
        for k, index in enumerate(scene.axial_slices(AXIAL)):
            axes = figure.add_subplot(places[0, k])
            draw_slice(axes, scene, "axial", index, scene.top, POINTS)
            axes.set_title(f"axial, slice {index + 1}", fontsize=POINTS, pad=1.5)
        axes = figure.add_subplot(places[0, AXIAL])
        draw_slice(axes, scene, "coronal", scene.central("coronal"), scene.top, POINTS)
        axes.set_title(f"coronal, row {scene.central('coronal') + 1}", fontsize=POINTS, pad=1.5)
        colour_bar(figure, figure.add_subplot(places[0, AXIAL + 1]), scene.top, scale, BAR_POINTS)
        FigureCanvasAgg(figure)
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=DPI, metadata={"Software": None})
    return stream.getvalue()

"""Colour pictures of axial slices under a location map, for viewers that cannot lay one image over another."""

from __future__ import annotations

import io

import numpy as np
from jaxtyping import UInt8
from matplotlib.figure import Figure

from fibrolens.report.drawing import RESEARCH, WINDOW_HU, Scene, colour_bar, draw_slice
from fibrolens.report.overlay import Captions
from fibrolens.transforms import Located
from fibrolens.volume import Volume

#: Pixels along each side of a picture, and at most so many pictures.
SIDE, MOST = 512, 24
DPI = 100


def overlay_frames(
    ct: Volume, location_map: Volume | Located, labels: Volume, captions: Captions
) -> UInt8[np.ndarray, "n y x 3"]:
    """Axial slices that the map covers, evenly chosen, from the head down, by radiological convention.

    Args:
        ct: Hounsfield units, any orientation.
        location_map: on the CT's grid.
        labels: 1 liver, 2 spleen on the CT's grid, for their outlines.
        captions: title, note and marks; its `scale` names that of the map.

    Returns:
        Red, green and blue of each picture; its words are part of it: title, slice, scale, "research use only".

    Raises:
        GeometryError: map or labels do not lie on the CT's grid.
    """
    scene = Scene.of(ct, location_map, labels)
    top = scene.top
    return np.stack([_picture(scene, index, top, captions) for index in _covered(scene)])


def _covered(scene: Scene) -> list[int]:
    shown = np.flatnonzero(scene.covered)
    if not shown.size:
        shown = np.arange(len(scene.map))
    chosen = np.linspace(shown[-1], shown[0], min(MOST, shown.size)).round().astype(int)
    return [int(index) for index in chosen]


def _picture(scene: Scene, index: int, top: float, captions: Captions) -> UInt8[np.ndarray, "y x 3"]:
    figure = Figure(figsize=(SIDE / DPI, SIDE / DPI), dpi=DPI, facecolor="black")
    draw_slice(figure.add_axes((0.01, 0.12, 0.81, 0.78)), scene, "axial", index, top)
    bar = figure.add_axes((0.84, 0.16, 0.03, 0.7))
    colour_bar(figure, bar, top, captions.scale, 7.0)
    bar.tick_params(colors="white")
    bar.yaxis.label.set_color("white")
    low, high = WINDOW_HU
    forced = "FORCED: failed the quality gate. " if captions.forced else ""
    words = (
        (0.965, 8.0, captions.title),
        (0.925, 7.0, f"slice {index + 1} of {len(scene.ct)} from the feet; CT window [{low:.0f}, {high:.0f}] HU"),
        (0.075, 9.0, f"{forced}{RESEARCH}. Not for diagnosis."),
        (0.03, 5.5, captions.note),
    )
    for y, size, text in words:
        figure.text(0.01, y, text, fontsize=size, color="white", va="center")
    drawn = io.BytesIO()
    figure.savefig(drawn, format="rgba", dpi=DPI)
    return np.frombuffer(drawn.getvalue(), np.uint8).reshape(SIDE, SIDE, 4)[..., :3]

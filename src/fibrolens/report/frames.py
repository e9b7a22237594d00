"""Colour pictures of axial slices under a location map, for viewers that cannot lay one image over another."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fibrolens.report.drawing import RESEARCH, WINDOW_HU, Scene, colour_bar, fill_slice, frame_slice
from fibrolens.report.overlay_captions import Captions
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
    sheet = _Sheet(scene, captions)
    return np.stack([sheet.picture(index) for index in _covered(scene)])


def _covered(scene: Scene) -> list[int]:
    shown = np.flatnonzero(scene.covered)
    if not shown.size:
        shown = np.arange(len(scene.map))
    chosen = np.linspace(shown[-1], shown[0], min(MOST, shown.size)).round().astype(int)
    return [int(index) for index in chosen]


class _Sheet:
    """What all pictures share, drawn once: title, notes, colour bar. Words take longer to draw than a slice.

    Args:
        scene: what is shown.
        captions: title, note and marks.
    """

    def __init__(self, scene: Scene, captions: Captions) -> None:
        self.scene, self.top = scene, scene.top
        figure = Figure(figsize=(SIDE / DPI, SIDE / DPI), dpi=DPI, facecolor="black")
        self.canvas = FigureCanvasAgg(figure)
        self.axes = figure.add_axes((0.01, 0.12, 0.81, 0.78))
        self.letters = frame_slice(self.axes, scene, "axial")
        bar = figure.add_axes((0.84, 0.16, 0.03, 0.7))
        colour_bar(figure, bar, self.top, captions.scale, 7.0)
        bar.tick_params(colors="white")
        bar.yaxis.label.set_color("white")
        forced = "FORCED: failed the quality gate. " if captions.forced else ""
        words = (
            (0.965, 8.0, captions.title),
            (0.925, 7.0, ""),
            (0.075, 9.0, f"{forced}{RESEARCH}. Not for diagnosis."),
            (0.03, 5.5, captions.note),
        )
        _, self.where, *_ = (
            figure.text(0.01, y, text, fontsize=size, color="white", va="center") for y, size, text in words
        )
        for letter in self.letters:
            letter.set_animated(True)
        self.canvas.draw()
        self.ground = self.canvas.copy_from_bbox(figure.bbox)

    def picture(self, index: int) -> UInt8[np.ndarray, "y x 3"]:
        """One slice on the sheet."""
        low, high = WINDOW_HU
        self.where.set_text(
            f"slice {index + 1} of {len(self.scene.ct)} from the feet; CT window [{low:.0f}, {high:.0f}] HU"
        )
        self.canvas.restore_region(self.ground)
        slices = fill_slice(self.axes, self.scene, "axial", index, self.top)
        renderer = self.canvas.get_renderer()
        for artist in (*slices, *self.letters, self.where):
            artist.draw(renderer)
        for artist in slices:
            artist.remove()
        return np.array(self.canvas.buffer_rgba())[..., :3]

"""Colour pictures of axial slices under a location map, for viewers that cannot lay one image over another."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fibrolens.report.drawing import RESEARCH, WINDOW_HU, colour_bar, fill_slice, frame_slice
from fibrolens.report.scene import Cut
from fibrolens.report.sheets import FrameSheet

#: Pixels along each side of a picture.
SIDE = 512
DPI = 100


def overlay_frames(sheet: FrameSheet) -> UInt8[np.ndarray, "n y x 3"]:
    """Red, green and blue of the pictures; their words are part of them: title, slice, scale, "research use only"."""
    ground = _Ground(sheet)
    return np.stack([ground.picture(cut) for cut in sheet.cuts])


class _Ground:
    """What all pictures share, drawn once: title, notes, colour bar. Words take longer to draw than a slice."""

    def __init__(self, sheet: FrameSheet) -> None:
        self.sheet, captions = sheet, sheet.captions
        figure = Figure(figsize=(SIDE / DPI, SIDE / DPI), dpi=DPI, facecolor="black")
        self.canvas = FigureCanvasAgg(figure)
        self.axes = figure.add_axes((0.01, 0.12, 0.81, 0.78))
        self.letters = frame_slice(self.axes, sheet.cuts[0])
        bar = figure.add_axes((0.84, 0.16, 0.03, 0.7))
        colour_bar(figure, bar, sheet.top, captions.scale, 7.0)
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

    def picture(self, cut: Cut) -> UInt8[np.ndarray, "y x 3"]:
        """One slice on the ground."""
        low, high = WINDOW_HU
        self.where.set_text(
            f"slice {cut.number} of {self.sheet.slices} from the feet; CT window [{low:.0f}, {high:.0f}] HU"
        )
        self.canvas.restore_region(self.ground)
        slices = fill_slice(self.axes, cut, self.sheet.top)
        renderer = self.canvas.get_renderer()
        for artist in (*slices, *self.letters, self.where):
            artist.draw(renderer)
        for artist in slices:
            artist.remove()
        return np.array(self.canvas.buffer_rgba())[..., :3]

"""What each picture of a staged scan shows: slices cut out of its volumes, and words. Drawing needs nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fibrolens.report.overlay_captions import Captions
from fibrolens.report.scene import Cut, Scene

#: Axial slices of an overlay (two rows of three) and of a strip, and at most so many frames.
OVERLAY_AXIAL, STRIP_AXIAL, MOST_FRAMES = 6, 3, 24
#: Width and height in millimetres of a strip on paper.
STRIP_MM = (186.0, 40.0)


@dataclass(frozen=True, eq=False)
class OverlaySheet:
    """The overlay picture: axial slices through the liver, a coronal and a sagittal one.

    Args:
        axial: from the top of the liver down; central: the coronal and the sagittal slice that show most liver.
        top: upper end of the map's colour scale.
        captions: title, note and marks.
    """

    axial: tuple[Cut, ...]
    central: tuple[Cut, Cut]
    top: float
    captions: Captions

    @classmethod
    def of(cls, scene: Scene, captions: Captions) -> OverlaySheet:
        """Cut out of a scene, with or without a map."""
        axial = tuple(scene.cut("axial", index) for index in scene.axial_slices(OVERLAY_AXIAL))
        coronal, sagittal = scene.central_cut("coronal"), scene.central_cut("sagittal")
        return cls(axial, (coronal, sagittal), scene.top, captions)


@dataclass(frozen=True, eq=False)
class StripSheet:
    """One row of pictures as wide as a printed page: axial slices through the liver and a coronal one.

    Args:
        cuts: from the left.
        top: upper end of the map's colour scale.
        scale: its name, ``mean1`` or ``raw``.
    """

    cuts: tuple[Cut, ...]
    top: float
    scale: str

    @classmethod
    def of(cls, scene: Scene, scale: str) -> StripSheet:
        """Cut out of a scene."""
        axial = (scene.cut("axial", index) for index in scene.axial_slices(STRIP_AXIAL))
        return cls((*axial, scene.central_cut("coronal")), scene.top, scale)


@dataclass(frozen=True, eq=False)
class FrameSheet:
    """A picture for each of some axial slices that the map covers, evenly chosen, from the head down.

    Args:
        cuts: one per picture; at least one.
        slices: of the whole CT.
        top: upper end of the map's colour scale.
        captions: title, note and marks.
    """

    cuts: tuple[Cut, ...]
    slices: int
    top: float
    captions: Captions

    @classmethod
    def of(cls, scene: Scene, captions: Captions) -> FrameSheet:
        """Cut out of a scene; evenly through all of it where the map is zero everywhere."""
        shown = np.flatnonzero(scene.covered)
        if not shown.size:
            shown = np.arange(len(scene.ct))
        chosen = np.linspace(shown[-1], shown[0], min(MOST_FRAMES, shown.size)).round().astype(int)
        cuts = tuple(scene.cut("axial", int(index)) for index in chosen)
        return cls(cuts, len(scene.ct), scene.top, captions)

"""All pictures of one staged scan: what they show, and what comes of drawing them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import UInt8

from fibrolens.report.overlay_captions import Captions
from fibrolens.report.patient_words import METHOD_TITLES
from fibrolens.report.scene import Scene
from fibrolens.report.sheets import FrameSheet, OverlaySheet, StripSheet
from fibrolens.transforms import Located
from fibrolens.volume import Volume


@dataclass(frozen=True, eq=False)
class Drawn:
    """Pictures.

    Args:
        overlays: PNG, of each map; strips: the same for the printed page.
        frames: red, green and blue of those for viewers that know no maps; None where there are none.
    """

    overlays: tuple[bytes, ...]
    strips: tuple[bytes, ...]
    frames: UInt8[np.ndarray, "n y x 3"] | None


@dataclass(frozen=True, eq=False)
class Pictures:
    """What the pictures of a scan show: slices of its volumes, some dozen whatever their number, to be sent elsewhere.

    Args:
        overlays: of the map that was asked for, and of the recommended one where that is another; strips: the same.
        frames: of the map that was asked for, or None.
    """

    overlays: tuple[OverlaySheet, ...]
    strips: tuple[StripSheet, ...]
    frames: FrameSheet | None

    @classmethod
    def of(
        cls,
        content: Mapping[str, Any],
        scan: tuple[Volume, Volume],
        maps: Collection[Volume | Located],
        skip: Collection[str] = (),
    ) -> Pictures:
        """Cut out of the volumes of a scan.

        Args:
            content: of its ``result.json``.
            scan: the CT and its organs, 1 liver, 2 spleen.
            maps: the one that was asked for, then the recommended one where that is another.
            skip: what is left out: ``report`` (overlays and strips), ``dicom`` (frames).

        Raises:
            GeometryError: maps or organs do not lie on the CT's grid.
        """
        if {"report", "dicom"} <= set(skip):
            return cls((), (), None)
        ct, labels = scan
        bare = Scene.of(ct, None, labels)
        scenes = [bare.under(located) for located in maps]
        looks = [content["attention"], content["attention_recommended"]][: len(scenes)]
        frames = None if "dicom" in skip else FrameSheet.of(scenes[0], _captions(content, looks[0]))
        if "report" in skip:
            return cls((), (), frames)
        named = f"{content['scan_id']}: "
        shown = list(zip(scenes, looks, strict=True))
        return cls(
            tuple(OverlaySheet.of(scene, _captions(content, look, named)) for scene, look in shown),
            tuple(StripSheet.of(scene, look["scale"]) for scene, look in shown),
            frames,
        )

    def draw(self) -> Drawn:
        """Draw them all."""
        # matplotlib takes half a second, which those who draw elsewhere or not at all need not pay.
        from fibrolens.report.frames import overlay_frames  # noqa: PLC0415
        from fibrolens.report.overlay import overlay_png  # noqa: PLC0415
        from fibrolens.report.strip import strip_png  # noqa: PLC0415

        return Drawn(
            tuple(map(overlay_png, self.overlays)),
            tuple(map(strip_png, self.strips)),
            None if self.frames is None else overlay_frames(self.frames),
        )


#: Draws, or begins to; what it returns gives the pictures, or waits for them.
Draw = Callable[[Pictures], Callable[[], Drawn]]


def draw_here(pictures: Pictures) -> Callable[[], Drawn]:
    """Draw at once, in this thread."""
    drawn = pictures.draw()
    return lambda: drawn


def _captions(content: Mapping[str, Any], look: Mapping[str, Any], named: str = "") -> Captions:
    stage = content["stage"]
    p, how = max(stage["probabilities"].values()), f"{METHOD_TITLES[look['method']]} at {look['layer']}"
    return Captions(
        title=f"{named}predicted {stage['predicted']} (p = {p:.2f}); {how}",
        note=f"Weights trained on {content['model']['trained_on']}.",
        forced=content["quality"]["forced"],
        scale=look["scale"],
    )

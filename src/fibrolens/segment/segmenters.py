"""Which segmenter finds the organs: our V-Nets, or a program that the user has installed."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from fibrolens.errors import UsageError
from fibrolens.segment.predict import OrganSegmenter, Segmenter
from fibrolens.segment.totalsegmentator import TotalSegmentator
from fibrolens.weights import shipped

SegmenterName = Literal["fibrolens", "totalsegmentator"]


def load_segmenter(name: SegmenterName = "fibrolens", model: Path | None = None) -> OrganSegmenter:
    """The V-Nets of a folder (the shipped ones where None), or the program that the user has installed.

    Raises:
        UsageError: a folder for a program that has its own weights.
        ModelError: the weights cannot be used, or the program is not installed.
    """
    if name == "totalsegmentator":
        if model is not None:
            raise UsageError("--segmentation-model holds fibrolens's own weights; leave it or --segmenter out.")
        return TotalSegmentator.find()
    return Segmenter.load(model or shipped("vnet"))

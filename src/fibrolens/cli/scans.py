"""The options that `stage` and `segment` share: which CTs, where the results go, what finds the organs."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_scans(verb: argparse.ArgumentParser) -> None:
    """Add the inputs, the place of the results, and the segmenter."""
    verb.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help="a CT")
    verb.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the scan folders go")
    verb.add_argument("--overwrite", action="store_true", help="replace results of other inputs or options")
    verb.add_argument("--scan-id", metavar="ID", help="name of the scan's folder (one input only)")
    verb.add_argument("--series", metavar="UID", help="DICOM series to take, instead of the best by rules")
    verb.add_argument(
        "--explain-selection",
        action="store_true",
        help="print what was found of each DICOM series and why it was taken or not, then go on",
    )
    verb.add_argument(
        "--segmentation-model",
        type=Path,
        metavar="DIR",
        help="folder with segmentation weights, for example of fibrolens train --task segmentation",
    )
    verb.add_argument(
        "--segmenter",
        choices=("fibrolens", "totalsegmentator"),
        default="fibrolens",
        help="what finds the organs; TotalSegmentator (version 2) where you have installed it",
    )

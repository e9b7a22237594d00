"""`fibrolens segment`: liver and spleen of one or many CTs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_to(verbs: Any) -> argparse.ArgumentParser:
    """Add the verb and its options."""
    verb: argparse.ArgumentParser = verbs.add_parser(
        "segment",
        help="liver and spleen of a CT: masks, volumes, markers, and what deserves doubt",
        description="Find liver and spleen on one or many CTs (DICOM folder, zip or multi-frame file, NIfTI, NRRD, "
        "MHA). Writes one folder per scan and summary.csv. Research use only.",
    )
    verb.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help="a CT")
    verb.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the scan folders go")
    verb.add_argument("--scan-id", metavar="ID", help="name of the scan's folder (one input only)")
    verb.add_argument("--series", metavar="UID", help="DICOM series to take where an input holds several")
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
    verb.add_argument("--overwrite", action="store_true", help="replace results of other inputs or options")
    return verb


def run(options: argparse.Namespace) -> int:
    """Segment every input; 3 if any was refused."""
    from fibrolens.batch import Place
    from fibrolens.segment_batch import segment_batch
    from fibrolens.segmenting import SegmentOptions

    chosen = SegmentOptions(options.segmentation_model, options.series, options.segmenter)
    return segment_batch(options.inputs, chosen, Place(options.out, options.scan_id, options.overwrite))

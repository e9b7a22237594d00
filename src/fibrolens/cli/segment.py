"""`fibrolens segment`: liver and spleen of one or many CTs."""

from __future__ import annotations

import argparse
from typing import Any

from fibrolens.cli.scans import add_scans, given_engine, given_inputs


def add_to(verbs: Any) -> argparse.ArgumentParser:
    """Add the verb and its options."""
    verb: argparse.ArgumentParser = verbs.add_parser(
        "segment",
        help="liver and spleen of a CT: masks, volumes, markers, and what deserves doubt",
        description="Find liver and spleen on one or many CTs (DICOM folder, zip or multi-frame file, NIfTI, NRRD, "
        "MHA). Writes one folder per scan and summary.csv. Research use only.",
    )
    add_scans(verb)
    return verb


def run(options: argparse.Namespace) -> int:
    """Segment every input; 3 if any was refused."""
    from fibrolens.batch import Place
    from fibrolens.segment_batch import segment_batch
    from fibrolens.segmenting import SegmentOptions

    chosen = SegmentOptions(options.segmentation_model, options.series, options.segmenter, options.explain_selection)
    place = Place(options.out, options.scan_id, options.overwrite)
    return segment_batch(given_inputs(options), chosen, place, given_engine(options))

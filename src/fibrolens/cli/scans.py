"""The options that `stage` and `segment` share: which CTs, where the results go, what finds the organs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from fibrolens.cli.engines import RAY, add_engine, ray_address
from fibrolens.cli.repeatable import add_deterministic
from fibrolens.errors import UsageError

if TYPE_CHECKING:
    from fibrolens.cases import Inputs
    from fibrolens.engine import Engine


def add_scans(verb: argparse.ArgumentParser) -> None:
    """Add the inputs, the place of the results, and the segmenter."""
    which = verb.add_mutually_exclusive_group(required=True)
    which.add_argument("inputs", nargs="*", default=[], type=Path, metavar="INPUT", help="a CT")
    which.add_argument(
        "--manifest",
        type=Path,
        metavar="FILE",
        help="the CTs instead: a text with a path per line, or a CSV table with columns image and, if wanted, scan_id",
    )
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
    add_deterministic(verb)
    _add_scale(verb.add_argument_group("many CTs"))


def _add_scale(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--shard",
        metavar="I/N",
        help="only the I-th of N equal shares of the CTs, for array jobs that write into one --out",
    )
    group.add_argument(
        "--workers", type=int, metavar="N", help="processes at once (default: 1; with --engine ray all cores)"
    )
    add_engine(group)


def given_inputs(options: argparse.Namespace) -> Inputs:
    """The CTs that the options name, or this shard of them.

    Raises:
        InputError: the manifest cannot be used.
        UsageError: a shard that cannot be.
    """
    from fibrolens.cases import Manifest, Shard, as_cases

    inputs = options.inputs if options.manifest is None else Manifest(options.manifest)
    return inputs if options.shard is None else Shard.parse(as_cases(inputs, options.scan_id), options.shard)


def given_engine(options: argparse.Namespace) -> Engine:
    """Where the work is done.

    Raises:
        UsageError: options that contradict each other, or Ray is wanted and not installed.
    """
    from fibrolens.engine import open_engine

    ray = ray_address(options)
    if ray is not None and options.explain_selection:
        raise UsageError(f"--explain-selection prints what a worker finds and cannot with --engine {RAY}.")
    return open_engine(options.workers or (1 if ray is None else None), ray)

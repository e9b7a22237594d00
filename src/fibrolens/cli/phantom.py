"""`fibrolens phantom`: a simulated cohort whose truth is known."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from fibrolens.errors import UsageError


def add_to(verbs: Any) -> argparse.ArgumentParser:
    """Add the verb and its options."""
    verb: argparse.ArgumentParser = verbs.add_parser(
        "phantom",
        help="a simulated cohort (CT, masks, cohort.csv) whose truth is known",
        description="Simulate portal-venous abdominal CTs of patients with liver fibrosis F0 to F4, with masks and the "
        "true values behind each stage.",
    )
    verb.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    size = verb.add_mutually_exclusive_group()
    size.add_argument(
        "--patients", type=int, default=10, metavar="N", help="how many, in the mix of the paper (default 10)"
    )
    size.add_argument("--stages", type=_counts, metavar="A,B,C,D,E", help="how many of F0, F1, F2, F3 and F4")
    verb.add_argument("--format", choices=("nifti", "dicom"), default="nifti", help="how the CTs are written")
    verb.add_argument("--grid", choices=("small", "full"), default="full", help="128 x 128 at 3 mm, or 512 x 512")
    verb.add_argument("--seed", type=int, default=0, metavar="S", help="same seed, same bytes")
    verb.add_argument("--workers", type=int, default=1, metavar="W", help="processes; the bytes do not depend on it")
    verb.add_argument("--overwrite", action="store_true", help="replace a cohort of other options")
    return verb


def run(options: argparse.Namespace) -> int:
    """Write the cohort and say where it is."""
    from fibrolens.output import is_done
    from fibrolens.phantom.cohort import CohortOptions, cohort_run, paper_stages, write_cohort
    from fibrolens.progress import Progress

    counts = options.stages
    if min(options.patients if counts is None else sum(counts), options.workers) < 1 or options.seed < 0:
        raise UsageError("phantom needs at least one patient, at least one worker and a seed of 0 or more.")
    if counts is None:
        stages = paper_stages(options.patients)
    else:
        stages = [stage for stage, count in enumerate(counts) for _ in range(count)]
    cohort = CohortOptions(format=options.format, grid=options.grid, workers=options.workers)
    if not is_done(options.out, cohort_run(stages, options.seed, cohort), options.overwrite):
        with Progress(len(stages), "simulating") as progress:
            write_cohort(options.out, stages, options.seed, cohort, progress.advance)
    sys.stdout.write(f"{len(stages)} simulated patients: {options.out / 'cohort.csv'}\n")
    return 0


def _counts(text: str) -> list[int]:
    try:
        counts = [int(part) for part in text.split(",")]
    except ValueError:
        counts = []
    if len(counts) != 5 or min(counts) < 0:
        raise argparse.ArgumentTypeError("five counts from 0 upwards, for example 134,8,10,18,82")
    return counts

"""`fibrolens demo`: see the whole work on simulated patients, without any data or network."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from fibrolens.errors import UsageError

#: Five folds with both sides of every threshold need some patients in each.
FEWEST = 20


def add_to(verbs: Any) -> argparse.ArgumentParser:
    """Add the verb and its options."""
    verb: argparse.ArgumentParser = verbs.add_parser(
        "demo",
        help="see it work on simulated patients: a staged CT, then a small five-fold study",
        description="Makes a simulated patient as a DICOM series and stages it, then runs a small five-fold study on "
        "simulated patients. Needs no data and no network; takes a few minutes on two cores.",
    )
    verb.add_argument("--out", type=Path, default=Path("out/demo"), metavar="DIR", help="folder (default: out/demo)")
    verb.add_argument("--patients", type=int, default=60, metavar="N", help="patients of the study (default 60)")
    verb.add_argument("--seed", type=int, default=0, metavar="S", help="of the simulated patients (default 0)")
    verb.add_argument("--overwrite", action="store_true", help="start afresh where an earlier demo differs")
    return verb


def run(options: argparse.Namespace) -> int:
    """Run the demonstration."""
    if options.patients < FEWEST or options.seed < 0:
        raise UsageError(f"demo needs at least {FEWEST} patients and a seed of 0 or more.")
    from fibrolens.demo import run_demo

    return run_demo(options.out, patients=options.patients, seed=options.seed, overwrite=options.overwrite)

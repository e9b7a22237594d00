"""`fibrolens cohort`: verify a cohort table, and see who is in the study."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any


def add_to(verbs: Any) -> argparse.ArgumentParser:
    """Add the verb and its own verbs."""
    verb: argparse.ArgumentParser = verbs.add_parser(
        "cohort",
        help="verify a cohort table, draw its flowchart",
        description="Work on a cohort table, one row per scan (docs/cohort.md lists its columns). Research use only.",
    )
    steps = verb.add_subparsers(title="verbs", metavar="VERB", required=True, dest="step")
    check = steps.add_parser(
        "check",
        help="list everything that is wrong with a table, its CTs and its masks",
        description="Read every row, CT and mask of a cohort, and list all problems at once with their lines. Writes "
        "nothing. Exit status 0 where there is no problem, 3 where there are any.",
    )
    flow = steps.add_parser(
        "flow",
        help="apply the criteria: flowchart, reasons of exclusion, Table 1",
        description="Apply the inclusion criteria (the paper's, unless changed) to a cohort table, and write the "
        "flowchart, a reason for every exclusion, and Table 1. CTs are not opened.",
    )
    flow.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    flow.add_argument("--criteria", type=Path, metavar="FILE", help="JSON with the criteria that differ from the paper")
    flow.add_argument("--overwrite", action="store_true", help="replace the flow of another table or other criteria")
    for step in (check, flow):
        step.add_argument("cohort", type=Path, metavar="COHORT.csv", help="table with a row per scan")
        # Given before the step's name it must not be reset.
        step.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return verb


def run(options: argparse.Namespace) -> int:
    """Check a table, or draw its flow."""
    return _check(options) if options.step == "check" else _flow(options)


def _check(options: argparse.Namespace) -> int:
    from fibrolens.cohort.check import check_cohort
    from fibrolens.cohort.summary import summary
    from fibrolens.progress import Progress

    rows = check_cohort(options.cohort, Progress)
    sys.stdout.write(summary(options.cohort.name, rows) + "\n")
    return 0


def _flow(options: argparse.Namespace) -> int:
    from fibrolens.cohort.criteria import Criteria, read_criteria
    from fibrolens.cohort_flow import write_flow

    criteria = Criteria() if options.criteria is None else read_criteria(options.criteria)
    selection = write_flow(options.cohort, options.out, criteria, options.overwrite)
    flow = selection.flow
    sys.stdout.write(f"{flow.included} in the study, of {flow.found}: {options.out / 'flow.png'}\n")
    return 0

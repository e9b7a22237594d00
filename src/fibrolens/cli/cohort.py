"""`fibrolens cohort`: verify a cohort table, see who is in the study, build one from a public data set."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from fibrolens.errors import UsageError


def add_to(verbs: Any) -> argparse.ArgumentParser:
    """Add the verb and its own verbs."""
    verb: argparse.ArgumentParser = verbs.add_parser(
        "cohort",
        help="verify a cohort table, draw its flowchart, import a public data set",
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
    for step in (check, flow, _add_import(steps)):
        # Given before the step's name it must not be reset.
        step.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return verb


def _add_import(steps: Any) -> argparse.ArgumentParser:
    """Add the step that reads public data."""
    step: argparse.ArgumentParser = steps.add_parser(
        "import",
        help="build a cohort table from a public data set's own files",
        description="Build a cohort table from the files of a public data set as they are published, with its "
        "provenance beside it. Nothing is downloaded: --how says how to. Research use only.",
    )
    step.add_argument("source", nargs="?", metavar="SOURCE", help="which data set; --list shows them")
    told = step.add_mutually_exclusive_group()
    told.add_argument("--list", action="store_true", help="every source: licence, what it gives, what it needs")
    told.add_argument("--how", action="store_true", help="how to download SOURCE, and what the mapping assumes")
    step.add_argument("--from", dest="folder", type=Path, metavar="DIR", help="folder with the download")
    step.add_argument(
        "--table",
        dest="tables",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a table of the source, known by its columns (CSV, TSV, XLSX; may be gzipped); may be repeated. Without "
        "--from the mapping is made from tables alone, and every row is excluded for want of an image",
    )
    step.add_argument("--out", type=Path, metavar="COHORT.csv", help="table to write")
    step.add_argument(
        "--beside",
        type=Path,
        action="append",
        default=[],
        metavar="COHORT.csv",
        help="another cohort, in which the same cases are looked for by name, series UID and Hounsfield units; may be "
        "repeated",
    )
    step.add_argument("--quick", action="store_true", help="with --beside: do not open images to compare them")
    step.add_argument("--exclude-shared", action="store_true", help="with --beside: exclude rows that it holds too")
    step.add_argument("--no-masks", action="store_true", help="do not split label files into organ masks")
    step.add_argument("--overwrite", action="store_true", help="replace the import of other files or options")
    return step


def run(options: argparse.Namespace) -> int:
    """Check a table, draw its flow, or import one."""
    return {"check": _check, "flow": _flow, "import": _import}[options.step](options)


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


def _import(options: argparse.Namespace) -> int:
    from fibrolens.cohort.sources.catalogue import how_to, listing, source

    if options.list:
        sys.stdout.write(listing())
        return 0
    if options.source is None:
        raise UsageError("Name a source; fibrolens cohort import --list shows them.")
    chosen = source(options.source)
    if options.how:
        sys.stdout.write(how_to(chosen))
        return 0
    if options.out is None:
        raise UsageError(
            "Give the table to write with --out COHORT.csv, or --how to read how the source is downloaded."
        )
    if not options.beside and (options.quick or options.exclude_shared):
        raise UsageError("--quick and --exclude-shared need another cohort: --beside COHORT.csv.")
    from fibrolens.cohort.sources.base import Given
    from fibrolens.cohort.sources.importing import ImportOptions, import_source
    from fibrolens.cohort.sources.outcome import outcome
    from fibrolens.progress import Progress

    wanted = ImportOptions(
        beside=tuple(options.beside),
        images=not options.quick,
        exclude_shared=options.exclude_shared,
        masks=not options.no_masks,
        overwrite=options.overwrite,
    )
    given = Given(options.folder, tuple(options.tables))
    sys.stdout.write(outcome(import_source(chosen, given, options.out, wanted, Progress)))
    return 0

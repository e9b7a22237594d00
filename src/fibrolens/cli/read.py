"""`fibrolens read`: the reader study: blinded sets of location maps, their readings, what readers agree on."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import Any

#: Where the form listens unless told otherwise.
PORT = 8741


def add_to(verbs: Any) -> argparse.ArgumentParser:
    """Add the verb and its own verbs."""
    verb: argparse.ArgumentParser = verbs.add_parser(
        "read",
        help="reader study: blinded maps, a form or sheets, agreement and pattern tables",
        description="Let readers say which pattern the location maps of a study show, blinded, beside maps of networks "
        "without training (docs/reader-study.md). Research use only.",
    )
    steps = verb.add_subparsers(title="verbs", metavar="VERB", required=True, dest="step")
    added = [_add_prepare(steps), _add_serve(steps), _add_sheet(steps), _add_add(steps), _add_report(steps)]
    for step in added:
        # Given before the step's name it must not be reset.
        step.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return verb


def _add_prepare(steps: Any) -> argparse.ArgumentParser:
    step: argparse.ArgumentParser = steps.add_parser(
        "prepare",
        help="make a blinded set from a finished study",
        description="Draw the maps of a finished study as pictures that tell neither patient nor stage, with controls "
        "and repeats among them, in an order of its own for each reader. The key stays in the database.",
    )
    step.add_argument("study", type=Path, metavar="STUDY", help="folder of a finished study")
    step.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write; give it to no reader")
    step.add_argument("--readers", required=True, metavar="A,B,C", help="names of the readers, with commas between")
    step.add_argument(
        "--stages", nargs="+", default=["F0", "F4"], metavar="F", help="predicted stages to show (default: F0 F4)"
    )
    step.add_argument("--per-stage", type=int, metavar="N", help="maps of each stage, drawn at random (default: all)")
    step.add_argument(
        "--controls",
        type=float,
        default=0.2,
        metavar="SHARE",
        help="maps of networks with random weights, as a share of the maps (default: 0.2)",
    )
    step.add_argument(
        "--repeats", type=float, default=0.1, metavar="SHARE", help="pictures shown twice, as a share (default: 0.1)"
    )
    step.add_argument(
        "--maps",
        choices=("paper", "recommended"),
        default="paper",
        help="the paper's maps (Grad-CAM, mean of conv3 and conv4; the default) or those that the audit recommends",
    )
    step.add_argument("--seed", type=int, default=0, metavar="N", help="of every draw (default: 0)")
    step.add_argument("--cohort", dest="table", type=Path, metavar="FILE", help="where the cohort's table is today")
    step.add_argument("--workers", type=int, metavar="N", help="processes at once (default: as suits the machine)")
    step.add_argument("--overwrite", action="store_true", help="replace another set that nobody has begun to read")
    return step


def _add_serve(steps: Any) -> argparse.ArgumentParser:
    step: argparse.ArgumentParser = steps.add_parser(
        "serve",
        help="the form in the browser, on this machine alone",
        description="Serve the form on the loopback address until Ctrl-C and print its link. Every answer "
        "is saved at once, and a reader goes on where they stopped.",
    )
    _add_set(step)
    step.add_argument("--port", type=int, default=PORT, metavar="N", help=f"default {PORT}; 0 takes a free one")
    return step


def _add_sheet(steps: Any) -> argparse.ArgumentParser:
    step: argparse.ArgumentParser = steps.add_parser(
        "sheet",
        help="a CSV form with its pictures for one reader",
        description="Write an empty CSV form, instructions and pictures for one reader, to be handed over.",
    )
    _add_set(step)
    step.add_argument("--reader", required=True, metavar="NAME", help="for whom")
    step.add_argument("--out", type=Path, metavar="FOLDER", help="folder to write (default: DIR/sheets/NAME)")
    return step


def _add_add(steps: Any) -> argparse.ArgumentParser:
    step: argparse.ArgumentParser = steps.add_parser(
        "add",
        help="take in a CSV form that was filled in",
        description="Take in a CSV form that was filled in, whole or, where a row cannot be used, not at all. What "
        "differs from an earlier reading corrects it; the earlier one is kept.",
    )
    _add_set(step)
    step.add_argument("sheet", type=Path, metavar="FILE.csv", help="the form")
    return step


def _add_report(steps: Any) -> argparse.ArgumentParser:
    step: argparse.ArgumentParser = steps.add_parser(
        "report",
        help="break the blinding: frequencies, controls, agreement",
        description="Tables, figures and a page of what has been read so far: how often each pattern was read, in maps "
        "and in controls, and how well readers agree. This breaks the blinding.",
    )
    _add_set(step)
    step.add_argument("--out", type=Path, metavar="FOLDER", help="folder to write anew (default: DIR/report)")
    return step


def _add_set(step: argparse.ArgumentParser) -> None:
    step.add_argument("folder", type=Path, metavar="DIR", help="folder that fibrolens read prepare made")


def run(options: argparse.Namespace) -> int:
    """Do one step of a reader study."""
    steps = {"prepare": _prepare, "serve": _serve, "sheet": _sheet, "add": _add, "report": _report}
    return steps[options.step](options)


def _prepare(options: argparse.Namespace) -> int:
    from fibrolens.cli.steps import running
    from fibrolens.readers.folder import readers_of
    from fibrolens.readers.items import Wanted
    from fibrolens.readers.prepare import prepare
    from fibrolens.study.folder import Study

    shares = (options.controls, options.repeats)
    wanted = Wanted(
        readers_of(options.readers), tuple(options.stages), options.per_stage, *shares, options.seed, options.maps
    )
    study = Study.open(options.study, options.table)
    store = prepare(study, options.out, wanted, running(options.workers), options.overwrite)
    kinds = [item.kind for item in store.items()]
    counts = f"{kinds.count('map')} maps, {kinds.count('control')} controls, {kinds.count('repeat')} repeats"
    sys.stdout.write(
        f"{options.out}: {counts} for {', '.join(store.readers())}. It holds the key: give it to no reader. Next: "
        f"fibrolens read serve {options.out}; research use only\n"
    )
    return 0


def _serve(options: argparse.Namespace) -> int:
    from fibrolens.readers.folder import PICTURES, open_set
    from fibrolens.readers.server import FormServer

    store = open_set(options.folder)
    # A shell lets what it starts in the background ignore Ctrl-C; a service is ended by SIGTERM.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with FormServer(store, options.folder / PICTURES, options.port) as server:
        sys.stdout.write(f"Open {server.link}\nCtrl-C ends it; what was read is saved. Research use only.\n")
        sys.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            read = {reader: len(store.current(reader)) for reader in store.readers()}
            sys.stdout.write(f"\nSaved: {', '.join(f'{reader} {count}' for reader, count in read.items())} readings.\n")
    return 0


def _sheet(options: argparse.Namespace) -> int:
    from fibrolens.readers.folder import PICTURES, SHEETS, open_set
    from fibrolens.readers.sheet import write_sheet

    store = open_set(options.folder)
    out = options.out or options.folder / SHEETS / options.reader
    written = write_sheet(store, options.folder / PICTURES, options.reader, out)
    told = "to be handed to" if written else "stands there already, for"
    sys.stdout.write(f"{out}: form, instructions and pictures, {told} {options.reader}; research use only\n")
    return 0


def _add(options: argparse.Namespace) -> int:
    from fibrolens.readers.folder import open_set
    from fibrolens.readers.sheet import add_sheet

    found = add_sheet(open_set(options.folder), options.sheet)
    sys.stdout.write(
        f"{options.sheet}: {found.new} new readings, {found.corrected} corrected, {found.unchanged} known already, "
        f"{found.empty} rows without a reading\n"
    )
    return 0


def _report(options: argparse.Namespace) -> int:
    from fibrolens.readers.folder import PICTURES, REPORT, open_set
    from fibrolens.readers.reporting import report

    out = options.out or options.folder / REPORT
    missing = report(open_set(options.folder), options.folder / PICTURES, out)["missing"]
    told = f"{sum(missing.values())} readings are missing" if missing else "every picture was read by every reader"
    sys.stdout.write(f"{out / 'report.html'}: {told}; research use only\n")
    return 0

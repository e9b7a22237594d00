"""The command line: one file per verb, heavy imports inside the verb."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence

from fibrolens import __version__
from fibrolens.cli import (
    audit,
    cohort,
    demo,
    doctor,
    evaluate,
    explain,
    export,
    phantom,
    predict,
    read,
    segment,
    serve,
    stage,
    study,
    train,
    weights,
)
from fibrolens.cli.repeatable import run_as_asked
from fibrolens.errors import FibrolensError, place_of

VERBS = (
    stage, study, cohort, segment, train, predict, explain, audit,
    read, evaluate, serve, export, weights, phantom, demo, doctor,
)  # fmt: skip
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; the exit status is 0 done, 2 wrong use, 3 input, 4 model, 5 output, 1 a defect of ours."""
    options = parser().parse_args(arguments)
    try:
        return run_as_asked(options)
    except FibrolensError as error:
        return _report(options, str(error), error.exit_status)
    except KeyboardInterrupt:
        return _report(options, "Interrupted; run the same command again to go on.", INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output (head, less) has seen enough.
        return 0
    except Exception as error:  # noqa: BLE001  (the last line of defence: a sentence, not a traceback)
        sentence = f"This is a defect of fibrolens ({place_of(error)}); run again with --debug and report it."
        return _report(options, sentence, 1)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="fibrolens",
        description="Stage liver fibrosis (F0 to F4) from a portal-venous CT and show where the decision came from. "
        "Research use only.",
    )
    top.add_argument("--version", action="version", version=f"fibrolens {__version__}")
    verbs = top.add_subparsers(title="verbs", metavar="VERB", required=True)
    for verb in VERBS:
        command = verb.add_to(verbs)
        command.add_argument("--debug", action="store_true", help="show the traceback of an error")
        command.set_defaults(run=verb.run)
    return top


def _report(options: argparse.Namespace, sentence: str, status: int) -> int:
    if options.debug:
        traceback.print_exc()
    sys.stderr.write(f"fibrolens: {sentence}\n")
    return status

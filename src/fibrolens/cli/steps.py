"""What the verbs share that repeat a step of a study."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fibrolens.cli.engines import add_engine, ray_address
from fibrolens.cli.repeatable import add_deterministic

if TYPE_CHECKING:
    from fibrolens.evaluate.population import Population
    from fibrolens.study.steps import Running


def add_step(verb: argparse.ArgumentParser) -> None:
    """Add the study and how its step runs."""
    verb.add_argument("study", type=Path, metavar="STUDY", help="folder of a study")
    add_running(verb)
    add_deterministic(verb)
    verb.add_argument("--overwrite", action="store_true", help="do the step again; what later steps made of it goes")


def add_running(verb: argparse._ActionsContainer) -> None:
    """Add what a step of a study needs to run alone."""
    verb.add_argument("--cohort", dest="table", type=Path, metavar="FILE", help="where the cohort's table is today")
    verb.add_argument("--workers", type=int, metavar="N", help="folds at once (default: as many as suit the machine)")
    add_engine(verb)


def run_step_of(options: argparse.Namespace, step: str, population: Population | None = None) -> int:
    """Run one step of a study; 0 when it is done."""
    from fibrolens.study.begun import require_begun

    # Before torch is loaded, which takes seconds.
    require_begun(options.study)
    from fibrolens.determinism import deterministic
    from fibrolens.study.folder import Study
    from fibrolens.study.steps import run_step

    more = {} if population is None else {"population": population}
    study = Study.open(options.study, options.table)
    # What a study began without times it goes on with without them.
    with deterministic(study.is_deterministic):
        run_step(study, step, running(options.workers, ray_address(options)), options.overwrite, **more)
    sys.stdout.write(f"{options.study}: {step} is done; research use only\n")
    return 0


def running(workers: int | None, ray: str | None = None) -> Running:
    """How a study runs from the command line; `ray` is the address of a cluster that does the work."""
    from fibrolens.progress import Progress
    from fibrolens.study.steps import Running

    return Running(workers, Progress, _say, ray)


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")

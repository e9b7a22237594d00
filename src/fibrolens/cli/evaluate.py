"""`fibrolens evaluate`: tables, figures and report of a study."""

from __future__ import annotations

import argparse
from typing import Any

from fibrolens.cli.steps import add_step, run_step_of


def add_to(verbs: Any) -> argparse.ArgumentParser:
    """Add the verb and its options."""
    verb: argparse.ArgumentParser = verbs.add_parser(
        "evaluate",
        help="tables, figures and report of a study",
        description="Evaluate the predictions and the attention of a study, and write its tables, figures and "
        "report. The study is complete afterwards. Research use only.",
    )
    add_step(verb)
    return verb


def run(options: argparse.Namespace) -> int:
    """Run the step."""
    return run_step_of(options, "evaluate")

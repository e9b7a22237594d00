"""`fibrolens explain`: location maps and attention of a study's predictions."""

from __future__ import annotations

import argparse
from typing import Any

from fibrolens.cli.steps import add_step, run_step_of


def add_to(verbs: Any) -> argparse.ArgumentParser:
    """Add the verb and its options."""
    verb: argparse.ArgumentParser = verbs.add_parser(
        "explain",
        help="location maps and attention of a study's predictions",
        description="Make the 3D Grad-CAM map of every predicted stage of a study and measure where it lies. The "
        "scans must have been predicted. Research use only.",
    )
    add_step(verb)
    return verb


def run(options: argparse.Namespace) -> int:
    """Run the step."""
    return run_step_of(options, "explain")

"""`fibrolens predict`: stage each scan of a study by the fold that never saw its patient."""

from __future__ import annotations

import argparse
from typing import Any

from fibrolens.cli.steps import add_step, run_step_of


def add_to(verbs: Any) -> argparse.ArgumentParser:
    """Add the verb and its options."""
    verb: argparse.ArgumentParser = verbs.add_parser(
        "predict",
        help="stage each scan of a study by the fold that never saw its patient",
        description="Predict every scan of a study by the network of the fold that never saw its patient, and each "
        "fold's inner split. The folds must have been trained. Research use only.",
    )
    add_step(verb)
    return verb


def run(options: argparse.Namespace) -> int:
    """Run the step."""
    return run_step_of(options, "predict")

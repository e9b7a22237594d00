"""The option that asks for the same bytes again."""

from __future__ import annotations

import argparse


def add_deterministic(verb: argparse._ActionsContainer) -> None:
    """Add ``--deterministic``."""
    verb.add_argument(
        "--deterministic",
        action="store_true",
        help="two runs on this machine write the same bytes: one thread of torch, no times in the files; an operation "
        "that cannot repeat itself is an error",
    )


def run_as_asked(options: argparse.Namespace) -> int:
    """Run the verb of `options`, deterministically where that is asked for."""
    if not getattr(options, "deterministic", False):
        return int(options.run(options))
    from fibrolens.determinism import deterministic

    with deterministic():
        return int(options.run(options))

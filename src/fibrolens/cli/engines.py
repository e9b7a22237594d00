"""The options that say where a verb's work is done."""

from __future__ import annotations

import argparse

from fibrolens.errors import UsageError

LOCAL, RAY = "local", "ray"
#: The cluster that this machine belongs to.
AUTO = "auto"


def add_engine(verb: argparse._ActionsContainer) -> None:
    """Add the choice of the engine."""
    verb.add_argument(
        "--engine",
        choices=(LOCAL, RAY),
        default=LOCAL,
        help="where the work is done: on this machine (default), or on a Ray cluster whose nodes share its files",
    )
    verb.add_argument(
        "--ray-address",
        metavar="HOST:PORT",
        help="of the cluster, with --engine ray (default: the one that this machine belongs to)",
    )


def ray_address(options: argparse.Namespace) -> str | None:
    """Address of the cluster; None where the work is done on this machine.

    Raises:
        UsageError: options that contradict each other, or that are no numbers of workers.
    """
    if options.workers is not None and options.workers < 1:
        raise UsageError(f"--workers must be at least 1; it is {options.workers}.")
    if options.engine == RAY:
        return options.ray_address or AUTO
    if options.ray_address is not None:
        raise UsageError("--ray-address goes with --engine ray.")
    return None

"""SIGKILL at random moments, several in a chain on one folder, then a run to the end."""

from typing import Any

import numpy as np
from benchmarks.faults.group import orphans, strike
from benchmarks.faults.processes import Command
from benchmarks.faults.verbs import Whole

#: Everything that a run has started, at once.
ALL = "all"


def kills(whole: Whole, count: int, rng: np.random.Generator) -> dict[str, Any]:
    """Kill a verb at most so many times in a chain, then let it end.

    Returns:
        ``kills``: target, moment, what had been reached and what was not whole of each; ``end``: how it ended, and
        which files differed from those of the undisturbed run.
    """
    whole.verb.clear(whole.out)
    return {"kills": chain(whole, count, rng), "end": whole.ends()}


def chain(whole: Whole, count: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Kill runs on one folder, at most so many, and fewer where one has ended before."""
    made: list[dict[str, Any]] = []
    command = None
    while len(made) < count:
        command = command or whole.verb.start(whole.out)
        moment = float(rng.uniform(0, whole.verb.reach * whole.seconds))
        if command.running.wait(moment) is not None:
            return made
        told = {"after_s": round(moment, 2), "share": round(moment / whole.seconds, 3)}
        made.append(told | _killed(whole, command, str(rng.choice(whole.verb.targets))))
        # Where a worker is gone, its server goes on.
        command = command if made[-1]["target"] == "worker" else None
    if command is not None:
        command.ended()
    return made


def _killed(whole: Whole, command: Command, target: str) -> dict[str, Any]:
    """Kill a part of a run, or all of it where there is no such part yet."""
    group = command.running.pid or 0
    if target == ALL or not strike(group, target):
        target = ALL
        command.kill()
    told: dict[str, Any] = {"target": target, "reached": whole.verb.reached(whole.out, whole.files)}
    if target == "worker":
        return told
    if target == "server":
        told["orphans"] = orphans(group)
    command.ended()
    return told | {"halves": whole.halves()}

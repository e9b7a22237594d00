"""SIGKILL at random moments, several in a chain on one folder, then a run to the end."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from benchmarks.faults.group import orphans, strike
from benchmarks.faults.outputs import share
from benchmarks.faults.processes import Command
from benchmarks.faults.verbs import Whole

#: Everything that a run has started, at once.
ALL = "all"
#: How often it is looked how much stands.
LOOK_S = 0.05
#: Tells a process that has come to the moment of its kill from one that ended before.
Moment = Callable[[Command], bool]


def kills(whole: Whole, count: int, rng: np.random.Generator) -> dict[str, Any]:
    """Kill a verb at most so many times in a chain, then let it end.

    Returns:
        ``by``: how the moments were drawn; ``kills``: target, moment, what had been reached and what was not whole of
        each; ``end``: how it ended, and which files differed from those of the undisturbed run.
    """
    whole.verb.clear(whole.out)
    by = str(rng.choice(whole.verb.paces))
    moments = PACES[by](whole, count, rng)
    return {"by": by, "kills": chain(whole, moments, rng), "end": whole.ends()}


def chain(whole: Whole, moments: Iterator[Moment], rng: np.random.Generator) -> list[dict[str, Any]]:
    """Kill runs on one folder at these moments, and fewer times where one has ended before."""
    made: list[dict[str, Any]] = []
    command = None
    for comes in moments:
        command = command or whole.verb.start(whole.out)
        started = time.monotonic()
        if not comes(command):
            return made
        told = {"after_s": round(time.monotonic() - started, 2)}
        made.append(told | _killed(whole, command, str(rng.choice(whole.verb.targets))))
        # Where a worker is gone, its server goes on.
        command = command if made[-1]["target"] == "worker" else None
    if command is not None:
        command.ended()
    return made


def by_time(whole: Whole, count: int, rng: np.random.Generator) -> Iterator[Moment]:
    """Moments within the undisturbed time, of each run anew."""
    for _ in range(count):
        seconds = float(rng.uniform(0, whole.seconds))
        yield lambda command, seconds=seconds: command.running.wait(seconds) is None


def by_work(whole: Whole, count: int, rng: np.random.Generator) -> Iterator[Moment]:
    """Moments a little after a drawn part of the files or jobs stood, one behind the other over the whole run."""
    for part in np.sort(rng.uniform(0, 1, count)):
        later = float(rng.uniform(0, 2 * whole.seconds / whole.verb.chain))
        yield (
            lambda command, part=part, later=later: stands(whole, command, part) and command.running.wait(later) is None
        )


#: How the moments of a chain are drawn.
PACES = {"time": by_time, "work": by_work}


def stands(whole: Whole, command: Command, part: float) -> bool:
    """Wait until this part of a run stands; False where the run ended before."""
    while share(whole.verb.reached(whole.out, whole.files)) < part:
        if command.running.wait(LOOK_S) is not None:
            return False
    return True


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

"""SIGKILL at random moments, several in a chain on one folder, then a run to the end."""

import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
from benchmarks.faults.verbs import Whole


def kills(whole: Whole, count: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Kill a verb so many times.

    Yields:
        For each chain, ``kills``: moment, last line and what was not whole of each; ``end``: how it ended, and which
        files differed from those of the undisturbed run.
    """
    done = 0
    while done < count:
        shutil.rmtree(whole.out, ignore_errors=True)
        made = chain(whole, min(whole.verb.chain, count - done), rng)
        done += len(made)
        yield {"kills": made, "end": whole.ends()}


def chain(whole: Whole, count: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Kill runs on one folder, at most so many, and fewer where one has ended before."""
    made = []
    for _ in range(count):
        moment = float(rng.uniform(0, whole.verb.reach * whole.seconds))
        ended = whole.verb.start(whole.out).ended(moment)
        if ended.status >= 0:
            break
        made.append({"after_s": round(moment, 2), "reached": ended.last, "halves": whole.halves()})
    return made

"""SIGKILL at random moments, several in a chain on one folder, then a run to the end."""

import shutil
from typing import Any

import numpy as np
from benchmarks.faults.verbs import Whole


def kills(whole: Whole, count: int, rng: np.random.Generator) -> dict[str, Any]:
    """Kill a verb so many times.

    Returns:
        ``kills``: moment, last line and what was not whole, of each; ``ends``: which files differed after each chain.
    """
    made: list[dict[str, Any]] = []
    ends: list[dict[str, object]] = []
    while len(made) < count:
        shutil.rmtree(whole.out, ignore_errors=True)
        made += chain(whole, min(whole.verb.chain, count - len(made)), rng)
        ends.append(whole.ends())
        print(f"{whole.verb.name}: {len(made)} of {count} kills, {ends[-1]}", flush=True)
    return {"kills": made, "ends": ends}


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


def is_good(told: dict[str, Any]) -> bool:
    """Whether nothing was half written and every chain ended with the same bytes."""
    return not any(kill["halves"] for kill in told["kills"]) and not any(end["differs"] for end in told["ends"])

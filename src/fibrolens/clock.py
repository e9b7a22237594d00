"""How long the steps of a run take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager


class Clock:
    """Seconds per named step.

    Args:
        known: of steps that were timed before.
        say: told the name of each step as it begins; what it raises ends the run.
    """

    def __init__(self, known: Mapping[str, float] | None = None, say: Callable[[str], None] | None = None) -> None:
        self.seconds = dict(known or {})
        self.say = say

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        """Time a step."""
        if self.say is not None:
            self.say(step)
        started = time.perf_counter()
        yield
        self.seconds[step] = time.perf_counter() - started

"""What time it is and how long the steps of a run take; both can be kept out of what is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_TIMELESS: ContextVar[bool] = ContextVar("timeless", default=False)


@contextmanager
def without_times() -> Iterator[None]:
    """Inside the block, nothing that is written shall tell when it was made or how long that took."""
    token = _TIMELESS.set(True)
    try:
        yield
    finally:
        _TIMELESS.reset(token)


def timeless() -> bool:
    """Whether we are inside such a block."""
    return _TIMELESS.get()


def created() -> str | None:
    """Now, as files tell when they were made; None where they shall not."""
    return None if timeless() else datetime.now(UTC).isoformat(timespec="seconds")


def timeless_mark() -> dict[str, bool]:
    """What a fingerprint says of a run without times: its files differ from those of other runs."""
    return {"deterministic": True} if timeless() else {}


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

"""The next batch drawn while a step computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def drawn_ahead(draw: Callable[[int], T], steps: range) -> Iterator[Iterator[T]]:
    """Iterate over ``draw(step)`` of `steps` in their order, each begun when the one before is taken.

    What is drawn must depend on the step alone; then it does not matter when it is drawn. An error of `draw` is raised
    where its result is taken.

    Args:
        draw: called in a thread of its own.
        steps: its arguments.
    """
    with ThreadPoolExecutor(1) as thread:
        yield _in_turn(thread, draw, steps)


def _in_turn(thread: ThreadPoolExecutor, draw: Callable[[int], T], steps: range) -> Iterator[T]:
    coming = [thread.submit(draw, step) for step in steps[:1]]
    for step in steps:
        drawn = coming.pop().result()
        if step + 1 in steps:
            coming.append(thread.submit(draw, step + 1))
        yield drawn

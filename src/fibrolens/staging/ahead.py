"""The next batch drawn while a step computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

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
        _confine(thread)
        yield _in_turn(thread, draw, steps)


def _confine(thread: ThreadPoolExecutor) -> None:
    """Let torch compute in the new thread alone, and in all cores for the caller as before.

    It has a team of threads for every caller. With two of them on the same cores, each waits, and keeps its core busy
    with waiting, for members that the other one holds up; a step then takes far longer than both jobs in turn.
    """
    cores = torch.get_num_threads()
    # A thread asks once how many all have; afterwards its own number counts.
    thread.submit(torch.get_num_threads).result()
    thread.submit(torch.set_num_threads, 1).result()
    torch.set_num_threads(cores)


def _in_turn(thread: ThreadPoolExecutor, draw: Callable[[int], T], steps: range) -> Iterator[T]:
    coming = [thread.submit(draw, step) for step in steps[:1]]
    for step in steps:
        drawn = coming.pop().result()
        if step + 1 in steps:
            coming.append(thread.submit(draw, step + 1))
        yield drawn

"""The process that gives a reader one damaged input after another, within bounds of memory."""

from __future__ import annotations

import ctypes
import multiprocessing as mp
import resource
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.fuzz.judge import FINDING, OUTCOMES, judged, tidied
from tests.fuzz.targets import TARGETS

#: Address space that reading may take beyond what the process had before.
MEMORY = 2 * 2**30
#: In memory where that can be had, since a campaign writes some hundred thousand files.
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108


def _shared(kind: Any, size: int) -> Any:
    return mp.get_context("spawn").RawArray(kind, size)


@dataclass(frozen=True)
class Board:
    """What the worker tells while it works, in memory that outlives it.

    Args:
        counts: inputs per outcome.
        now: number of the input that is being read, and when that began (0: none is).
        slowest: seconds that an input took at most, and its number.
        memory: kilobytes before the first input, and at most.
    """

    counts: Any = field(default_factory=lambda: _shared(ctypes.c_int64, len(OUTCOMES)))
    now: Any = field(default_factory=lambda: _shared(ctypes.c_double, 2))
    slowest: Any = field(default_factory=lambda: _shared(ctypes.c_double, 2))
    memory: Any = field(default_factory=lambda: _shared(ctypes.c_double, 2))

    def begin(self, index: int) -> None:
        """An input is about to be read."""
        self.now[:] = float(index), time.monotonic()

    def end(self, outcome: str) -> None:
        """It was."""
        index, began = self.now
        self.slowest[:] = max(tuple(self.slowest), (time.monotonic() - began, index))
        self.now[1] = 0.0
        self.counts[OUTCOMES.index(outcome)] += 1
        self.memory[1] = max(self.memory[1], _peak_kb())


def work(name: str, seed: int, numbers: Sequence[int], board: Board, line: Connection) -> None:
    """Read the inputs of these numbers; what is found goes down the line as (number, verdict), and None at the end."""
    target = TARGETS[name]
    with tempfile.TemporaryDirectory(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None) as folder:
        read, sound = target.reader(Path(folder)), target.seeds()
        warnings.simplefilter("error")
        for content in sound:
            read(content)
        board.memory[0] = _peak_kb()
        bound_memory()
        known = _names(Path(folder))
        for index in numbers:
            content = target.mutated(sound, seed, index)
            board.begin(index)
            verdict = tidied(judged(read, content), _names(Path(folder)) - known)
            board.end(verdict.outcome)
            if verdict.outcome == FINDING:
                line.send((index, verdict))
    line.send(None)


def _names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def bound_memory() -> None:
    """From here on this process may take `MEMORY` more than it has."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, resource.RLIM_INFINITY))


def _peak_kb() -> float:
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


Work = Callable[[str, int, Sequence[int], Board, Connection], None]

"""A verb whose processes write down when they begin each case: what lies between is all that a case costs them."""

import os
import time
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

from fibrolens.batch import Verb, Work


@dataclass(frozen=True)
class Timed:
    """A verb.

    Args:
        verb: what is done.
        notes: file with a line per case: process, and seconds since the epoch.
    """

    verb: Verb
    notes: Path

    @property
    def doing(self) -> str:
        """As the verb."""
        return self.verb.doing

    @property
    def columns(self) -> tuple[str, ...]:
        """As the verb."""
        return self.verb.columns

    def load(self) -> "TimedWork":
        """The verb's work."""
        return TimedWork(self.verb.load(), self.notes)

    def seconds_per_case(self) -> float:
        """Mean time between two cases of one process."""
        begun = defaultdict(list)
        for line in self.notes.read_text(encoding="utf-8").splitlines():
            process, moment = line.split()
            begun[process].append(float(moment))
        taken = [after - before for own in begun.values() for before, after in pairwise(own)]
        return mean(taken)


class TimedWork:
    """The work of a verb; reading is where a case begins."""

    def __init__(self, work: Work, notes: Path) -> None:
        self._work, self._notes = work, notes

    def read(self, path: Path) -> Any:
        """Write down when, and read."""
        with self._notes.open("a", encoding="utf-8") as stream:
            stream.write(f"{os.getpid()} {time.time():.6f}\n")
        return self._work.read(path)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._work, name)

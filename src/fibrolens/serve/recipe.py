"""What a worker stages with: knows no pipeline, so that a worker begins quickly and another one can be put in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

#: Told how far the work is (0 to 1) and what is being done; what it raises ends the work.
Say = Callable[[float, str], None]


@dataclass(frozen=True)
class Task:
    """One job for a stager.

    Args:
        source: file or folder of the upload.
        out: folder to make, with the parts ``scan`` and ``view``.
        forced: whether the quality gate is overridden.
    """

    source: Path
    out: Path
    forced: bool


@dataclass(frozen=True)
class Staged:
    """What the queue keeps of a result."""

    scan_id: str
    predicted: str


@runtime_checkable
class Stager(Protocol):
    """Lives in a worker process and has loaded what it needs."""

    def stage(self, task: Task, say: Say) -> Staged:
        """Do the work; raises InputError where the upload cannot be staged."""


@runtime_checkable
class Recipe(Protocol):
    """How a worker gets its stager; travels to the worker process, so it must be picklable and small."""

    @property
    def fingerprint(self) -> str:
        """Of everything but the upload that the result depends on."""

    def load(self) -> Stager:
        """Load what the stager needs."""

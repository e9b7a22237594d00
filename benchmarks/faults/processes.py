"""Commands as processes of their own, forked from one that has imported the program: their start costs nothing."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fibrolens.__main__ import run

#: What the verbs import, some of it while they work.
HEAVY = (
    "benchmarks.faults.session",
    "fibrolens.demo",
    "fibrolens.cli.stage",
    "fibrolens.report.dicom_objects",
    "fibrolens.report.pdf",
    "fibrolens.study.steps",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "torch._dynamo",
)
#: Words of an error that no user should see.
OURS = ("Traceback", "defect of fibrolens")
#: A process that takes longer hangs.
LONGEST_S = 1800


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Args:
        status: exit status; negative is the number of a signal.
        said: what it wrote.
    """

    status: int
    said: str

    @property
    def last(self) -> str:
        """The last line that it wrote."""
        lines = self.said.strip().splitlines()
        return lines[-1] if lines else "nothing yet"

    def is_clear(self, *statuses: int) -> bool:
        """Whether it ended by one of the contract's statuses with a sentence instead of a traceback."""
        return self.status in statuses and bool(self.said.strip()) and not any(word in self.said for word in OURS)


class Running(Protocol):
    """A process that was started."""

    pid: int | None

    def wait(self, seconds: float) -> int | None:
        """Its exit status, or None where it has not ended by then."""


@dataclass(frozen=True)
class Command:
    """A process in a group of its own.

    Args:
        running: it.
        log: what it writes.
    """

    running: Running
    log: Path

    @classmethod
    def forked(cls, main: Callable[[], int], arguments: Sequence[str], log: Path) -> "Command":
        """Call `main` with the command line `arguments`."""
        process = multiprocessing.get_context("forkserver").Process(target=_child, args=(main, list(arguments), log))
        process.start()
        return cls(_Forked(process), log)

    @classmethod
    def spawned(cls, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> "Command":
        """Run a module with arguments in an interpreter of its own, with more variables of the environment."""
        with log.open("w", encoding="utf-8") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                stdout=stream, stderr=stream, start_new_session=True, env=os.environ | dict(environment),
            )  # fmt: skip
        return cls(_Spawned(process), log)

    def ended(self, after: float = LONGEST_S) -> Ended:
        """Wait for its end; where it has not come after some seconds, SIGKILL for it and all that it started."""
        status = self.running.wait(after)
        if status is None:
            self.kill()
            status = self.running.wait(LONGEST_S)
        return Ended(-signal.SIGKILL if status is None else status, self.log.read_text(encoding="utf-8"))

    def kill(self) -> None:
        """SIGKILL for the group."""
        pid = self.running.pid
        if pid is None:
            return
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            # It has not come to begin its group.
            os.kill(pid, signal.SIGKILL)


def import_all() -> None:
    """Let the first process, from which the others are forked, import all that the verbs use; call it before any."""
    multiprocessing.set_forkserver_preload(list(HEAVY))
    # The first child waits until all is imported, which is no part of a run.
    first = multiprocessing.get_context("forkserver").Process(target=_nothing)
    first.start()
    first.join()


def program() -> int:
    """The program itself."""
    return run()


def _nothing() -> None:
    """End at once."""


@dataclass(frozen=True)
class _Forked:
    process: multiprocessing.process.BaseProcess

    @property
    def pid(self) -> int | None:
        return self.process.pid

    def wait(self, seconds: float) -> int | None:
        self.process.join(seconds)
        return self.process.exitcode


@dataclass(frozen=True)
class _Spawned:
    process: "subprocess.Popen[bytes]"

    @property
    def pid(self) -> int | None:
        return self.process.pid

    def wait(self, seconds: float) -> int | None:
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None


def _child(main: Callable[[], int], arguments: list[str], log: Path) -> None:
    os.setsid()
    stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number in (1, 2):
        os.dup2(stream, number)
    sys.argv[1:] = arguments
    sys.exit(main())

"""Progress of long work: a bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, TextIO, cast, runtime_checkable

#: Between two plain lines lies this share of the work or this many seconds, whichever comes first.
LINE_SHARE = 0.1
LINE_SECONDS = 10.0


@runtime_checkable
class Stream(Protocol):
    """Where progress is written: stderr, or any text file."""

    def write(self, text: str, /) -> object:
        """Write some text."""

    def flush(self) -> None:
        """Let the reader see it now."""

    def isatty(self) -> bool:
        """Whether a person at a terminal reads it."""


@runtime_checkable
class Reporter(Protocol):
    """What long work calls to say how far it is."""

    def advance(self, n: int = 1, note: str = "") -> None:
        """Say that `n` more units are done; `note` names the current one."""


class Progress:
    """Progress of one piece of work on stderr; use it in a ``with`` statement.

    Args:
        total: number of units of work, at least 1.
        label: what is being done, for example ``"training"``.
        stream: where to write; stderr unless given.
        clock: monotonic seconds.
    """

    def __init__(
        self, total: int, label: str, stream: Stream | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = sys.stderr if stream is None else stream
        kind = _Bar if self._stream.isatty() else _Lines
        self._view: _Bar | _Lines = kind(max(total, 1), label, self._stream, clock)

    def __enter__(self) -> Progress:
        self._view.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._view.stop()

    def advance(self, n: int = 1, note: str = "") -> None:
        """Say that `n` more units are done; `note` names the current one."""
        self._view.advance(n, note)


class Silent:
    """A `Reporter` that says nothing."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None

    def advance(self, n: int = 1, note: str = "") -> None:
        """Do nothing."""


#: Makes the reporter of one piece of work from its size and label: `Progress` or `silent`.
ReporterFactory = Callable[[int, str], AbstractContextManager[Reporter]]


def silent(total: int = 0, label: str = "") -> Silent:
    """The reporter of work that nobody watches; takes what `Progress` takes."""
    return Silent()


def duration(seconds: float) -> str:
    """`seconds` as a person says it, for example ``35 s`` or ``2 min 5 s``."""
    whole = round(max(seconds, 0.0))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


class _Bar:
    """A rich progress bar; rich is imported only where a terminal shows it."""

    def __init__(self, total: int, label: str, stream: Stream, clock: Callable[[], float]) -> None:
        import rich.progress as bar  # noqa: PLC0415 - slow to import, needed on a terminal only
        from rich.console import Console  # noqa: PLC0415

        self._progress = bar.Progress(
            bar.TextColumn("{task.description}"),
            bar.BarColumn(),
            bar.MofNCompleteColumn(),
            bar.TimeElapsedColumn(),
            bar.TextColumn("left"),
            bar.TimeRemainingColumn(),
            bar.TextColumn("{task.fields[note]}"),
            console=Console(file=cast(TextIO, stream)),
            get_time=clock,
        )
        self._task = self._progress.add_task(label, total=total, note="")

    def start(self) -> None:
        self._progress.start()

    def stop(self) -> None:
        self._progress.stop()

    def advance(self, n: int, note: str) -> None:
        self._progress.update(self._task, advance=n, note=note)


class _Lines:
    """Lines such as ``training 12/60, about 35 s left``, for logs and pipes."""

    def __init__(self, total: int, label: str, stream: Stream, clock: Callable[[], float]) -> None:
        self._total, self._label, self._stream, self._clock = total, label, stream, clock
        self._done = self._said = 0
        self._started = self._said_at = clock()

    def start(self) -> None:
        self._started = self._said_at = self._clock()

    def stop(self) -> None:
        self._stream.flush()

    def advance(self, n: int, note: str) -> None:
        self._done += n
        now = self._clock()
        if self._done >= self._total:
            self._say(now, f"done in {duration(now - self._started)}", note)
        elif self._done and self._due(now):
            left = (now - self._started) / self._done * (self._total - self._done)
            self._say(now, f"about {duration(left)} left", note)

    def _due(self, now: float) -> bool:
        return self._done - self._said >= LINE_SHARE * self._total or now - self._said_at >= LINE_SECONDS

    def _say(self, now: float, time_text: str, note: str) -> None:
        tail = f", {note}" if note else ""
        self._stream.write(f"{self._label} {self._done}/{self._total}, {time_text}{tail}\n")
        self._said, self._said_at = self._done, now

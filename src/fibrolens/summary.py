"""``summary.csv``: the rows of all scans, whole at any time, however many there are and however many runs write them.

A run appends its rows to a journal of its own in a hidden folder, ``.fibrolens``, and holds a lock on it while it
lives. From time to time and at its end it publishes: under another lock it writes the table anew from the last one and
all journals, sorted, and puts it in place. Journals that nobody holds any more have ended, in whatever way; their rows
are in the table then, and they go. So nobody changes a file that somebody else writes, a killed run loses no row, and
the time that a million rows take is in proportion to them.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from fibrolens.begun import writing
from fibrolens.filelock import is_at, lock
from fibrolens.summary_rows import Rows, read_rows

SUMMARY, HIDDEN = "summary.csv", ".fibrolens"
JOURNAL = ".rows"
#: Publishing may take one part of so many of a run's time.
SHARE = 50
#: Rows of so many seconds may be lost with the machine's power; a run that goes on then sees their scans again.
SYNC_SECONDS = 1.0
#: Journals that are taken in at a time, for each is an open file.
MOST_JOURNALS = 500


class Summary:
    """The table of a folder, for one run; use it in a ``with`` statement.

    Args:
        out: folder of the scans' folders.
        columns: of the table; the first are ``scan_id``, ``input`` and ``status``.
        clock: monotonic seconds.

    Attributes:
        scratch: folder for what the run writes aside, on the same file system; it goes when the run has ended.
        began_ns: when the run began, by the clock of the file system.

    Raises:
        OutputError: the folder cannot be written.
        UsageError: it holds another table.
    """

    def __init__(self, out: Path, columns: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._out, self._columns, self._clock = out, tuple(columns), clock
        with writing(out):
            self._journal, self._stream = _open_journal(out / HIDDEN)
            self.scratch = _scratch_of(self._journal)
            self.scratch.mkdir()
            self.began_ns = self._journal.stat().st_mtime_ns
        self._publish_at = self._sync_at = clock()

    def __enter__(self) -> Summary:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with writing(self._out):
            os.fsync(self._stream.fileno())
            self._stream.close()
            # Whoever publishes next takes this journal in; that need not be us.
            while self._journal.exists():
                self._publish(wait=True)

    def add(self, row: Mapping[str, Any]) -> None:
        """Add the row of a scan; it replaces the one that the scan has in the table."""
        with writing(self._out):
            self._stream.write(json.dumps([_text(row.get(column)) for column in self._columns]) + "\n")
            self._stream.flush()
            now = self._clock()
            if now >= self._sync_at:
                os.fsync(self._stream.fileno())
                self._sync_at = now + SYNC_SECONDS
            if now >= self._publish_at:
                self._publish(wait=False)
                ended = self._clock()
                self._publish_at = ended + SHARE * (ended - now)

    def _publish(self, wait: bool) -> None:
        """Write the table anew, unless another run is at it and we need not `wait`."""
        hidden = self._out / HIDDEN
        with _alone(hidden / f"{SUMMARY}.partial", wait) as aside, ExitStack() as held:
            if aside is None or not self._journal.exists():
                return
            journals = sorted(hidden.glob(f"*{JOURNAL}"))
            others = [path for path in journals if path != self._journal or self._stream.closed]
            ended = [path for path in others[:MOST_JOURNALS] if _hold(path, held)]
            rows = held.enter_context(closing(Rows(self._out, self._columns)))
            rows.put(read_rows(self._out / SUMMARY, self._columns))
            for path in journals:
                rows.put(_read_journal(path))
            if rows:
                rows.write(aside)
                os.fsync(aside.fileno())
                Path(aside.name).replace(self._out / SUMMARY)
            for path in ended:
                shutil.rmtree(_scratch_of(path), ignore_errors=True)
                path.unlink()
        with suppress(OSError):  # others are at work there
            hidden.rmdir()


def _open_journal(hidden: Path) -> tuple[Path, IO[str]]:
    """A new journal that we hold."""
    while True:
        hidden.mkdir(exist_ok=True)
        path = hidden / f"{time.time_ns():020d}-{secrets.token_hex(4)}{JOURNAL}"
        try:
            stream = path.open("x", encoding="utf-8")
        except FileNotFoundError:  # a run that ended has tidied up meanwhile
            continue
        # Until it was held, it looked like one whose run has ended.
        if lock(stream) and is_at(stream, path):
            return path, stream
        stream.close()


def _scratch_of(journal: Path) -> Path:
    return journal.with_suffix(".scratch")


@contextmanager
def _alone(aside: Path, wait: bool) -> Iterator[IO[str] | None]:
    """The file that becomes the table, empty and ours alone; None where another run has it or all runs have ended."""
    while True:
        try:
            stream = aside.open("a", encoding="utf-8", newline="")
        except FileNotFoundError:
            yield None
            return
        with stream:
            if not lock(stream, wait):
                yield None
                return
            if is_at(stream, aside):
                stream.truncate(0)
                try:
                    yield stream
                finally:
                    if is_at(stream, aside):
                        aside.unlink()
                return
        # It has become the table while we waited.


def _hold(journal: Path, held: ExitStack) -> bool:
    """Take the journal of a run that has ended; false where the run lives, or where another takes it."""
    try:
        stream = held.enter_context(journal.open("r+", encoding="utf-8"))
    except FileNotFoundError:
        return False
    return lock(stream) and is_at(stream, journal)


def _read_journal(path: Path) -> Iterator[list[str]]:
    """Rows of a journal, but for one that was cut off while it was written."""
    try:
        with path.open(encoding="utf-8") as stream:
            for line in stream:
                with suppress(ValueError):
                    yield json.loads(line)
    except FileNotFoundError:  # in the table already
        return


def _text(value: Any) -> str:
    """A cell; bytes of a file's name that are no text become question marks."""
    return "" if value is None else str(value).encode("utf-8", "replace").decode("utf-8")

"""The rows of ``summary.csv``, sorted and one per scan: kept in a file, for they may be millions."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from fibrolens.errors import OutputError, UsageError
from fibrolens.output import MANIFEST

DONE = "done"
TABLE = "CREATE TABLE rows (scan_id TEXT, unread TEXT, status TEXT, cells TEXT, PRIMARY KEY (scan_id, unread))"


class Rows:
    """One row per scan: by its id, or by its input where it could not be read and has no id.

    Args:
        out: folder of the scans' folders.
        columns: of the table; the first are ``scan_id``, ``input`` and ``status``.
    """

    def __init__(self, out: Path, columns: Sequence[str]) -> None:
        self._out, self._columns = out, tuple(columns)
        # A private file that SQLite makes when memory gets short, and removes.
        self._rows = sqlite3.connect("", isolation_level=None)
        for statement in ("PRAGMA journal_mode = OFF", f"{TABLE} WITHOUT ROWID", "BEGIN"):
            self._rows.execute(statement)

    def __bool__(self) -> bool:
        return self._rows.execute("SELECT 1 FROM rows LIMIT 1").fetchone() is not None

    def close(self) -> None:
        """Forget them."""
        self._rows.close()

    def put(self, rows: Iterable[Sequence[str]]) -> None:
        """Add rows, later ones in the place of earlier ones of the same scan.

        A row whose scan's folder stands is not replaced by an attempt that left the folder as it was.
        """
        for cells in rows:
            scan_id, path, status = cells[:3]
            if status != DONE and scan_id and self._stands(scan_id):
                continue
            if scan_id:
                # A scan that could not be read had no id yet; now that it has been, its refusal is history.
                self._rows.execute("DELETE FROM rows WHERE scan_id = '' AND unread = ?", (path,))
            key = (scan_id, "" if scan_id else path)
            self._rows.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)", (*key, status, json.dumps(cells)))

    def write(self, stream: IO[str]) -> None:
        """Write all of them by scan id, those without one first, by their input."""
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(self._columns)
        found = self._rows.execute("SELECT cells FROM rows ORDER BY scan_id, unread")
        writer.writerows(json.loads(cells) for (cells,) in found)
        stream.flush()

    def _stands(self, scan_id: str) -> bool:
        known = self._rows.execute("SELECT status FROM rows WHERE scan_id = ?", (scan_id,)).fetchone()
        return known == (DONE,) and (self._out / scan_id / MANIFEST).exists()


def check_columns(path: Path, columns: Sequence[str]) -> None:
    """Raise UsageError or OutputError where a table that stands there is another one."""
    next(read_rows(path, columns), None)


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[list[str]]:
    """The rows of a table, none where there is no table.

    Raises:
        UsageError: it has other columns.
        OutputError: it cannot be read.
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            table = csv.reader(stream)
            if next(table, None) != list(columns):
                raise UsageError(f"{path} is not a summary of this verb; move it away or choose another --out.")
            yield from (cells for cells in table if len(cells) == len(columns))
    except FileNotFoundError:
        return
    except (OSError, ValueError, csv.Error) as error:
        raise OutputError(f"{path} cannot be read ({error}); move it away or choose another --out.") from None

"""The database of a reader study: the key of the set, the order of each reader, and every reading ever given.

SQLite in one file, with a write-ahead log that reaches the disk before a reading counts as saved (``synchronous`` is
full): what was acknowledged survives a kill and a loss of power. Every call opens its own connection, so that threads
and programs may work on one study at the same time. The file must lie on a local disk, since write-ahead logs need
shared memory.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from fibrolens.errors import InputError, OutputError
from fibrolens.readers.choices import CONFIDENCES, NAMES
from fibrolens.readers.item import Item
from fibrolens.readers.schema import LONGEST_COMMENT, LONGEST_SECONDS, SCHEMA_VERSION, TABLES

#: Seconds that a write waits for another one.
PATIENCE = 30.0
ITEM_COLUMNS = ", ".join(f'"{field.name}"' for field in fields(Item))


@dataclass(frozen=True)
class Reading:
    """What a reader said of an item.

    Args:
        reader: who.
        item: of what.
        pattern: one of `fibrolens.readers.choices.NAMES`.
        confidence: 1 (a guess) to 5 (certain).
        comment: free text; may be empty.
        seconds: that the reader took, where that was measured.
        source: whether it came by the form or by a sheet.
        submission: name that the form gave it, so that one that is sent twice is stored once; None of a sheet.
    """

    reader: str
    item: str
    pattern: str
    confidence: int
    comment: str = ""
    seconds: float | None = None
    source: Literal["form", "sheet"] = "form"
    submission: str | None = None

    def __post_init__(self) -> None:
        if self.pattern not in NAMES:
            raise InputError(f"The pattern must be one of {', '.join(NAMES)}; it is {self.pattern!r}.")
        if self.confidence not in CONFIDENCES:
            raise InputError(f"The confidence must be a whole number from 1 to 5; it is {self.confidence!r}.")
        if len(self.comment) > LONGEST_COMMENT:
            raise InputError(f"The comment has {len(self.comment)} letters; {LONGEST_COMMENT} are the most.")
        if self.seconds is not None and not 0 <= self.seconds <= LONGEST_SECONDS:
            raise InputError(f"The seconds must lie between 0 and {LONGEST_SECONDS:g}; they are {self.seconds:g}.")

    @property
    def said(self) -> tuple[str, int, str]:
        """What a correction would change."""
        return self.pattern, self.confidence, self.comment


@dataclass(frozen=True)
class Store:
    """A database that was made by `create`."""

    path: Path

    @classmethod
    def create(
        cls, path: Path, items: Sequence[Item], orders: Mapping[str, Sequence[str]], about: Mapping[str, Any]
    ) -> Store:
        """Make the database of a new set.

        Args:
            path: the file, which must not exist.
            items: with their patterns.
            orders: names of the items in the order of each reader.
            about: what the set was made from, for `about`.
        """
        store = cls(path)
        by_name = [tuple(asdict(item).values()) for item in sorted(items, key=lambda item: item.kind == "repeat")]
        with store._connected(new=True) as database:
            database.executescript(TABLES)
            database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            with _transaction(database):
                database.executemany("INSERT INTO about VALUES (?, ?)", [(n, json.dumps(v)) for n, v in about.items()])
                marks = ", ".join("?" * len(fields(Item)))
                database.executemany(f"INSERT INTO items ({ITEM_COLUMNS}) VALUES ({marks})", by_name)  # noqa: S608
                database.executemany("INSERT INTO readers VALUES (?, ?)", [(name, n) for n, name in enumerate(orders)])
                places = [(name, item, n) for name, order in orders.items() for n, item in enumerate(order)]
                database.executemany("INSERT INTO orders VALUES (?, ?, ?)", places)
        return store

    @classmethod
    def open(cls, path: Path) -> Store:
        """The database of a set.

        Raises:
            InputError: there is none, it is damaged, or another version made it.
        """
        store = cls(path)
        with store._connected() as database:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version != SCHEMA_VERSION:
                raise InputError(
                    f"{path} has the schema version {version}, this fibrolens reads {SCHEMA_VERSION}; use the version "
                    "that made it."
                )
        return store

    def about(self) -> dict[str, Any]:
        """What the set was made from."""
        with self._connected() as database:
            return {name: json.loads(value) for name, value in database.execute("SELECT name, value FROM about")}

    def items(self) -> tuple[Item, ...]:
        """The key: every item and what it shows."""
        with self._connected() as database:
            found = database.execute(f"SELECT {ITEM_COLUMNS} FROM items ORDER BY item")  # noqa: S608
            return tuple(Item(*row) for row in found)

    def readers(self) -> tuple[str, ...]:
        """The names of the readers, in the order in which they were given."""
        with self._connected() as database:
            return tuple(name for (name,) in database.execute("SELECT reader FROM readers ORDER BY number"))

    def order(self, reader: str) -> tuple[str, ...]:
        """The names of the items in the order of a reader; none of somebody who is no reader."""
        with self._connected() as database:
            found = database.execute("SELECT item FROM orders WHERE reader = ? ORDER BY place", (reader,))
            return tuple(item for (item,) in found)

    def current(self, reader: str) -> dict[str, Reading]:
        """The last reading of each item by a reader, by item."""
        return {reading.item: reading for reading in self.history(reader)}

    def history(self, reader: str) -> tuple[Reading, ...]:
        """Every reading of a reader, corrected ones too, in the order in which they came."""
        columns = "reader, item, pattern, confidence, comment, seconds, source, submission"
        with self._connected() as database:
            rows = f"SELECT {columns} FROM readings WHERE reader = ? ORDER BY number"  # noqa: S608
            return tuple(Reading(*row) for row in database.execute(rows, (reader,)))

    def add(self, readings: Sequence[Reading]) -> None:
        """Save readings, all or none; when this returns they are on the disk.

        One that was submitted before is not saved again.

        Raises:
            InputError: a reader or an item is not of this set.
            OutputError: the database cannot be written.
        """
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        rows = [(*asdict(reading).values(), now) for reading in readings]
        with self._connected() as database:
            try:
                with _transaction(database):
                    database.executemany(
                        "INSERT INTO readings "
                        "(reader, item, pattern, confidence, comment, seconds, source, submission, created) "
                        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (submission) DO NOTHING",
                        rows,
                    )
            except sqlite3.IntegrityError as error:
                raise InputError(f"A reading is not of this set ({error}); nothing was saved.") from None

    def problems(self) -> list[str]:
        """What SQLite's own check of the file finds; nothing where it is whole."""
        with self._connected() as database:
            found = [text for (text,) in database.execute("PRAGMA integrity_check") if text != "ok"]
            broken = [
                f"row {row[1]} of {row[0]} points nowhere" for row in database.execute("PRAGMA foreign_key_check")
            ]
        return found + broken

    @contextmanager
    def _connected(self, new: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection for one piece of work.

        Raises:
            InputError: there is no database, or it is damaged.
            OutputError: it cannot be written.
        """
        if not new and not self.path.is_file():
            raise InputError(f"{self.path} does not exist; fibrolens read prepare makes it.")
        try:
            with closing(sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)) as database:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = FULL")
                database.execute("PRAGMA foreign_keys = ON")
                yield database
        except sqlite3.OperationalError as error:
            raise OutputError(
                f"{self.path} cannot be used ({error}); it must lie on a local disk with free space, in a folder that "
                "may be written."
            ) from None
        except sqlite3.DatabaseError as error:
            raise InputError(f"{self.path} is damaged ({error}); restore a copy of it.") from None


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    """All that is written inside the block, or nothing of it."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")

"""The folder of a reader study, and the names of its readers."""

from __future__ import annotations

import re
from pathlib import Path

from fibrolens.errors import UsageError
from fibrolens.output import read_manifest
from fibrolens.readers.store import Store

DATABASE, PICTURES, SHEETS, REPORT = "readings.sqlite3", "pictures", "sheets", "report"
COMMAND = "read prepare"
#: A reader's name also names a folder.
READER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,38}[A-Za-z0-9])?")


def readers_of(text: str) -> tuple[str, ...]:
    """The names of ``A,B,C``.

    Raises:
        UsageError: a name cannot be used, or stands twice.
    """
    names = tuple(part.strip() for part in text.split(","))
    for name in names:
        if not READER.fullmatch(name):
            raise UsageError(
                f"A reader's name has 1 to 40 letters of A to Z, digits, spaces, '.', '_' and '-'; {name!r} has not."
            )
    if len({name.casefold() for name in names}) < len(names):
        raise UsageError("Every reader needs a name of their own; capitals make no difference.")
    return names


def open_set(out: Path) -> Store:
    """The database of a prepared set.

    Raises:
        UsageError: `out` is none.
    """
    made = read_manifest(out) if out.is_dir() else None
    if made is None or made.get("run", {}).get("command") != COMMAND:
        raise UsageError(f"{out} is not a prepared reader study; fibrolens read prepare STUDY --out DIR makes one.")
    return Store.open(out / DATABASE)

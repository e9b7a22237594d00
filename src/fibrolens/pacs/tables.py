"""One table of a TOML file, whose keys are checked as they are asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fibrolens.errors import UsageError

#: PS3.5 section 6.2, AE: up to 16 characters, no backslash, no control characters, not blank.
AE_TITLE = re.compile(r"(?=.*\S)[\x20-\x5b\x5d-\x7e]{1,16}")


@dataclass
class Table:
    """A table, which knows where it stands and which of its keys were asked for.

    Every method that returns the value of a key raises UsageError where it is not what it must be.

    Args:
        path: of the file.
        content: of the table.
        name: what stands before its keys in a sentence, for example ``send.``.
    """

    path: Path
    content: Mapping[str, Any]
    name: str = ""
    _asked: set[str] = field(default_factory=set)

    def wrong(self, key: str, what: str) -> UsageError:
        """The error of a key."""
        return UsageError(f"{self.path}: {self.name}{key} {what}.")

    def finish(self) -> None:
        """Raise UsageError where a key was never asked for."""
        if unknown := sorted(set(self.content) - self._asked):
            raise self.wrong(unknown[0], "is not known here; see docs/pacs.md")

    def beside(self, file: str) -> Path:
        """A path as it stands in the file: relative to it."""
        return self.path.absolute().parent / file

    def table(self, key: str) -> Table | None:
        """A table within, or None."""
        value = self._get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong(key, f"must be a table: [{key}]")
        return Table(self.path, value, f"{key}.")

    def tables(self, key: str) -> list[Table]:
        """A list of tables; at least one."""
        value = self._get(key)
        if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
            raise self.wrong(key, f"must be given, each one as a table: [[{key}]]")
        return [Table(self.path, one, f"{key}.") for one in value]

    def text(self, key: str, default: str) -> str:
        """A string that is not empty."""
        value = self._get(key)
        if value is None:
            return default
        if not isinstance(value, str) or not value:
            raise self.wrong(key, "must be a text in quotation marks")
        return value

    def texts(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """A list of strings."""
        value = self._get(key)
        if value is None:
            return default
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.wrong(key, 'must be a list of texts, for example ["seg", "report"]')
        return tuple(value)

    def ae_title(self) -> str:
        """The ``ae_title``."""
        value = self.text("ae_title", "")
        if not AE_TITLE.fullmatch(value):
            raise self.wrong("ae_title", "must be given: up to 16 letters of ASCII without a backslash")
        return value.strip()

    def integer(self, key: str, lowest: int, highest: int, required: bool = True) -> int:
        """A whole number; 0 where it may be missing and is."""
        value = self._get(key)
        if value is None and not required:
            return 0
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            raise self.wrong(key, f"must be a whole number of {lowest} to {highest}")
        return value

    def number(self, key: str, default: float, lowest: float, highest: float) -> float:
        """A number."""
        value = self._get(key)
        if value is None:
            return default
        if not isinstance(value, int | float) or isinstance(value, bool) or not lowest <= value <= highest:
            raise self.wrong(key, f"must be a number of {lowest:g} to {highest:g}")
        return float(value)

    def truth(self, key: str) -> bool:
        """True or false; false where it is missing."""
        value = self._get(key)
        if not isinstance(value, bool | None):
            raise self.wrong(key, "must be true or false")
        return bool(value)

    def file(self, key: str) -> Path:
        """A file that exists."""
        path = self.beside(self.text(key, ""))
        if not path.is_file():
            raise self.wrong(key, "must name a file that exists, relative to this one")
        return path

    def _get(self, key: str) -> Any:
        self._asked.add(key)
        return self.content.get(key)

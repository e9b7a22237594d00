"""Problems of a cohort table: collected with their lines, told all at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fibrolens.errors import CohortError


@dataclass(frozen=True, order=True)
class Problem:
    """What is wrong in one line of a table.

    Args:
        line: line in the file; the header is line 1.
        text: what is wrong and, where that is not plain, what to do.
    """

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


def refuse(path: Path, problems: Iterable[Problem]) -> None:
    """Tell every problem of a table, by line.

    Raises:
        CohortError: there are any.
    """
    found = sorted(problems)
    if found:
        count = "1 problem" if len(found) == 1 else f"{len(found)} problems"
        listed = "\n  ".join(str(problem) for problem in found)
        raise CohortError(f"{path.name} has {count}; correct and run again:\n  {listed}")

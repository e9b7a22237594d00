"""What a checklist is: items in our words, each with a function that answers it from a study's files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fibrolens.report.checklists.facts import Facts

FILLED, PARTLY, BLANK = "filled", "partly", "blank - for the authors"


@dataclass(frozen=True)
class Answer:
    """What the study's files say to an item.

    Args:
        text: sentences; empty where the files say nothing.
        where: in the report or among the files it stands.
        open: what the authors still have to say; empty where nothing is left.
    """

    text: str = ""
    where: str = ""
    open: str = ""

    @property
    def status(self) -> str:
        """`FILLED`, `PARTLY` or `BLANK`."""
        if not self.text:
            return BLANK
        return PARTLY if self.open else FILLED


Answering = Callable[[Facts], Answer]


@dataclass(frozen=True)
class Item:
    """One item of a checklist.

    Args:
        number: as in the publication.
        section: of the manuscript.
        asks: what it asks for, in our words.
        answer: from the files.
    """

    number: str
    section: str
    asks: str
    answer: Answering


@dataclass(frozen=True)
class Checklist:
    """A reporting guideline.

    Args:
        name: stem of its file.
        title: what it is called.
        citation: where it was published.
        note: what a user of our version must know.
        items: in the publication's order.
    """

    name: str
    title: str
    citation: str
    note: str
    items: tuple[Item, ...]


def left_open(what: str) -> Answering:
    """The answer to an item that no file of a study knows."""
    return lambda facts: Answer(open=what)

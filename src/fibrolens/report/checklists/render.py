"""The checklists as files: one CSV each, and one page to print."""

from __future__ import annotations

from pathlib import Path

from fibrolens import __version__
from fibrolens.aside import write_whole
from fibrolens.csvfile import write_csv
from fibrolens.report.checklists.base import BLANK, FILLED, PARTLY, Answer, Checklist, Item
from fibrolens.report.checklists.claim import CLAIM
from fibrolens.report.checklists.facts import Facts
from fibrolens.report.checklists.stard import STARD
from fibrolens.report.checklists.tripod import TRIPOD
from fibrolens.report.page import render_page
from fibrolens.result import INTENDED_USE

FOLDER, PAGE = "checklists", "checklists.html"
CHECKLISTS = (CLAIM, TRIPOD, STARD)
COLUMNS = ("item", "section", "asks_for", "status", "answer", "where", "still_open", "note")
Rows = list[tuple[Item, Answer]]


def write_checklists(facts: Facts, out: Path) -> None:
    """Write ``checklists/*.csv`` and ``checklists/checklists.html``.

    Args:
        facts: of the study.
        out: its folder.

    Raises:
        OSError: the folder cannot be written.
    """
    folder = out / FOLDER
    folder.mkdir(exist_ok=True)
    filled = [(checklist, answers(checklist, facts)) for checklist in CHECKLISTS]
    for checklist, rows in filled:
        note = f"{checklist.title}: {checklist.citation}. {checklist.note} {INTENDED_USE}"
        lines = [
            (i.number, i.section, i.asks, a.status, a.text, a.where, a.open, note if n == 0 else None)
            for n, (i, a) in enumerate(rows)
        ]
        write_csv(folder / f"{checklist.name}.csv", COLUMNS, lines)
    write_whole(folder / PAGE, render(filled, facts.size))


def answers(checklist: Checklist, facts: Facts) -> Rows:
    """Every item with what the study's files say to it."""
    return [(item, item.answer(facts)) for item in checklist.items]


def render(filled: list[tuple[Checklist, Rows]], size: str) -> str:
    """The page, which loads nothing from elsewhere.

    Args:
        filled: checklists with their answers.
        size: how many scans of how many patients.
    """
    told = [(c, rows, [sum(a.status == s for _, a in rows) for s in (FILLED, PARTLY, BLANK)]) for c, rows in filled]
    return render_page("checklists.html.j2", checklists=told, size=size, version=__version__, intended_use=INTENDED_USE)

"""The code blocks of the manual, and the comments above them that say how they are run.

==========================  ====================================================================================
comment                     meaning
==========================  ====================================================================================
``<!-- given: A, B -->``    what a reader of the page has: these of `stock.py` lie in the folder it is run in
``<!-- given in Python``    lines of Python, up to ``-->``, that stand before each Python block of the page
``<!-- here: A is B -->``   above a block: B is run in the place of A, to be quick (``;`` between several)
``<!-- service -->``        above a block: it stays up until the next such block or the page ends; later ones have TOKEN
``<!-- file: NAME -->``     above a block: it is written into this file, with what is in the environment (``$PORT``)
``<!-- needs: A, B -->``    above a block: what else has to be on this machine (`running.py`); else it is left out
``<!-- not run: WHY -->``   above a block: it cannot be run here
==========================  ====================================================================================
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
BLOCK = re.compile(r"(?P<above>(?:^<!-- [^\n]* -->\n)*)^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and what the comments above it say."""

    page: str
    line: int
    language: str
    text: str
    not_run: str
    here: tuple[tuple[str, str], ...]
    needs: tuple[str, ...]
    service: bool
    file: str

    def __str__(self):
        return f"{self.page}:{self.line}"

    @property
    def runs(self):
        return (self.language in {"sh", "python"} or bool(self.file)) and not self.not_run

    @property
    def as_run(self):
        """The text with its smaller numbers."""
        text = self.text
        for old, new in self.here:
            assert old in text, f"{self}: there is no {old!r} to replace"
            text = text.replace(old, new)
        return text

    def commands(self):
        """The arguments of each `fibrolens` command."""
        for line in self.text.replace("\\\n", " ").splitlines():
            if re.match(r"\S*\bfibrolens ", line):
                yield shlex.split(line, comments=True)[1:]


def blocks_of(page):
    """All blocks of a page, in their order."""
    content = page.read_text(encoding="utf-8")
    for found in BLOCK.finditer(content):
        above = found["above"]
        pairs = [pair.split(" is ") for said in re.findall(r"<!-- here: (.*) -->", above) for pair in said.split("; ")]
        yield Block(
            page.name,
            content[: found.start("language")].count("\n") + 1,
            found["language"],
            found["text"],
            "; ".join(re.findall(r"<!-- not run: (.*) -->", above)),
            tuple((old, new) for old, new in pairs),
            tuple(listed("needs", above)),
            "<!-- service -->" in above,
            "".join(listed("file", above)),
        )


def listed(what, text):
    """The names in comments such as ``<!-- given: A, B -->``."""
    lists = re.findall(rf"^<!-- {what}: (.*) -->$", text, re.M)
    return [name for names in lists for name in names.split(", ")]


def named(page):
    """Its file's name, which tells one test from the others."""
    return page.name


def given(page):
    """Names of what a reader of the page has."""
    return listed("given", page.read_text(encoding="utf-8"))


def given_in_python(page):
    """Lines that stand before each Python block of the page."""
    return "\n".join(re.findall(r"^<!-- given in Python\n(.*?)^-->$", page.read_text(encoding="utf-8"), re.M | re.S))


BLOCKS = [block for page in PAGES for block in blocks_of(page)]
RUNNING = [page for page in PAGES if any(block.runs for block in blocks_of(page))]

"""The rooms of docs/architecture.md, and which of them import which."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src/fibrolens"
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")


def section(heading):
    """The page from this heading to the next of its level, or of one above."""
    level = len(heading.split()[0])
    return re.split(rf"^#{{1,{level}}} ", PAGE.split(f"\n{heading}\n")[1], flags=re.MULTILINE)[0]


def rows(text):
    """The names in code quotes of each cell, table row by table row."""
    lines = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("| ")]
    return [[re.findall(r"`(\w+)`", cell) for cell in cells] for cells in lines]


def listed_rooms():
    """The rooms in the page's order, those above first."""
    return [name for row in rows(section("## Rooms").split("### Exceptions")[0]) for name in row[0]]


def room_of(path):
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def imported(path):
    """Full names of the modules that a file imports anywhere, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "fibrolens":
            yield from (f"fibrolens.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here, so that they can be read"
            yield node.module


@cache
def imports():
    """Pairs (room, name of an imported module), each with one file that has it."""
    return {(room_of(path), name): path for path in sorted(SOURCE.rglob("*.py")) for name in imported(path)}


def knows():
    """Pairs (room, other room that it imports)."""
    rooms = {room_of(path) for path in SOURCE.rglob("*.py")}
    for (room, name), path in imports().items():
        package, _, rest = name.partition(".")
        other = rest.split(".")[0] if rest.split(".")[0] in rooms else "__init__"
        if package == "fibrolens" and other != room:
            yield room, other, path


def test_the_page_lists_every_room_once():
    assert sorted(listed_rooms()) == sorted({room_of(path) for path in SOURCE.rglob("*.py")})


def test_a_room_imports_only_from_rooms_below_it():
    height = {room: -place for place, room in enumerate(listed_rooms())}
    exceptions = {(row[0][0], row[1][0]) for row in rows(section("### Exceptions")) if row[0]}
    upwards = {(room, other): path for room, other, path in knows() if height[other] > height[room]}
    assert {pair: path for pair, path in upwards.items() if pair not in exceptions} == {}
    assert exceptions == set(upwards), "an exception that nothing needs any more"


def test_libraries_stand_behind_the_doors_that_the_page_names():
    named = {library: set(row[1]) for row in rows(section("## Libraries")) for library in row[0]}
    found = {library: {room for room, name in imports() if name.split(".")[0] == library} for library in named}
    assert found == named

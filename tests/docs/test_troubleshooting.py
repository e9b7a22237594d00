"""docs/troubleshooting.md quotes error messages word for word: each must still stand in the source."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
QUOTED = re.findall(r"^\| `([^`]+)` \|", PAGE, flags=re.MULTILINE)


def template(node):
    """The text of a string in the source, with … for what is filled in; None of anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
    return None


@pytest.fixture(scope="module")
def said():
    files = (ROOT / "src/fibrolens").rglob("*.py")
    nodes = (node for path in files for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    return {text for node in nodes if (text := template(node))}


def test_the_page_quotes_many_messages():
    assert len(QUOTED) == len(set(QUOTED)) > 40


@pytest.mark.parametrize("message", QUOTED)
def test_a_quoted_message_is_what_the_program_says(said, message):
    assert message in said

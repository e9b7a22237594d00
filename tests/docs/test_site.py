"""The manual builds without a warning, loads nothing from elsewhere, and shows the program's own help."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fibrolens.cli import VERBS

ROOT = Path(__file__).parents[2]
#: What a browser fetches by itself; links that a reader may follow are not meant.
FETCHED = re.compile(r"""<(?:script|img|iframe|source)[^>]* src=["']?(?:https?:)?//|<link[^>]*stylesheet[^>]*//""")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(out)]
    told = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr
    return out


def test_no_page_fetches_anything_from_elsewhere(site):
    pages = [path for path in site.rglob("*.html") if "study252" not in path.parts]
    assert len(pages) > 30
    assert [path.name for path in pages if FETCHED.search(path.read_text(encoding="utf-8"))] == []


def test_the_command_line_page_has_every_verb_with_its_options(site):
    page = (site / "cli.html").read_text(encoding="utf-8")
    for verb in VERBS:
        assert f'id="fibrolens-{verb.__name__.rpartition(".")[2]}"' in page
    assert "--explain-selection" in page


def test_every_page_of_the_manual_is_in_its_navigation(site):
    listed = (site / "index.html").read_text(encoding="utf-8")
    assert [page.stem for page in (ROOT / "docs").glob("*.md") if f'href="{page.stem}.html"' not in listed] == []

"""Code blocks of README and manual: commands have options that exist, data can be read, what can run here runs."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.docs.blocks import BLOCKS, PAGES, blocks_of, given, given_in_python
from tests.docs.stock import Stock

from fibrolens.cli import parser

#: Blocks that cannot run here, each with its reason on the page.
MOST_NOT_RUN = 26
NOT_RUN = [block for block in BLOCKS if block.not_run]
#: Pages whose blocks have not been run through yet.
NOT_YET = {"first-study.md", "segmentation.md", "study.md"}
RUNNING = [page for page in PAGES if page.name not in NOT_YET and any(block.runs for block in blocks_of(page))]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_says_what_it_is(block):
    assert block.language in {"sh", "python", "json", "toml", "csv", "text"}


@pytest.mark.parametrize("block", [block for block in BLOCKS if list(block.commands())], ids=str)
def test_commands_have_verbs_and_options_that_exist(block):
    for arguments in block.commands():
        assert parser().parse_args(arguments)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language in {"json", "toml"}], ids=str)
def test_settings_can_be_read(block):
    if block.language == "toml":
        assert tomllib.loads(block.text)
    else:
        assert json.loads(block.text if block.text.startswith("{") else "{" + block.text + "}")


def test_few_blocks_are_not_run():
    assert len(NOT_RUN) <= MOST_NOT_RUN


@pytest.mark.slow
@pytest.mark.parametrize("block", NOT_RUN, ids=str)
def test_a_block_that_is_not_run_says_why(block):
    assert len(block.not_run) > 10
    pytest.skip(block.not_run)  # so that the summary lists it


@pytest.fixture(scope="session")
def stock(shared):
    shared.mkdir(exist_ok=True)
    return Stock(shared / "stock-of-the-manual")


@pytest.mark.slow
@pytest.mark.parametrize("page", RUNNING, ids=lambda page: page.name)
def test_the_blocks_of_a_page_run_in_their_order(page, stock, tmp_path):
    for name in given(page):
        stock.bring(name, tmp_path)
    before = given_in_python(page)
    for block in blocks_of(page):
        if block.runs:
            told = run(block, before, tmp_path)
            assert told.returncode == 0, f"{block}\n{block.as_run}\n{told.stdout[-2000:]}\n{told.stderr[-3000:]}"


def run(block, before, folder):
    """What a block says when it runs in `folder`."""
    command = [shutil.which("bash"), "-euo", "pipefail", "-c", block.as_run]
    if block.language == "python":
        command = [sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", f"{before}\n{block.as_run}"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

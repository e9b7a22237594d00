"""Code blocks of README and manual: commands have options that exist, data can be read, what can run here runs."""

import json
import tomllib

import pytest
from tests.docs.blocks import BLOCKS, RUNNING, given, named
from tests.docs.reader import read
from tests.docs.stock import WITH_OTHERS

from fibrolens.cli import parser

#: Blocks that cannot run here, each with its reason on the page.
MOST_NOT_RUN = 13
NOT_RUN = [block for block in BLOCKS if block.not_run]


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


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in RUNNING if not WITH_OTHERS & {*given(page)}], ids=named)
def test_the_blocks_of_a_page_run_in_their_order(page, stock, tmp_path):
    read(page, stock, tmp_path)

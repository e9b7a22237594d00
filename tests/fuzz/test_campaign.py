"""A campaign notices what a reader must not do."""

import os
import time

import numpy as np
import pytest
from tests.fuzz.campaign import Campaign
from tests.fuzz.judge import FINDING, VALID, Verdict, judged, tidied
from tests.fuzz.mutate.plain import EDITS, mutate
from tests.fuzz.targets import TARGETS
from tests.fuzz.worker import Board

from fibrolens.errors import InputError


def broken_worker(_, __, numbers, board: Board, line):
    """Hangs at input 1, ends the process at input 2."""
    for index in numbers:
        board.begin(index)
        if index == 1:
            time.sleep(60)
        if index == 2:
            os._exit(7)
        board.end("valid")
    line.send(None)


def test_a_reader_that_hangs_or_dies_is_found_and_the_campaign_goes_on():
    campaign = Campaign("list", 1, 3, broken_worker, patience_s=1.0)
    for _ in campaign.run():
        pass
    record = campaign.to_dict()
    assert record["inputs"] == 3
    assert record["outcomes"] == {"valid": 1, FINDING: 2}
    assert {key: one["inputs"] for key, one in record["findings"].items()} == {"hang": [1], "process ended with 7": [2]}


def raising(error: Exception):
    def read(_: bytes) -> None:
        raise error

    return read


@pytest.mark.parametrize(
    ("error", "outcome", "key"),
    [
        (InputError("scan.nii is damaged."), "InputError", ""),
        (KeyError("x"), FINDING, "KeyError"),
        (MemoryError(), FINDING, "MemoryError"),
        (InputError("x" * 5000), "InputError", ""),
    ],
)
def test_only_our_errors_are_allowed(error, outcome, key):
    verdict = judged(raising(error), b"")
    assert verdict.outcome == outcome
    assert verdict.key.startswith(key)


def test_files_that_are_left_are_found():
    assert tidied(Verdict(VALID), set()).outcome == VALID
    assert tidied(Verdict("OutputError"), {".out.partial"}).outcome == FINDING


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_an_input_is_a_function_of_its_number(target):
    sound = target.seeds()
    inputs = [target.mutated(sound, 1, number) for number in range(20)]
    assert inputs == [target.mutated(sound, 1, number) for number in range(20)]
    assert len({*inputs} - {*sound}) > 10


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_nothing_is_damaged_further_without_complaint(edit):
    assert isinstance(edit(b"", np.random.default_rng(0)), bytes)
    assert isinstance(mutate(b"", np.random.default_rng(0)), bytes)

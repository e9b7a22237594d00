"""Batches that are drawn while a step computes are those of their steps."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from fibrolens.staging.ahead import drawn_ahead


def test_every_step_in_its_turn():
    with drawn_ahead(lambda step: step * step, range(2, 6)) as drawn:
        assert list(drawn) == [4, 9, 16, 25]
    with drawn_ahead(lambda step: step, range(3, 3)) as drawn:
        assert list(drawn) == []


def test_the_next_one_is_drawn_while_the_last_one_is_used():
    begun = {step: threading.Event() for step in range(3)}

    def draw(step):
        begun[step].set()
        return step

    with drawn_ahead(draw, range(3)) as drawn:
        assert next(drawn) == 0
        assert begun[1].wait(10)
        assert not begun[2].is_set()


def test_an_error_is_raised_where_its_batch_is_taken():
    def draw(step):
        if step == 1:
            raise ValueError("step 1")
        return step

    with drawn_ahead(draw, range(3)) as drawn:
        assert next(drawn) == 0
        with pytest.raises(ValueError, match="step 1"):
            next(drawn)


def test_whoever_stops_leaves_no_thread():
    before = threading.active_count()
    with drawn_ahead(lambda step: step, range(100)) as drawn:
        next(drawn)
    assert threading.active_count() == before


def test_drawing_takes_one_core_and_leaves_the_caller_and_later_threads_theirs():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with drawn_ahead(lambda step: torch.get_num_threads(), range(2)) as drawn:
            assert list(drawn) == [1, 1]
            assert torch.get_num_threads() == 3
        with ThreadPoolExecutor(1) as later:
            assert later.submit(torch.get_num_threads).result() == 3
    finally:
        torch.set_num_threads(before)

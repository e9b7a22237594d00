"""The same bytes twice, or an error that names what cannot."""

import os

import pytest
import torch
from torch.nn.functional import max_pool2d, max_unpool2d

from fibrolens.clock import created, timeless, timeless_mark
from fibrolens.determinism import CUBLAS, Repeatable, deterministic, operations_named
from fibrolens.engine import Engine
from fibrolens.errors import ModelError
from fibrolens.output import read_manifest, write_manifest


def unpool():
    """An operation that torch cannot do deterministically, on any device."""
    pooled, places = max_pool2d(torch.rand(1, 1, 4, 4), 2, return_indices=True)
    return max_unpool2d(pooled, places, 2)


def state(_=None):
    return torch.are_deterministic_algorithms_enabled(), torch.get_num_threads(), timeless()


def test_an_operation_that_cannot_repeat_itself_is_an_error_that_names_it():
    with pytest.raises(ModelError, match=r"^max_unpooling2d_forward_out .*leave --deterministic out"), deterministic():
        unpool()


def test_without_the_option_it_is_done():
    with deterministic(wanted=False):
        assert unpool().shape == (1, 1, 4, 4)


def test_another_defect_is_passed_on_as_it_is():
    with pytest.raises(RuntimeError, match="another"), operations_named():
        raise RuntimeError("another defect")


def test_everything_is_handed_back_after_an_error_too():
    before = (state(), os.environ.get(CUBLAS), torch.backends.cudnn.benchmark)
    with pytest.raises(KeyError), deterministic():
        assert state() == (True, 1, True)
        raise KeyError
    assert (state(), os.environ.get(CUBLAS), torch.backends.cudnn.benchmark) == before


def test_a_manifest_tells_no_times(tmp_path):
    with deterministic():
        write_manifest(tmp_path, {"command": "test", **timeless_mark()}, {"read": 1.5})

    manifest = read_manifest(tmp_path)
    assert (manifest["created"], manifest["timings_s"]) == (None, {})
    assert manifest["run"] == {"command": "test", "deterministic": True}


def test_without_the_option_the_time_is_told():
    assert created() is not None
    assert timeless_mark() == {}


def test_another_process_works_as_deterministically():
    with deterministic(), Engine(2) as engine:
        assert [found for _, found in engine.stream(state, [1, 2])] == [(True, 1, True)] * 2


def test_a_job_for_another_process_leaves_it_as_it_was():
    before = state()
    assert Repeatable(state)() == (True, 1, True)
    assert state() == before

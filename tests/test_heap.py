"""Memory that one layer of a network gave back, kept for the next."""

import ctypes
import resource

import pytest
import torch
from tests.test_sparse import resident_mb

from fibrolens import heap
from fibrolens.heap import kept_memory

#: As large as a feature map of the fine network: glibc never keeps such a block by itself.
MB = 64
PAGES = MB * 2**20 // resource.getpagesize()

needs_glibc = pytest.mark.skipif(heap._glibc() is None, reason="the system's malloc is not glibc's")


def new_pages_of_a_feature_map(mb=MB):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(mb, 2**18)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@needs_glibc
def test_inside_a_feature_map_takes_the_place_of_a_larger_one_before():
    with kept_memory():
        new_pages_of_a_feature_map(MB + 1)
        again = new_pages_of_a_feature_map()
    assert again < 0.1 * PAGES
    assert new_pages_of_a_feature_map() > 0.9 * PAGES


@needs_glibc
def test_afterwards_the_memory_is_given_back():
    before = resident_mb()
    with kept_memory():
        new_pages_of_a_feature_map()
        assert resident_mb() - before > 0.9 * MB
    assert resident_mb() - before < 0.1 * MB


@needs_glibc
def test_an_error_inside_leaves_the_system_as_it_was():
    with pytest.raises(ValueError, match="inside"), kept_memory():
        raise ValueError("inside")
    assert new_pages_of_a_feature_map() > 0.9 * PAGES


def test_where_there_is_no_glibc_the_block_runs_as_ever(monkeypatch):
    def missing(name):
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", missing)
    with kept_memory():
        ran = torch.ones(2).sum()
    assert ran == 2

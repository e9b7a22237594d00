"""Memory that one layer of a network gave back, kept for the next."""

import ctypes
from types import SimpleNamespace

import pytest
import torch
from tests.test_sparse import resident_mb

from fibrolens import heap
from fibrolens.heap import M_MMAP_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, kept_memory

#: As large as a feature map of the fine network: glibc never keeps such a block by itself.
MB = 64

needs_glibc = pytest.mark.skipif(heap._glibc() is None, reason="the system's malloc is not glibc's")


def feature_map(mb=MB):
    return torch.ones(mb, 2**18)


@pytest.fixture
def more_mb():
    """How much more memory is taken than at the start of the test."""
    with kept_memory():
        pass  # what other tests left free goes back to the system
    before = resident_mb()
    return lambda: resident_mb() - before


@needs_glibc
def test_inside_a_feature_map_takes_the_place_of_a_larger_one_before(more_mb):
    with kept_memory():
        feature_map(MB + 1)
        left = more_mb()
        again = feature_map()
        assert left > 0.9 * MB
        assert more_mb() - left < 0.1 * MB
        del again


@needs_glibc
def test_at_the_end_the_memory_is_given_back_also_after_an_error(more_mb):
    with pytest.raises(ValueError, match="inside"), kept_memory():
        feature_map()
        assert more_mb() > 0.9 * MB
        raise ValueError("inside")
    assert more_mb() < 0.1 * MB


def test_what_is_kept_inside_is_no_longer_kept_afterwards(monkeypatch):
    settings, trimmed = {}, []
    monkeypatch.setattr(
        heap, "_glibc", lambda: SimpleNamespace(mallopt=settings.__setitem__, malloc_trim=trimmed.append)
    )
    with kept_memory():
        assert settings == {M_MMAP_MAX: 0, M_TRIM_THRESHOLD: 2**31 - 1}
    assert settings == {M_MMAP_MAX: 65536, M_MMAP_THRESHOLD: 32 * 2**20, M_TRIM_THRESHOLD: 64 * 2**20}
    assert trimmed == [0]


def test_where_there_is_no_glibc_the_block_runs_as_ever(monkeypatch):
    def missing(name):
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", missing)
    with kept_memory():
        ran = torch.ones(2).sum()
    assert ran == 2

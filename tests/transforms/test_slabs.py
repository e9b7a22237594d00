import pytest
import torch

from fibrolens.plan import SlabPlan
from fibrolens.transforms.slabs import Slabs

PLAN = SlabPlan(slices=32, stride=8)


def test_windows_stride_over_the_range_and_the_last_ends_at_its_last_slice():
    assert Slabs.over(5, 60, 80, PLAN).starts == (5, 13, 21, 29)
    assert Slabs.over(5, 57, 80, PLAN).starts == (5, 13, 21, 26)
    assert Slabs.over(0, 31, 80, PLAN).starts == (0,)


@pytest.mark.parametrize(("first", "last", "start"), [(30, 49, 24), (0, 9, 0), (70, 79, 48), (30, 50, 25)])
def test_a_short_range_is_widened_evenly_into_neighbouring_slices_of_the_scan(first, last, start):
    slabs = Slabs.over(first, last, 80, PLAN)
    assert slabs.starts == (start,)
    assert slabs.pad == (0, 0)


def test_a_short_scan_is_padded_with_air_on_both_sides():
    slabs = Slabs.over(2, 8, 21, PLAN)
    assert slabs.pad == (5, 6)
    window = slabs.extract(torch.ones(21, 2, 2))
    assert window.shape == (1, 32, 2, 2)
    assert window[0, :, 0, 0].tolist() == [0.0] * 5 + [1.0] * 21 + [0.0] * 6
    mean, coverage = slabs.merge(window)
    assert torch.equal(mean, torch.ones(21, 2, 2))
    assert torch.equal(coverage, torch.ones(21))


def test_windows_hold_the_slices_that_their_starts_say():
    slabs = Slabs.over(3, 50, 60, PLAN)
    x = torch.arange(60.0)[:, None, None].expand(60, 2, 3)
    windows = slabs.extract(x)
    assert windows[:, 0, 0, 0].tolist() == list(map(float, slabs.starts))
    assert windows[-1, -1, 0, 0] == 50


def test_a_constant_model_gives_a_constant_map_on_covered_slices_and_zero_elsewhere():
    slabs = Slabs.over(5, 57, 70, PLAN)
    mean, coverage = slabs.merge(torch.full((len(slabs.starts), 5, 32, 2, 3), 0.7))
    assert mean.shape == (5, 70, 2, 3)
    covered = coverage > 0
    assert covered.nonzero().ravel().tolist() == list(range(5, 58))
    torch.testing.assert_close(mean[:, covered], torch.full((5, 53, 2, 3), 0.7))
    assert not mean[:, ~covered].any()


def test_coverage_counts_windows_and_overlaps_are_averaged():
    slabs = Slabs((0, 1), 2, 4)
    mean, coverage = slabs.merge(torch.tensor([[1.0, 2.0], [4.0, 6.0]])[:, :, None, None])
    assert coverage.tolist() == [1.0, 2.0, 1.0, 0.0]
    assert mean.ravel().tolist() == [1.0, 3.0, 6.0, 0.0]


def test_extracting_and_merging_gives_back_the_covered_scan():
    x = torch.rand(50, 3, 2, generator=torch.Generator().manual_seed(0))
    slabs = Slabs.over(0, 49, 50, PLAN)
    torch.testing.assert_close(slabs.merge(slabs.extract(x))[0], x)


@pytest.mark.parametrize(("first", "last"), [(5, 4), (-1, 3), (3, 80)])
def test_an_empty_range_or_one_outside_the_scan_is_refused(first, last):
    with pytest.raises(ValueError, match="first and last"):
        Slabs.over(first, last, 80, PLAN)

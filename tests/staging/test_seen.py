from dataclasses import replace

import numpy as np
import pytest

from fibrolens.plan import GridPlan, Plan, SlabPlan
from fibrolens.staging.data import StagingCase
from fibrolens.staging.seen import fat_grey, needs_labels, see

GRID = GridPlan(spacing_mm=(5.0, 2.0, 2.0), in_plane=(12, 12))
PLAN = Plan(grid=GRID, slab=SlabPlan(4, 2))


@pytest.fixture
def scan():
    """A scan of 10 slices with the liver in slices 2 to 8, and the spleen beside it."""
    image = np.random.default_rng(0).integers(1, 255, (10, 12, 12)).astype(np.uint8)
    labels = np.zeros(image.shape, np.uint8)
    labels[2:9, 3:8, 1:6] = 1
    labels[4:7, 7:10, 8:11] = 2
    return StagingCase("s", "p", (4,), image, 2, 8), labels


def test_the_upper_abdomen_is_the_whole_scan(scan):
    case, labels = scan
    assert not needs_labels(PLAN)
    assert see(case, None, PLAN).case is case
    np.testing.assert_array_equal(see(case, labels, PLAN).case.image, case.image)


@pytest.mark.parametrize(("region", "kept"), [("liver_only", [1]), ("liver_spleen", [1, 2])])
def test_organs_that_stay_are_cut_out_of_the_rest(scan, region, kept):
    case, labels = scan
    image = see(case, labels, replace(PLAN, region=region)).case.image
    inside = np.isin(labels, kept)
    np.testing.assert_array_equal(image[inside], case.image[inside])
    assert not image[~inside].any()


@pytest.mark.parametrize(("region", "gone", "stays"), [("no_liver", 1, 2), ("no_spleen", 2, 1)])
def test_an_organ_that_goes_becomes_fat_with_a_rim_and_spares_the_other(scan, region, gone, stays):
    case, labels = scan
    image = see(case, labels, replace(PLAN, region=region)).case.image
    assert (image[labels == gone] == fat_grey(GRID)).all()
    np.testing.assert_array_equal(image[labels == stays], case.image[labels == stays])
    changed = image != case.image
    reach = np.argwhere(labels == gone)
    assert changed.any(axis=(1, 2)).sum() == len(np.unique(reach[:, 0]))
    low, high = reach.min(axis=0)[1:] - 1, reach.max(axis=0)[1:] + 1
    rows, columns = np.flatnonzero(changed.any(axis=(0, 2))), np.flatnonzero(changed.any(axis=(0, 1)))
    assert rows[0] >= max(low[0], 0)
    assert rows[-1] <= high[0]
    assert columns[0] >= max(low[1], 0)
    assert columns[-1] <= high[1]


def test_fat_has_the_grey_of_minus_100_hounsfield_units():
    assert fat_grey(GridPlan(window_hu=(-125.0, 225.0))) == round(25 / 350 * 255)


def test_a_patch_lies_around_the_widest_place_of_the_liver(scan):
    case, labels = scan
    seen = see(case, labels, replace(PLAN, patch_mm=8.0))
    assert seen.case.image.shape == (7, 4, 4)
    assert (seen.case.liver_first, seen.case.liver_last) == (0, 6)
    # The liver is five pixels wide in both directions; its middle is row 5, column 3.
    np.testing.assert_array_equal(seen.case.image, case.image[2:9, 3:7, 1:5])


def test_a_patch_over_the_edge_of_the_scan_is_black_there(scan):
    case, labels = scan
    seen = see(case, labels, replace(PLAN, patch_mm=16.0))
    assert not seen.case.image[:, :, 0].any()
    np.testing.assert_array_equal(seen.case.image[:, :, 1:], case.image[2:9, 1:9, 0:7])


def test_sections_lie_in_the_middle_of_their_shares_of_the_liver(scan):
    case, labels = scan
    plan = replace(PLAN, slab=SlabPlan(3, 3), sections=3)
    seen = see(case, labels, plan)
    np.testing.assert_array_equal(seen.slices, [3, 5, 7])
    np.testing.assert_array_equal(seen.case.image, case.image[[3, 5, 7]])
    assert (seen.case.liver_first, seen.case.liver_last) == (0, 2)


def test_a_short_liver_gives_the_same_section_twice(scan):
    case, labels = scan
    plan = replace(PLAN, slab=SlabPlan(3, 3), sections=3)
    seen = see(replace(case, liver_first=4, liver_last=5), labels, plan)
    np.testing.assert_array_equal(seen.slices, [4, 5, 5])


def test_maps_go_back_to_where_the_patch_was_cut(scan):
    case, labels = scan
    seen = see(case, labels, replace(PLAN, patch_mm=16.0))
    back = seen.back(seen.case.image[None].astype(np.float32))[0]
    inside = np.zeros(case.image.shape, bool)
    inside[2:9, 1:9, 0:7] = True
    np.testing.assert_array_equal(back[inside], case.image[inside])
    assert not back[~inside].any()


def test_coverage_counts_the_slices_of_the_scan(scan):
    case, labels = scan
    seen = see(case, labels, replace(PLAN, slab=SlabPlan(3, 3), sections=3))
    np.testing.assert_array_equal(seen.covered(np.ones(3)), np.isin(np.arange(10), [3, 5, 7]))

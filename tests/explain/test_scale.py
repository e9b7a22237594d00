import json

import numpy as np
import pytest

from fibrolens.errors import ExplanationError, ModelError
from fibrolens.explain.scale import CohortQuantile, combine_layers, mean1, min_max

INSIDE = np.array([True, True, True, False])


def test_the_mean_inside_becomes_one_and_what_is_outside_does_not_count():
    scaled = mean1(np.array([1.0, 2.0, 3.0, 10.0]), INSIDE)
    assert scaled.mean == 2.0
    assert scaled.array.dtype == np.float32
    np.testing.assert_allclose(scaled.array, [0.5, 1.0, 1.5, 5.0])


def test_the_scale_does_not_depend_on_the_unit_of_the_map():
    values = np.array([1.0, 2.0, 6.0, 0.0])
    np.testing.assert_allclose(mean1(values, INSIDE).array, mean1(values * 1e-4, INSIDE).array, rtol=1e-6)


@pytest.mark.parametrize("inside", [INSIDE, np.zeros(4, bool)])
def test_a_map_that_is_zero_inside_stays_zero_and_says_that_it_has_no_mean(inside):
    scaled = mean1(np.zeros(4), inside)
    assert scaled.mean is None
    assert not scaled.array.any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
def test_values_that_no_map_can_have_are_refused(bad):
    with pytest.raises(ExplanationError, match="negative or non-finite"):
        mean1(np.array([1.0, bad, 1.0, 1.0]), INSIDE)


def test_layers_are_combined_as_the_mean_of_their_mean1_maps():
    combined = combine_layers([np.array([1.0, 2.0, 3.0, 0.0]), np.array([300.0, 0.0, 0.0, 0.0])], INSIDE)
    np.testing.assert_allclose(combined.array, [1.75, 0.5, 0.75, 0.0])
    assert combined.mean == 1.0


def test_an_all_zero_layer_does_not_dim_the_other_and_two_of_them_give_zero():
    values = np.array([1.0, 2.0, 3.0, 0.0])
    np.testing.assert_allclose(combine_layers([values, 0 * values], INSIDE).array, mean1(values, INSIDE).array)
    assert combine_layers([0 * values, 0 * values], INSIDE).mean is None


def cohort(seed: int = 0):
    """Scans of different sizes and spreads, with a share of zeros as Grad-CAM has."""
    generator = np.random.default_rng(seed)
    return [np.maximum(generator.gamma(k, 1.0 / k, 2000 * k) - 0.3, 0.0) for k in (1, 2, 5)]


def test_a_cohort_quantile_is_the_share_of_voxels_below_with_every_scan_alike():
    scans = cohort()
    scale = CohortQuantile.fit(iter(scans))
    values = np.linspace(0.01, 4, 200)
    by_hand = [np.mean([(scan < value).mean() for scan in scans]) for value in values]
    # Between zero and the lowest value above it the levels rise from 0, which only a map's very dark places meet.
    dark = values < 0.05
    np.testing.assert_allclose(scale.apply(values)[~dark], np.array(by_hand)[~dark], atol=2e-3)
    assert scale.scans == 3


def test_it_runs_from_0_to_1_never_falls_and_stays_at_its_ends():
    scale = CohortQuantile.fit(cohort())
    highest = max(scan.max() for scan in cohort())
    applied = scale.apply(np.array([-1.0, 0.0, highest, 99.0]))
    np.testing.assert_array_equal(applied, [0, 0, 1, 1])
    assert (np.diff(scale.apply(np.linspace(0, 8, 1000))) >= 0).all()


def test_a_map_keeps_its_shape_and_no_region_changes_its_order():
    array = np.random.default_rng(0).random((3, 4, 5)) * 3
    applied = CohortQuantile.fit(cohort()).apply(array)
    assert (applied.shape, applied.dtype) == ((3, 4, 5), np.float32)
    order = np.argsort(array, axis=None)
    assert (np.diff(applied.ravel()[order]) >= 0).all()


def test_many_voxels_of_one_scan_weigh_no_more_than_few_of_another():
    small, large = np.linspace(0, 1, 101), np.linspace(2, 3, 100_001)
    assert CohortQuantile.fit([small, large]).apply(np.array([1.5]))[0] == pytest.approx(0.5, abs=3e-3)


def test_a_cohort_of_one_value_puts_it_at_0():
    assert CohortQuantile.fit([np.ones(5)]).apply(np.array([0.0, 1.0, 2.0])).tolist() == [0, 0, 0]


@pytest.mark.parametrize("scans", [[], [np.empty(0)], [np.ones(3), np.array([1.0, np.nan])]])
def test_a_cohort_without_values_is_refused(scans):
    with pytest.raises(ExplanationError, match="cohort scale"):
        CohortQuantile.fit(scans)


def test_the_knots_come_back_from_their_file(tmp_path):
    scale = CohortQuantile.fit(cohort())
    scale.write(tmp_path / "scale.json")
    assert CohortQuantile.read(tmp_path / "scale.json") == scale


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"values": [1.0, 0.5]}, "ascending"),
        ({"values": [0.0, float("nan")]}, "ascending"),
        ({"levels": [0.0, 1.5]}, "from 0 to 1"),
        ({"levels": [0.0]}, "equally many"),
        ({"values": [], "levels": []}, "at least one"),
        ({"scans": 0}, "at least one"),
        ({"scans": "three"}, "must be int"),
        ({"more": 1}, "unknown keys"),
    ],
)
def test_a_damaged_file_is_refused_by_a_sentence(tmp_path, change, said):
    path = tmp_path / "scale.json"
    path.write_text(json.dumps({"values": [0.0, 1.0], "levels": [0.0, 1.0], "scans": 2} | change))
    with pytest.raises(ModelError, match=said):
        CohortQuantile.read(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ModelError, match="cannot be used"):
        CohortQuantile.read(tmp_path / "absent.json")


def test_min_max_stretches_what_lies_inside_and_cuts_off_the_rest():
    found = min_max(np.array([1.0, 2.0, 3.0, 10.0]), INSIDE)
    np.testing.assert_allclose(found, [0, 0.5, 1, 1])
    assert found.dtype == np.float32


@pytest.mark.parametrize("inside", [INSIDE, np.zeros(4, bool)])
def test_a_constant_map_has_nothing_to_stretch(inside):
    assert not min_max(np.full(4, 2.0), inside).any()

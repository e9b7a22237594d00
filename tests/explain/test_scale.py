import numpy as np
import pytest

from fibrolens.errors import ExplanationError
from fibrolens.explain.scale import combine_layers, mean1

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

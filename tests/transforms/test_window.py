import numpy as np
import pytest

from fibrolens.transforms import Window
from fibrolens.volume import Geometry, Volume

WINDOW = Window(-125.0, 225.0)


def hounsfield(*values: float) -> Volume:
    return Volume(np.array(values, np.int16).reshape(1, 1, -1), Geometry((1, 1, len(values)), (1.0, 1.0, 1.0)))


def test_the_window_becomes_zero_to_one_and_the_rest_is_clipped():
    result = WINDOW.forward(hounsfield(-1000, -125, 50, 225, 3000)).array
    assert result.dtype == np.float32
    np.testing.assert_allclose(result.ravel(), [0, 0, 0.5, 1, 1])


def test_the_inverse_gives_hounsfield_units_within_the_window():
    back = WINDOW.inverse(WINDOW.forward(hounsfield(-1000, -60, 101, 225)))
    np.testing.assert_allclose(back.array.ravel(), [-125, -60, 101, 225], atol=1e-3)


def test_a_window_between_percentiles_clips_what_lies_beyond():
    values = np.arange(1001.0)
    window = Window.between(values, (0.5, 99.5))
    assert (window.lower, window.upper) == pytest.approx((5.0, 995.0))


@pytest.mark.parametrize(("values", "lower"), [([], 0.0), ([3.0, 3.0], 3.0)])
def test_a_window_between_percentiles_of_equal_values_or_none_is_one_wide(values, lower):
    assert Window.between(np.array(values), (0.5, 99.5)) == Window(lower, lower + 1)

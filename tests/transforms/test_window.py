import numpy as np

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

import numpy as np

from fibrolens.audit.robust import moved, noisy
from fibrolens.plan import GridPlan


def test_noise_is_ten_hounsfield_units():
    grey = noisy(np.full((20, 20, 20), 100, np.uint8), GridPlan(), np.random.default_rng(0))
    assert abs(grey.std() * 350 / 255 - 10) < 0.3


def test_a_moved_scan_lies_further_and_air_comes_in():
    image = np.arange(1, 9, dtype=np.uint8).reshape(2, 2, 2)
    assert moved(image, (0, 1, 0)).tolist() == [[[0, 0], [1, 2]], [[0, 0], [5, 6]]]
    assert moved(image, (0, 0, 0)).tolist() == image.tolist()

import numpy as np
import pytest

from fibrolens.phantom.acquisition import acquire, noise
from fibrolens.volume import Geometry

THIN = Geometry((8, 160, 160), (2.5, 0.75, 0.75))
THICK = Geometry((8, 160, 160), (5.0, 0.75, 0.75))


def test_noise_has_the_scans_level_on_thick_slices_and_root_two_more_on_thin_ones(patient):
    assert noise(patient, THICK).std() == pytest.approx(patient.scan.noise_hu, rel=0.01)
    assert noise(patient, THIN).std() == pytest.approx(patient.scan.noise_hu * 2**0.5, rel=0.01)


def test_noise_is_correlated_between_neighbouring_pixels_without_a_slow_part(patient):
    field = noise(patient, THICK)
    neighbour = np.corrcoef(field[:, :, 1:].ravel(), field[:, :, :-1].ravel())[0, 1]
    blocks = field.reshape(8, 8, 20, 8, 20).mean((2, 4))
    assert neighbour > 0.4
    assert blocks.std() < 0.1 * field.std()


def test_an_edge_is_blurred_and_the_result_is_whole_hounsfield_units(patient):
    step = np.zeros(THICK.shape, np.float32)
    step[:, :, 80:] = 1000
    scan = acquire(step, patient, THICK)
    assert scan.dtype == np.int16
    profile = scan.mean((0, 1))
    assert 5 < profile[79] < 995
    assert profile[40] == pytest.approx(0, abs=5)
    assert profile[120] == pytest.approx(1000, abs=5)


def test_values_stay_within_twelve_bits(patient):
    scan = acquire(np.full(THICK.shape, 9000, np.float32), patient, THICK)
    assert scan.max() == 3071

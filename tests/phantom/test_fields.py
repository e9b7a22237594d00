import numpy as np
import pytest

from fibrolens.phantom.fields import band, patches, sample_linear, unit_sd


def test_linear_samples_of_a_linear_field_are_exact():
    z, y, x = np.meshgrid(np.arange(4), np.arange(5), np.arange(6), indexing="ij")
    field = (2 * z - 3 * y + 5 * x).astype(np.float32)
    index = [np.array([0.5, 2.25]), np.array([3.9]), np.array([0.0, 1.5, 4.75])]
    expected = 2 * index[0][:, None, None] - 3 * index[1][None, :, None] + 5 * index[2][None, None]
    np.testing.assert_allclose(sample_linear(field, index), expected, atol=1e-5)


def test_a_band_has_unit_spread_and_its_correlation_length_in_millimetres():
    spacing = np.array((2.0, 1.0, 1.0))
    field = band(np.random.default_rng(0), (30, 60, 60), spacing, 3.0)
    assert field.std() == pytest.approx(1, abs=1e-3)
    near, far = (float(np.mean(field[:, :, :-k] * field[:, :, k:])) for k in (1, 12))
    assert near > 0.8
    assert abs(far) < 0.3


def test_patches_are_never_negative_and_average_about_one():
    field = patches(np.random.default_rng(0), (40, 80, 80), np.ones(3))
    assert field.min() >= 0
    assert field.mean() == pytest.approx(1, abs=0.2)


def test_an_empty_field_stays_empty():
    assert unit_sd(np.zeros((0, 4, 4), np.float32)).size == 0

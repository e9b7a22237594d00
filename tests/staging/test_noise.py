"""Noise by the table is as good as normal noise."""

import numpy as np
import pytest
from scipy.stats import kstest, normaltest

from fibrolens.staging.noise import normal


def test_values_are_normal_with_the_mean_and_deviation_asked_for():
    values = normal(np.random.default_rng(0), (200_000,), 0.3, 0.02).astype(float)
    assert values.mean() == pytest.approx(0.3, abs=2e-4)
    assert values.std() == pytest.approx(0.02, rel=1e-2)
    assert kstest((values - 0.3) / 0.02, "norm").pvalue > 0.01
    assert normaltest(values).pvalue > 0.01


def test_neighbours_do_not_depend_on_each_other():
    rows = normal(np.random.default_rng(0), (1000, 200), 0.0, 1.0).astype(float)
    for lag in range(1, 5):
        assert abs(np.corrcoef(rows[:, lag:].ravel(), rows[:, :-lag].ravel())[0, 1]) < 0.01


@pytest.mark.parametrize("shape", [(3,), (2, 3, 5), (4, 4)])
def test_the_seed_decides_and_any_shape_is_filled(shape):
    first, again, other = (normal(np.random.default_rng(seed), shape, 0.0, 1.0) for seed in (7, 7, 8))
    assert first.shape == shape
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_no_deviation_is_the_mean():
    np.testing.assert_array_equal(normal(np.random.default_rng(0), (5,), 0.25, 0.0), np.full(5, np.float32(0.25)))

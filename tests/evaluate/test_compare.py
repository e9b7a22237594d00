import math

import numpy as np
import pytest
from scipy.stats import norm

from fibrolens.evaluate.compare import delong_difference


def sample(seed: int, n: int = 40):
    generator = np.random.default_rng(seed)
    positive = np.arange(n) < n // 3
    shared = generator.normal(size=n) + positive
    return positive, (shared + generator.normal(size=n)).round(1), (shared + generator.normal(size=n)).round(1)


def wins(positive, score):
    """The kernel of every pair of a positive and a negative case."""
    up, down = score[positive][:, None], score[~positive][None, :]
    return (up > down) + 0.5 * (up == down)


@pytest.mark.parametrize("seed", range(5))
def test_difference_equals_the_brute_force_u_statistic_covariance(seed):
    positive, score, other = sample(seed)
    a, b = wins(positive, score), wins(positive, other)
    by_positive, by_negative = np.cov(a.mean(1), b.mean(1)), np.cov(a.mean(0), b.mean(0))
    covariance = by_positive / a.shape[0] + by_negative / a.shape[1]
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    found = delong_difference(positive, score, other)
    assert found.interval.estimate == pytest.approx(a.mean() - b.mean(), abs=1e-12)
    half = (found.interval.high - found.interval.low) / 2
    assert half == pytest.approx(norm.ppf(0.975) * variance**0.5, abs=1e-12)
    assert found.p_value == pytest.approx(2 * norm.sf(abs(a.mean() - b.mean()) / variance**0.5), abs=1e-12)


def test_scores_that_rank_alike_do_not_differ():
    positive, score, _ = sample(0)
    found = delong_difference(positive, score, np.exp(score))
    assert (found.interval.estimate, found.interval.low, found.interval.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_exchanged_scores_change_the_sign_alone():
    positive, score, other = sample(1)
    one, two = delong_difference(positive, score, other), delong_difference(positive, other, score)
    assert one.interval.estimate == pytest.approx(-two.interval.estimate)
    assert one.p_value == pytest.approx(two.p_value)


def test_a_single_positive_case_gives_no_interval():
    positive = np.array([True, False, False])
    found = delong_difference(positive, np.array([3.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0]))
    assert found.interval.estimate == 1.0
    assert math.isnan(found.interval.low)
    assert math.isnan(found.p_value)


def test_scores_that_vary_in_no_case_give_no_interval():
    """One separates the classes wholly, the other is constant: an interval of no width would claim certainty."""
    positive = np.array([True, True, True, False, False, False])
    found = delong_difference(positive, np.array([6.0, 5.0, 4.0, 3.0, 2.0, 1.0]), np.zeros(6))
    assert found.interval.estimate == 0.5
    assert math.isnan(found.interval.high)
    assert math.isnan(found.p_value)

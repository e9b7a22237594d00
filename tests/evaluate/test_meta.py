"""Random effects: one figure from several hospitals."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import t

from fibrolens.evaluate.meta import cochran_q, random_effects, tau2_reml

#: The thirteen trials of BCG vaccine (Colditz et al., JAMA 1994;271:698): cases and others, vaccinated and not.
BCG = np.array([
    (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761),
    (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232), (17, 1699, 65, 1600),
    (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825),
], float)  # fmt: skip


@pytest.fixture
def trials():
    a, b, c, d = BCG.T
    return np.log(a / (a + b)) - np.log(c / (c + d)), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)


def test_a_known_meta_analysis_comes_out_as_published(trials):
    """Log risk ratios: tau2, mean and Q as R's metafor prints them; Hartung and Knapp's interval written out."""
    found = random_effects(*trials)
    assert found.tau2 == pytest.approx(0.3132, abs=5e-5)
    assert found.mean.estimate == pytest.approx(-0.7145, abs=5e-5)
    estimate, variance = trials
    weight = 1 / (variance + found.tau2)
    error = np.sqrt(np.average((estimate - found.mean.estimate) ** 2, weights=weight) / 12)
    half = t.ppf(0.975, 12) * error
    assert (found.mean.low, found.mean.high) == pytest.approx((-0.7145 - half, -0.7145 + half), abs=5e-5)
    assert found.q == pytest.approx(152.233, abs=5e-4)
    assert found.i2 == pytest.approx((152.233 - 12) / 152.233, abs=1e-5)
    assert found.p_value < 1e-4


def test_the_variance_between_is_where_the_restricted_likelihood_is_highest():
    generator = np.random.default_rng(0)
    for _ in range(20):
        variance = generator.uniform(0.02, 0.3, 5)
        estimate = generator.normal(0, 0.6, 5) + generator.normal(0, variance**0.5)

        def loss(between, estimate=estimate, variance=variance):
            weight = 1 / (variance + between)
            mean = weight @ estimate / weight.sum()
            return np.log(variance + between).sum() + np.log(weight.sum()) + weight @ (estimate - mean) ** 2

        best = minimize_scalar(loss, bounds=(0, 5), method="bounded", options={"xatol": 1e-10})
        assert tau2_reml(estimate, variance) == pytest.approx(best.x, abs=1e-5)


def test_hospitals_that_agree_have_no_variance_between_and_no_narrower_interval_than_chance_asks():
    estimate, variance = np.full(4, 2.0), np.full(4, 0.1)
    found = random_effects(estimate, variance)
    assert (found.tau2, found.i2, found.q) == (0, 0, 0)
    assert found.standard_error == pytest.approx((0.1 / 4) ** 0.5)
    assert found.mean.high - 2 == pytest.approx(t.ppf(0.975, 3) * (0.1 / 4) ** 0.5)


def test_equal_variances_give_the_plain_mean_and_its_t_interval():
    estimate, variance = np.array([1.0, 3.0, 2.0, 6.0]), np.full(4, 0.01)
    found = random_effects(estimate, variance)
    assert found.weights == pytest.approx((0.25,) * 4)
    assert found.tau2 + 0.01 == pytest.approx(estimate.var(ddof=1))
    half = t.ppf(0.975, 3) * estimate.std(ddof=1) / 2
    assert (found.mean.low, found.mean.high) == pytest.approx((3 - half, 3 + half))
    ahead = t.ppf(0.975, 2) * (found.tau2 + found.standard_error**2) ** 0.5
    assert found.prediction.high == pytest.approx(3 + ahead)


def test_few_hospitals_say_what_they_cannot_give():
    one = random_effects(np.array([1.5]), np.array([0.2]))
    assert (one.mean.estimate, one.weights) == (1.5, (1.0,))
    assert np.isnan([one.mean.low, one.q, one.prediction.low]).all()
    two = random_effects(np.array([1.5, 1.7]), np.array([0.2, 0.1]))
    assert two.mean.low < two.mean.estimate < two.mean.high
    assert np.isnan(two.prediction.low)


def test_cochran_s_q_by_hand():
    assert cochran_q(np.array([1.0, 2.0]), np.array([0.5, 0.5])) == pytest.approx(1.0)

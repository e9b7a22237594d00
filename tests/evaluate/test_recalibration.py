import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from fibrolens.evaluate.recalibration import recalibrate


def drawn(n, slope=1.0, intercept=0.0, seed=0):
    """Outcomes whose true logit is intercept + slope * logit of the probability told."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=n) * 1.5
    return generator.random(n) < expit(intercept + slope * x), expit(x)


def test_slope_and_intercept_are_those_of_a_logistic_regression():
    positive, probability = drawn(300, 0.6, 0.8)
    found = recalibrate(positive, probability, np.arange(300))
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logit(probability)[:, None], positive)
    assert found.slope.estimate == pytest.approx(model.coef_[0, 0], abs=1e-5)
    assert found.intercept.estimate == pytest.approx(model.intercept_[0], abs=1e-5)


def test_at_the_intercept_in_the_large_the_mean_probability_is_the_prevalence():
    positive, probability = drawn(200, 1.0, -1.2, seed=1)
    found = recalibrate(positive, probability, np.arange(200)).in_the_large
    assert expit(logit(probability) + found.estimate).mean() == pytest.approx(positive.mean(), abs=1e-9)
    assert found.low < -1.2 < found.high


def test_the_intervals_are_the_sandwich_written_out():
    positive, probability = drawn(120, seed=2)
    patient = np.arange(120) // 2
    found = recalibrate(positive, probability, patient)
    design = np.stack([np.ones(120), logit(probability)], axis=1)
    mu = expit(design @ [found.intercept.estimate, found.slope.estimate])
    bread = np.linalg.inv((design.T * (mu * (1 - mu))) @ design)
    meat = np.zeros((2, 2))
    for number in range(60):
        own = design[patient == number].T @ (positive - mu)[patient == number]
        meat += np.outer(own, own)
    errors = np.sqrt(np.diag(bread @ meat @ bread) * 60 / 59)
    assert found.slope.high - found.slope.estimate == pytest.approx(1.959964 * errors[1], rel=1e-6)
    assert found.intercept.estimate - found.intercept.low == pytest.approx(1.959964 * errors[0], rel=1e-6)


def test_every_scan_twice_changes_neither_figures_nor_much_of_the_intervals():
    positive, probability = drawn(80, seed=3)
    once = recalibrate(positive, probability, np.arange(80))
    twice = recalibrate(np.repeat(positive, 2), np.repeat(probability, 2), np.repeat(np.arange(80), 2))
    assert twice.slope.low == pytest.approx(once.slope.low, abs=1e-8)


def test_the_intervals_hold_the_truth_as_often_as_they_say():
    held = [
        (found := recalibrate(*drawn(250, seed=seed), np.arange(250))).slope.low < 1 < found.slope.high
        for seed in range(400)
    ]
    assert 0.92 < np.mean(held) < 0.98


def test_sides_that_do_not_overlap_have_no_slope_but_an_intercept():
    positive = np.arange(8) >= 4
    found = recalibrate(positive, np.linspace(0.1, 0.9, 8), np.arange(8))
    assert np.isnan(found.slope.estimate)
    assert np.isnan(found.intercept.estimate)
    assert found.in_the_large.estimate == pytest.approx(0, abs=1e-9)
    assert np.isnan(recalibrate(positive, np.full(8, 0.3), np.arange(8)).slope.estimate)


def test_probabilities_that_are_all_far_off_are_recalibrated_too():
    positive = np.arange(40) % 2 == 0
    found = recalibrate(positive, np.where(np.arange(40) % 3 == 0, 1e-6, 1e-5), np.arange(40))
    assert found.in_the_large.estimate == pytest.approx(12.1, abs=0.7)
    none = recalibrate(np.ones(4, bool), np.full(4, 0.5), np.arange(4))
    assert np.isnan(none.in_the_large.estimate)


def test_a_single_positive_patient_gives_no_interval():
    positive, probability = np.arange(9) == 4, np.linspace(0.1, 0.9, 9)
    found = recalibrate(positive, probability, np.arange(9))
    assert not np.isnan(found.slope.estimate)
    assert np.isnan(found.slope.low)

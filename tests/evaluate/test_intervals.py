import itertools
import time

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fibrolens.evaluate.intervals import auc, bootstrap_auc, delong, delong_variance, wilson


def sample(seed: int, n: int = 40):
    generator = np.random.default_rng(seed)
    positive = np.arange(n) < n // 3
    return positive, (generator.normal(size=n) + positive).round(1)


def kernel(up: float, down: float) -> float:
    return float(up > down) + 0.5 * float(up == down)


@pytest.mark.parametrize("seed", range(5))
def test_auc_equals_scikit_learn_with_ties(seed):
    positive, score = sample(seed)
    assert abs(auc(positive, score) - roc_auc_score(positive, score)) < 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_delong_equals_the_brute_force_u_statistic(seed):
    positive, score = sample(seed)
    up, down = score[positive], score[~positive]
    wins = np.array([[kernel(a, b) for b in down] for a in up])
    variance = wins.mean(1).var(ddof=1) / len(up) + wins.mean(0).var(ddof=1) / len(down)
    assert delong_variance(positive, score) == pytest.approx(variance, abs=1e-14)
    interval = delong(positive, score)
    assert interval.estimate == pytest.approx(wins.mean(), abs=1e-12)
    assert interval.low == pytest.approx(max(0, wins.mean() - 1.959963984540054 * variance**0.5), abs=1e-12)


def test_delong_has_no_interval_with_a_single_positive_case():
    interval = delong(np.array([True, False, False]), np.array([0.9, 0.1, 0.2]))
    assert interval.estimate == 1.0
    assert np.isnan([interval.low, interval.high]).all()


def test_a_bootstrap_replicate_is_the_auc_of_the_drawn_scans():
    positive, score = sample(1, 9)
    interval = bootstrap_auc(positive, score, np.arange(9), np.random.default_rng(0), 4000)
    up, down = np.flatnonzero(positive), np.flatnonzero(~positive)
    pairs = np.array([[kernel(score[i], score[j]) for j in down] for i in up])
    generator = np.random.default_rng(1)
    draws = [pairs[np.ix_(generator.integers(0, 3, 3), generator.integers(0, 6, 6))].mean() for _ in range(4000)]
    assert [interval.low, interval.high] == pytest.approx(np.percentile(draws, [2.5, 97.5]), abs=0.04)


def test_scans_of_a_patient_are_drawn_together():
    positive, score = sample(2, 30)
    doubled = [np.repeat(a, 2) for a in (positive, score)]
    alone = bootstrap_auc(positive, score, np.arange(30), np.random.default_rng(0))
    twice = bootstrap_auc(*doubled, np.repeat(np.arange(30), 2), np.random.default_rng(0))
    naive = bootstrap_auc(*doubled, np.arange(60), np.random.default_rng(0))
    assert (alone.low, alone.high) == pytest.approx((twice.low, twice.high))
    assert naive.high - naive.low < 0.85 * (alone.high - alone.low)


def test_bootstrap_is_fast_enough_for_a_study():
    positive, score = sample(0, 252)
    started = time.perf_counter()
    bootstrap_auc(positive, score, np.arange(252), np.random.default_rng(0))
    assert time.perf_counter() - started < 2.0


@pytest.mark.parametrize(("successes", "trials", "low", "high"), [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775)])
def test_wilson_gives_the_published_intervals(successes, trials, low, high):
    interval = wilson(successes, trials)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-4)


def test_wilson_is_symmetric_and_unknown_without_trials():
    for k, n in itertools.product(range(4), [3]):
        assert wilson(k, n).low == pytest.approx(1 - wilson(n - k, n).high)
    assert np.isnan(wilson(0, 0).estimate)

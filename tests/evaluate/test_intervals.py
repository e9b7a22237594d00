import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fibrolens.evaluate.intervals import auc, delong, delong_variance, wilson


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
    odds = [end / (1 - end) for end in (interval.low, wins.mean(), interval.high)]
    step = 1.959963984540054 * variance**0.5 / (wins.mean() * (1 - wins.mean()))
    assert [math.log(odds[1] / odds[0]), math.log(odds[2] / odds[1])] == pytest.approx([step, step], abs=1e-12)


def test_a_patient_s_scans_that_agree_are_no_new_evidence():
    positive, score = sample(2)
    patient = np.arange(40)
    doubled = [np.repeat(a, 2) for a in (positive, score, patient)]
    assert delong_variance(*doubled) == pytest.approx(delong_variance(positive, score, patient), rel=1e-12)
    assert delong_variance(doubled[0], doubled[1]) < 0.6 * delong_variance(*doubled)


@pytest.mark.parametrize("seed", range(3))
def test_delong_of_patients_equals_the_brute_force_clusters(seed):
    """Obuchowski 1997: placements summed per patient; a patient may have scans on both sides."""
    positive, score = sample(seed, 30)
    patient = np.random.default_rng(seed).integers(0, 14, 30)
    wins = np.array([[kernel(a, b) for b in score[~positive]] for a in score[positive]])
    up, down = wins.mean(1) - wins.mean(), wins.mean(0) - wins.mean()
    everyone, own = np.unique(patient), (patient[positive], patient[~positive])
    sums = [np.array([part[mine == p].sum() for p in everyone]) for part, mine in zip((up, down), own, strict=True)]
    i, j, n = len(np.unique(own[0])), len(np.unique(own[1])), len(everyone)
    expected = (
        i / (i - 1) * (sums[0] ** 2).sum() / len(up) ** 2
        + j / (j - 1) * (sums[1] ** 2).sum() / len(down) ** 2
        + 2 * n / (n - 1) * (sums[0] * sums[1]).sum() / (len(up) * len(down))
    )
    assert delong_variance(positive, score, patient) == pytest.approx(expected, abs=1e-14)


def test_the_interval_stays_between_0_and_1():
    positive, score = np.arange(20) < 10, np.array([*range(10, 20), *range(9), 10.5])
    interval = delong(positive, score)
    assert interval.estimate == 0.99
    assert 0.8 < interval.low < 0.99 < interval.high < 1


def test_sides_that_do_not_overlap_give_no_interval():
    """An interval of no width would claim certainty."""
    interval = delong(np.array([True, True, False, False]), np.array([0.9, 0.8, 0.2, 0.1]))
    assert interval.estimate == 1.0
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)


def test_delong_has_no_interval_with_a_single_positive_case():
    interval = delong(np.array([True, False, False]), np.array([0.9, 0.1, 0.2]))
    assert interval.estimate == 1.0
    assert np.isnan([interval.low, interval.high]).all()


def alone(successes: int, trials: int):
    """Wilson's interval where each patient has one scan."""
    return wilson(np.arange(trials) < successes, np.arange(trials))


@pytest.mark.parametrize(("successes", "trials", "low", "high"), [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775)])
def test_wilson_gives_the_published_intervals(successes, trials, low, high):
    interval = alone(successes, trials)
    assert interval.estimate == successes / trials
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-4)


def test_wilson_is_symmetric_and_unknown_without_scans():
    for k in range(4):
        assert alone(k, 3).low == pytest.approx(1 - alone(3 - k, 3).high)
    nothing = alone(0, 0)
    assert np.isnan([nothing.estimate, nothing.low, nothing.high]).all()


def test_scans_of_one_patient_count_as_one_trial():
    success = np.arange(10) < 8
    found = wilson(np.repeat(success, 3), np.repeat(np.arange(10), 3))
    assert (found.low, found.high) == pytest.approx((alone(8, 10).low, alone(8, 10).high))
    mixed = wilson(success, np.array([0, 0, 1, 2, 3, 4, 5, 6, 7, 8]))
    assert mixed.estimate == 0.8
    assert alone(8, 9).high - alone(8, 9).low < mixed.high - mixed.low

import time

import numpy as np
import pytest

from fibrolens.evaluate.bootstrap import bootstrap, bootstrap_auc, bootstrap_curve, resampled_auc
from fibrolens.evaluate.intervals import auc


def sample(seed: int, n: int = 40):
    generator = np.random.default_rng(seed)
    positive = np.arange(n) < n // 3
    return positive, (generator.normal(size=n) + positive).round(1)


def kernel(up: float, down: float) -> float:
    return float(up > down) + 0.5 * float(up == down)


@pytest.mark.parametrize("seed", range(3))
def test_a_replicate_s_auc_is_that_of_the_scans_written_out(seed):
    positive, score = sample(seed)
    weights = np.random.default_rng(seed).integers(0, 3, (5, 40))
    found = resampled_auc(positive, score)(1.5 * weights)
    assert found == pytest.approx([auc(np.repeat(positive, w), np.repeat(score, w)) for w in weights], abs=1e-12)


def test_the_interval_is_that_of_plain_draws_within_both_groups():
    positive, score = sample(2, 9)
    interval = bootstrap_auc(positive, score, np.arange(9), np.random.default_rng(0), 4000)
    up, down = np.flatnonzero(positive), np.flatnonzero(~positive)
    pairs = np.array([[kernel(score[i], score[j]) for j in down] for i in up])
    generator = np.random.default_rng(1)
    draws = [pairs[np.ix_(generator.integers(0, 3, 2), generator.integers(0, 6, 5))].mean() for _ in range(4000)]
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


def test_a_patient_with_scans_on_both_sides_is_drawn_with_the_positive_ones():
    seen = []

    def statistic(weights):
        seen.append(weights)
        return weights[:, 0]

    bootstrap(statistic, np.array([1, 0, 1, 0, 0, 0]), np.array([0, 0, 1, 2, 3, 4]), np.random.default_rng(0), 50)
    weights = np.concatenate(seen)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert weights[:, [0, 2]].sum(axis=1) == pytest.approx(2)
    assert weights[:, 3:].sum(axis=1) == pytest.approx(3)
    assert set(weights[:, 3:].ravel().tolist()) == {0.0, 1.5, 3.0}


def test_a_side_of_one_patient_gives_no_interval():
    score = np.array([0.9, 0.8, 0.2, 0.1])
    found = bootstrap_auc(np.array([False, True, False, False]), score, np.arange(4), np.random.default_rng(0), 50)
    assert found.estimate == pytest.approx(2 / 3)
    assert np.isnan([found.low, found.high]).all()


@pytest.mark.parametrize("positives", [2, 8])
def test_sides_that_do_not_overlap_give_no_interval(positives):
    score = np.linspace(1, 0, 52)
    found = bootstrap_auc(np.arange(52) < positives, score, np.arange(52), np.random.default_rng(0), 500)
    assert found.estimate == 1.0
    assert np.isnan([found.low, found.high]).all()


@pytest.mark.parametrize("seed", range(8))
def test_rounding_makes_no_interval_of_separated_sides(seed):
    """Sums of weights such as 8 / 7 end a hair beside 1."""
    generator = np.random.default_rng(seed)
    n = int(generator.integers(10, 60))
    positive = np.arange(n) < generator.integers(2, n - 2)
    found = bootstrap_auc(positive, generator.random(n) + positive, np.arange(n), generator, 200)
    assert found.estimate == 1.0
    assert np.isnan([found.low, found.high]).all()


@pytest.mark.parametrize("seed", range(40))
def test_the_ends_stay_between_0_and_1(seed):
    generator = np.random.default_rng(seed)
    positive = np.arange(24) < 7
    for sign in (1, -1):
        score = sign * (generator.normal(size=24) + 3 * positive)
        found = bootstrap_auc(positive, score, np.arange(24), generator, 100)
        if 0 < found.estimate < 1:
            assert 0 <= found.low < found.high <= 1


def test_memory_stays_bounded_with_many_scans(monkeypatch):
    positive, score = sample(0)
    monkeypatch.setattr("fibrolens.evaluate.bootstrap.CELLS", 40 * 7)
    few = bootstrap_auc(positive, score, np.arange(40), np.random.default_rng(0), 2000)
    monkeypatch.undo()
    whole = bootstrap_auc(positive, score, np.arange(40), np.random.default_rng(0), 2000)
    assert (few.low, few.high) == pytest.approx((whole.low, whole.high), abs=0.03)


def test_a_curve_s_intervals_are_those_of_its_points_each_alone():
    positive, score = sample(1)
    patient, one = np.arange(40), resampled_auc(positive, score)
    found = bootstrap_curve(
        lambda w: np.stack([one(w), 0 * one(w) + 7, 1 - one(w)], axis=1),
        positive.astype(int),
        patient,
        np.random.default_rng(0),
        300,
    )
    low, high = bootstrap(one, positive.astype(int), patient, np.random.default_rng(0), 300)
    assert found[:, 0] == pytest.approx([low, high])
    assert np.isnan(found[:, 1]).all()  # a point that never moves claims nothing
    assert found[:, 2] == pytest.approx([1 - high, 1 - low])


def test_a_curve_of_a_single_positive_patient_has_no_interval():
    positive = np.arange(9) == 0
    assert bootstrap_curve(lambda w: w, positive.astype(int), np.arange(9), np.random.default_rng(0), 10) is None

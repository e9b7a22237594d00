"""Agreement of readers, against published examples, scikit-learn and counting by hand."""

import itertools
import math

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from fibrolens.evaluate.agreement import MISSING, cohen_kappa, counts_of, fleiss_kappa, gwet_ac1, plain

#: Fleiss 1971, table 1: thirty patients, six psychiatrists each; depression, personality disorder, schizophrenia,
#: neurosis, other.
FLEISS_1971 = np.array([
    [0, 0, 0, 6, 0], [0, 3, 0, 0, 3], [0, 1, 4, 0, 1], [0, 0, 0, 0, 6], [0, 3, 0, 3, 0], [2, 0, 4, 0, 0],
    [0, 0, 4, 0, 2], [2, 0, 3, 1, 0], [2, 0, 0, 4, 0], [0, 0, 0, 0, 6], [1, 0, 0, 5, 0], [1, 1, 0, 4, 0],
    [0, 3, 3, 0, 0], [1, 0, 0, 5, 0], [0, 2, 0, 3, 1], [0, 0, 5, 0, 1], [3, 0, 0, 1, 2], [5, 1, 0, 0, 0],
    [0, 2, 0, 4, 0], [1, 0, 2, 0, 3], [0, 0, 0, 0, 6], [0, 1, 0, 5, 0], [0, 2, 0, 1, 3], [2, 0, 0, 4, 0],
    [1, 0, 0, 4, 1], [0, 5, 0, 1, 0], [4, 0, 0, 0, 2], [0, 2, 0, 4, 0], [1, 0, 5, 0, 0], [0, 0, 0, 0, 6],
])  # fmt: skip
#: Gwet 2014: twelve units, four raters, five categories, with readings that are missing.
GWET_2014 = np.array([
    [1, 1, 0, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4],
    [4, 4, 4, 4], [1, 1, 2, 1], [2, 2, 2, 2], [0, 5, 5, 5], [0, 0, 1, 1], [0, 0, 3, 0],
]) - 1  # fmt: skip


def test_fleiss_kappa_of_the_table_of_1971():
    value, observed, chance = plain(fleiss_kappa(FLEISS_1971), 30)
    assert FLEISS_1971.sum(axis=0).tolist() == [26, 26, 30, 55, 43]
    assert (value, observed, chance) == pytest.approx((0.430, 0.556, 0.220), abs=5e-4)


def test_gwets_example_with_missing_readings():
    counts = counts_of(GWET_2014, 5)
    assert plain(gwet_ac1(counts), 12) == pytest.approx((0.77544, 0.81818, 0.19032), abs=1e-5)
    assert plain(fleiss_kappa(counts), 12) == pytest.approx((0.76117, 0.81818, 0.23872), abs=1e-5)


def test_cohens_kappa_is_that_of_scikit_learn():
    generator = np.random.default_rng(0)
    first, second = generator.integers(0, 4, (2, 60))
    second = np.where(generator.random(60) < 0.6, first, second)
    value, observed, _ = plain(cohen_kappa(first, second, 5), 60)
    assert value == pytest.approx(cohen_kappa_score(first, second))
    assert observed == (first == second).mean()


def test_an_item_that_one_of_two_readers_lacks_has_no_weight():
    first, second = np.array([0, 1, 2, MISSING, 1]), np.array([0, 1, 1, 2, MISSING])
    assert plain(cohen_kappa(first, second, 3), 5) == plain(cohen_kappa(first[:3], second[:3], 3), 3)


def test_pairs_of_readings_counted_one_by_one():
    generator = np.random.default_rng(1)
    ratings = generator.integers(-1, 3, (40, 4))
    shares, prevalences = [], []
    for row in ratings:
        known = [int(r) for r in row if r != MISSING]
        if known:
            prevalences.append([known.count(k) / len(known) for k in range(3)])
        if len(known) > 1:
            shares.append(np.mean([a == b for a, b in itertools.combinations(known, 2)]))
    observed, prevalence = np.mean(shares), np.mean(prevalences, axis=0)
    by_chance = {fleiss_kappa: (prevalence**2).sum(), gwet_ac1: (prevalence * (1 - prevalence)).sum() / 2}
    for coefficient, chance in by_chance.items():
        expected = ((observed - chance) / (1 - chance), observed, chance)
        assert plain(coefficient(counts_of(ratings, 3)), 40) == pytest.approx(expected)


def test_two_readers_who_read_all_have_scotts_pi():
    first, second = np.random.default_rng(2).integers(0, 3, (2, 50))
    observed = (first == second).mean()
    chance = sum(((np.mean(first == k) + np.mean(second == k)) / 2) ** 2 for k in range(3))
    value = plain(fleiss_kappa(counts_of(np.stack([first, second], axis=1), 3)), 50)[0]
    assert value == pytest.approx((observed - chance) / (1 - chance))


def test_a_weight_of_two_is_an_item_twice():
    generator = np.random.default_rng(3)
    ratings = generator.integers(-1, 3, (20, 3))
    times = generator.integers(0, 3, 20)
    again = np.repeat(ratings, times, axis=0)
    weights = np.stack([times.astype(float), np.ones(20)])
    for make in (
        lambda read: fleiss_kappa(counts_of(read, 3)),
        lambda read: gwet_ac1(counts_of(read, 3)),
        lambda read: cohen_kappa(read[:, 0], read[:, 1], 3),
    ):
        found = make(ratings)(weights).value
        assert found[0] == pytest.approx(plain(make(again), len(again))[0])
        assert found[1] == pytest.approx(plain(make(ratings), 20)[0])


def test_ac1_does_not_fall_where_one_category_is_by_far_the_commonest():
    counts = np.array([[3, 0]] * 28 + [[2, 1]] * 2)
    assert plain(fleiss_kappa(counts), 30)[0] < 0.0
    assert plain(gwet_ac1(counts), 30)[0] > 0.94


def test_what_cannot_be_known_is_nan():
    everybody_the_same = np.array([[3, 0], [3, 0]])
    assert math.isnan(plain(fleiss_kappa(everybody_the_same), 2)[0])
    assert plain(gwet_ac1(everybody_the_same), 2)[0] == 1.0
    read_once = np.array([[1, 0], [0, 1]])
    assert all(math.isnan(plain(make(read_once), 2)[0]) for make in (fleiss_kappa, gwet_ac1))
    constant = np.zeros(4, int)
    assert math.isnan(plain(cohen_kappa(constant, constant, 2), 4)[0])
    nobody = np.full(3, MISSING)
    assert math.isnan(plain(cohen_kappa(nobody, nobody, 2), 3)[1])

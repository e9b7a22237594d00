from itertools import permutations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from fibrolens.evaluate.shares import normal_scores, shares

N = 120
RNG = np.random.default_rng(0)
A = RNG.standard_normal((N, 2))
B = A[:, :1] * 0.6 + RNG.standard_normal((N, 1))
C = RNG.standard_normal((N, 1))
SCORE = A[:, 0] + 0.5 * A[:, 1] + 0.7 * B[:, 0] + RNG.standard_normal(N)
GROUPS = {"a": A, "b": B, "c": C}


def shared(score=SCORE, groups=GROUPS, patient=None, seed=0, replicates=400):
    own = np.arange(len(score)) if patient is None else patient
    return shares(score, groups, own, np.random.default_rng(seed), replicates)


def adjusted(names):
    if not names:
        return 0.0
    columns = np.column_stack([GROUPS[name] for name in names])
    r2 = LinearRegression().fit(columns, SCORE).score(columns, SCORE)
    return 1 - (1 - r2) * (N - 1) / (N - columns.shape[1] - 1)


def test_a_share_is_the_mean_gain_of_r2_over_all_orders():
    found = shared()
    for name in GROUPS:
        gains = []
        for order in permutations(GROUPS):
            before = order[: order.index(name)]
            gains.append(adjusted((*before, name)) - adjusted(before))
        assert found.groups[name].share.estimate == pytest.approx(np.mean(gains), abs=1e-7)


def test_shares_add_up_to_the_whole_and_stand_between_unique_and_alone():
    found = shared()
    assert found.whole.estimate == pytest.approx(adjusted(tuple(GROUPS)), abs=1e-7)
    assert sum(part.share.estimate for part in found.groups.values()) == pytest.approx(found.whole.estimate)
    a = found.groups["a"]
    assert a.unique == pytest.approx(found.whole.estimate - adjusted(("b", "c")), abs=1e-7)
    assert a.alone == pytest.approx(adjusted(("a",)), abs=1e-7)
    assert a.unique < a.share.estimate < a.alone


def test_groups_that_do_not_go_together_share_by_their_own_r2():
    columns = RNG.standard_normal((N, 4))
    q = np.linalg.qr(columns - columns.mean(axis=0))[0]
    found = shared(3 * q[:, 0] + 1 * q[:, 1] + q[:, 2], {"x": q[:, :1], "y": q[:, 1:2]})
    assert found.groups["x"].share.estimate == pytest.approx(9 / 11, abs=0.01)
    assert found.groups["y"].share.estimate == pytest.approx(1 / 11, abs=0.01)


def test_noise_explains_nothing_however_many_columns_it_has():
    wholes = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        noise = {"one": rng.standard_normal((60, 5)), "two": rng.standard_normal((60, 5))}
        wholes.append(shared(rng.standard_normal(60), noise, replicates=2).whole.estimate)
    assert np.mean(wholes) == pytest.approx(0.0, abs=0.05), "plain R2 would be 0.17"


def test_intervals_hold_the_truth():
    inside = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        x, noise = rng.standard_normal((80, 1)), rng.standard_normal((80, 4))
        found = shared(x[:, 0] + rng.standard_normal(80), {"x": x, "noise": noise}, seed=seed, replicates=200)
        inside += found.groups["x"].share.low <= 0.5 <= found.groups["x"].share.high
    assert inside >= 34


def test_patients_are_drawn_with_all_their_scans():
    twice = np.repeat(np.arange(N), 2)
    doubled = {name: columns[twice] for name, columns in GROUPS.items()}
    once, both = shared(), shared(SCORE[twice], doubled, twice)
    width = [found.whole.high - found.whole.low for found in (once, both)]
    assert width[1] == pytest.approx(width[0], rel=0.15)


def test_columns_that_say_the_same_share_alike():
    found = shared(groups={"a": A[:, :1], "again": A[:, :1], "c": C})
    assert found.groups["a"].share.estimate == pytest.approx(found.groups["again"].share.estimate, abs=1e-6)
    assert found.groups["a"].unique == pytest.approx(0.0, abs=0.01)


def test_out_of_fold_is_near_the_adjusted_figure():
    found = shared()
    assert found.out_of_fold == pytest.approx(found.whole.estimate, abs=0.05)


def test_as_many_columns_as_scans_are_refused():
    with pytest.raises(ValueError, match="needs more scans than 4"):
        shared(SCORE[:4], {"a": A[:4], "b": B[:4], "c": C[:4]})


def test_normal_scores_keep_the_order_and_put_the_unknown_in_the_middle():
    scores = normal_scores(np.array([3.0, np.nan, 1.0, 900.0, 3.0]))
    assert scores[1] == 0
    assert scores[0] == scores[4]
    assert scores[2] < scores[0] < scores[3] < 1

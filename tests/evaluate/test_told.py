import numpy as np
import pytest
from sklearn.linear_model import Ridge

from fibrolens.evaluate import told as module
from fibrolens.evaluate.told import FOLDS, REPEATS, Column, Scans, told

N = 60
STAGES = [(0,)] * 30 + [(2,)] * 10 + [(4,)] * 20
POSITIVE = np.arange(N) >= 30


def scans(numbers=None, words=None, stages=STAGES, patient=None):
    return Scans(stages, np.arange(len(stages)) if patient is None else patient, words or {}, numbers or {})


def noise(seed=0, count=6):
    rng = np.random.default_rng(seed)
    return {f"noise{k}": rng.standard_normal(N) for k in range(count)}


def test_a_number_that_goes_with_the_stage_is_found_and_named():
    rng = np.random.default_rng(1)
    trait = np.where(rng.random(N) < 0.9, POSITIVE, ~POSITIVE) * 40 + rng.normal(100, 10, N)
    found = told(scans({"brightness": trait} | noise()), np.random.default_rng(0), 999)
    assert found.p_value == pytest.approx(1 / 1000)
    assert found.columns[int(np.argmin(found.column_p))] == Column("brightness")
    assert np.argmax(np.abs(found.correlation[0])) == 0, "the threshold that it goes with best, F>=2"


def test_a_site_that_goes_with_the_stage_is_found():
    site = [("A", "B")[int(p)] for p in POSITIVE]
    site[0], site[1], site[59] = "B", "B", "A"
    found = told(scans(noise(), {"site": site}), np.random.default_rng(0), 999)
    assert found.p_value == pytest.approx(1 / 1000)
    assert found.columns[int(np.argmin(found.column_p))].fact == "site"


def test_that_a_fact_is_unknown_may_tell_the_stage_too():
    found = told(scans({"kvp": np.where(POSITIVE, np.nan, 120.0)}), np.random.default_rng(0), 999)
    assert found.columns == (Column("kvp", "unknown"),)
    assert found.p_value == pytest.approx(1 / 1000)


def test_p_values_are_uniform_where_nothing_is_told():
    p = [told(scans(noise(seed, 3)), np.random.default_rng(seed), 99).p_value for seed in range(80)]
    assert 0.35 < np.mean(p) < 0.65
    assert np.mean(np.array(p) <= 0.2) < 0.4


def test_the_scores_are_those_of_ridge_regressions_refitted_in_every_fold(monkeypatch):
    numbers = noise(3, 4)
    found = told(scans(numbers), np.random.default_rng(7), 9)
    rng = np.random.default_rng(7)
    design = np.stack([np.clip((v - v.mean()) / v.std(), -3, 3) for v in numbers.values()], axis=1)
    expected = np.zeros(N)
    for _ in range(REPEATS):
        fold = rng.permutation(np.arange(N) % FOLDS)
        for k in range(FOLDS):
            kept, others = fold == k, fold != k
            ridge = Ridge(alpha=others.sum()).fit(design[others], POSITIVE[others])
            expected[kept] += (ridge.predict(design[kept]) - POSITIVE[others].mean()) / REPEATS
    np.testing.assert_allclose(found.score[:, 0], expected, atol=1e-12)


def test_labels_move_with_their_patient_and_only_among_patients_of_as_many_scans(monkeypatch):
    patient = np.array([0, 0, 1, 2, 2, 3, 4])
    share = np.arange(7.0)[:, None]
    monkeypatch.setattr(module, "CELLS", 20)
    drawn = np.concatenate(list(module._permuted(share, patient, np.random.default_rng(0), 30)), axis=1)[:, :, 0]
    assert drawn.shape == (7, 31)
    np.testing.assert_array_equal(drawn[:, 0], share[:, 0])
    pairs = {tuple(column[[0, 1]]) for column in drawn.T} | {tuple(column[[3, 4]]) for column in drawn.T}
    assert pairs == {(0.0, 1.0), (3.0, 4.0)}
    assert {frozenset(column[[2, 5, 6]]) for column in drawn.T} == {frozenset((2.0, 5.0, 6.0))}
    assert len({tuple(column) for column in drawn.T}) > 5


def test_all_scans_of_a_patient_are_in_one_fold():
    patient = np.repeat(np.arange(12), 2)
    folds = list(module._folds(patient, np.random.default_rng(0)))
    assert len(folds) == FOLDS * REPEATS
    assert all((fold[::2] == fold[1::2]).all() for fold in folds)
    assert (np.sum(folds, axis=0) == REPEATS).all()


def test_where_nothing_differs_nothing_is_said():
    assert told(scans({"kvp": np.full(N, 120.0)}, {"site": [""] * N}), np.random.default_rng(0), 9) is None


def test_a_set_counts_by_the_share_of_its_stages():
    stages = [(0,)] * 30 + [(2, 3)] * 10 + [(4,)] * 20
    found = told(scans({"x": POSITIVE.astype(float)} | noise(), stages=stages), np.random.default_rng(0), 99)
    wanted = np.repeat([0.0, 0.5, 1.0], [30, 10, 20])
    assert found.correlation[0, 1] == pytest.approx(np.corrcoef(wanted, POSITIVE)[0, 1])


def test_a_skewed_fact_is_found_by_its_ranks():
    rng = np.random.default_rng(4)
    skewed = np.exp(4 * (POSITIVE + rng.standard_normal(N)))
    found = told(scans({"x": skewed} | noise()), np.random.default_rng(0), 999)
    ranks = np.argsort(np.argsort(skewed))
    assert found.correlation[0, 0] == pytest.approx(np.corrcoef(ranks, POSITIVE)[0, 1])
    assert found.column_p[0] < 0.05

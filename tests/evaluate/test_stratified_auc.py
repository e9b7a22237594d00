import numpy as np
import pytest

from fibrolens.evaluate.intervals import auc
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.stratified_auc import auc_within, compare_alike

N = 80
RNG = np.random.default_rng(0)
POSITIVE = RNG.random(N) < 0.5
SCORE = np.round(RNG.standard_normal(N) + POSITIVE, 1)
STRATUM = RNG.integers(0, 3, N)


def within(score=SCORE, stratum=STRATUM, positive=POSITIVE):
    return auc_within(positive, score, stratum, np.arange(len(score)), np.random.default_rng(0), 500)


def test_it_is_the_mean_of_the_strata_s_aucs_weighted_by_their_pairs():
    areas, pairs = [], []
    for k in range(3):
        own = k == STRATUM
        areas.append(auc(POSITIVE[own], SCORE[own]))
        pairs.append((POSITIVE & own).sum() * (~POSITIVE & own).sum())
    found = within()
    assert found.interval.estimate == pytest.approx(np.average(areas, weights=pairs))
    assert found.pairs == sum(pairs)
    assert found.interval.low < found.interval.estimate < found.interval.high


def test_one_stratum_gives_the_plain_auc():
    assert within(stratum=np.zeros(N, int)).interval.estimate == pytest.approx(auc(POSITIVE, SCORE))


def test_a_score_that_knows_only_the_stratum_has_a_half():
    stratum = POSITIVE ^ (RNG.random(N) < 0.1)
    assert auc(POSITIVE, stratum.astype(float)) > 0.8
    assert within(stratum.astype(float), stratum.astype(int)).interval.estimate == 0.5


def test_too_few_pairs_give_no_figure():
    assert np.isnan(within(stratum=np.where(POSITIVE, 1, 0)).interval.estimate)


def cases(stages, p):
    return [
        Predicted(f"s{k}", f"p{k}", 0, stage, (1 - q, 0.0, 0.0, 0.0, q))
        for k, (stage, q) in enumerate(zip(stages, p, strict=True))
    ]


def test_the_network_is_compared_within_site_and_within_quarters_of_the_acquisition_score():
    stages = [(4,) if p else (0,) for p in POSITIVE]
    site = ["AB"[k % 2] for k in range(N)]
    acquired = POSITIVE + 0.3 * RNG.standard_normal(N)
    found = compare_alike(cases(stages, POSITIVE * 0.5 + 0.2), 2, (site, acquired), np.random.default_rng(0), 200)
    assert found["all"]["value"] == 1.0
    assert found["within_site"]["strata"] == 2
    assert found["within_acquisition"]["strata"] == 4
    alone = compare_alike(cases(stages, POSITIVE * 0.5 + 0.2), 2, ([""] * N, None), np.random.default_rng(0), 200)
    assert alone["within_site"] is None
    assert alone["within_acquisition"] is None


def test_undecided_scans_stay_out_and_a_missing_side_is_said():
    stages = [(0,)] * 30 + [(1, 2)] * 20 + [(4,)] * 30
    site = ["A"] * 40 + ["B"] * 40
    found = compare_alike(cases(stages, np.linspace(0, 1, N)), 2, (site, None), np.random.default_rng(0), 100)
    assert found["all"]["pairs"] == 900
    assert found["within_site"]["reason"] == "fewer than 30 pairs of one stratum"
    none = compare_alike(cases([(0,)] * N, np.linspace(0, 1, N)), 2, (site, None), np.random.default_rng(0), 100)
    assert none["all"] is None
    assert none["reason"] == "no scan on one side"

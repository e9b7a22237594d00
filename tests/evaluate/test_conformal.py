"""What the stage sets of a study hold."""

import numpy as np
import pytest
from tests.evaluate.drawn import drawn, grown, scores_of

from fibrolens.evaluate.conformal import conformal, covered, stage_sets
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.stage_sets import CLAIM, CLAIMS, label_scores, rank


def case(number, stages, probabilities, fold=0):
    return Predicted(f"s{number}", f"p{number}", fold, stages, tuple(float(p) for p in probabilities))


def study(generator, n=200, inner=60, folds=2):
    def cases(count, fold):
        told, stage = drawn(generator, count)
        return [case((fold, k), (int(s),), p, fold) for k, (p, s) in enumerate(zip(told, stage, strict=True))]

    return [c for fold in range(folds) for c in cases(n, fold)], {fold: cases(inner, fold) for fold in range(folds)}


def test_each_fold_is_called_at_the_threshold_of_its_own_inner_split():
    cases, inner = study(np.random.default_rng(4))
    sets = stage_sets(cases, inner)
    for fold, own in inner.items():
        told = np.array([c.probabilities for c in own])
        value = np.sort(scores_of(told, np.array([c.stages[0] for c in own])))[rank(60, CLAIM) - 1]
        for n, c in enumerate(cases):
            if c.fold == fold:
                assert set(np.flatnonzero(sets[n]).tolist()) == grown(np.array(c.probabilities), value)


def test_figures_add_up():
    cases, inner = study(np.random.default_rng(5))
    found = conformal(cases, inner)
    assert [row["claim"] for row in found["claims"]] == list(CLAIMS)
    for row in found["claims"]:
        sets = stage_sets(cases, inner, row["claim"])
        assert (
            row["coverage"]["count"] == covered(cases, sets).sum() == sum(s["count"] for s in row["per_size"].values())
        )
        assert row["coverage"]["of"] == 400 == sum(s["coverage"]["of"] for s in row["per_stage"].values())
        assert row["mean_size"] == pytest.approx(sets.sum(axis=1).mean())
        assert row["coverage"]["interval"][0] < row["coverage"]["value"] < row["coverage"]["interval"][1]
    low, middle, high = (row["mean_size"] for row in found["claims"])
    assert low < middle < high


def test_a_fold_without_an_inner_split_gives_all_stages_and_says_why():
    cases, inner = study(np.random.default_rng(6))
    del inner[1]
    found = conformal(cases, inner)["claims"][0]["folds"]
    assert found[0]["threshold"] is not None
    assert "reason" not in found[0]
    assert (found[1]["threshold"], found[1]["cases"]) == (None, 0)
    assert "too few" in found[1]["reason"]
    assert stage_sets(cases, inner)[200:].all()


def test_a_label_of_several_stages_is_covered_where_the_set_holds_one_of_them():
    told = np.array([[0.7, 0.1, 0.1, 0.05, 0.05]])
    assert label_scores(told, np.array([[False, False, True, True, False]])) == pytest.approx([0.8])
    sets = np.array([[True, True, True, False, False]])
    assert covered([case(0, (2, 3), told[0])], sets).all()
    assert not covered([case(0, (3, 4), told[0])], sets).any()


def test_no_scan_of_a_stage_is_no_share():
    found = conformal([case(0, (0,), [0.9, 0.1, 0, 0, 0])], {})["claims"][0]["per_stage"]["F4"]
    assert (found["coverage"]["value"], found["mean_size"]) == (None, None)

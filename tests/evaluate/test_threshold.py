import numpy as np
import pytest

from fibrolens.evaluate.cut import Cut
from fibrolens.evaluate.threshold import Question, figures

POSITIVE = np.array([True, True, False, False, True, True, False, False])
SCORE = np.array([0.3, 0.4, 0.1, 0.35, 0.9, 0.6, 0.7, 0.2])
FOLD = np.repeat([0, 1], 4)
QUESTION = Question(POSITIVE, SCORE, np.arange(8), FOLD)


def found(question=QUESTION, cuts=None):
    return figures(question, cuts or {}, np.random.default_rng(0), 100)


def test_each_fold_calls_its_own_scans_at_its_own_cut_and_counts_are_pooled():
    cuts = {0: Cut(0.25, "youden", 5, 6), 1: Cut(0.8, "youden", 4, 4)}
    point = found(cuts=cuts)["operating_point"]
    assert [(c["fold"], c["cut"], c["positives"]) for c in point["cuts"]] == [(0, 0.25, 5), (1, 0.8, 4)]
    assert (point["sensitivity"]["count"], point["sensitivity"]["of"]) == (3, 4)
    assert (point["specificity"]["count"], point["specificity"]["of"]) == (3, 4)
    assert (point["accuracy"]["count"], point["accuracy"]["of"]) == (6, 8)
    assert (point["ppv"]["count"], point["ppv"]["of"]) == (3, 4)
    assert (point["npv"]["count"], point["npv"]["of"]) == (3, 4)


def test_the_same_figures_at_a_half_stand_beside():
    half = found(cuts={0: Cut(0.25, "youden", 5, 6), 1: Cut(0.8, "youden", 4, 4)})["at_half"]
    assert half["cut"] == 0.5
    assert (half["sensitivity"]["count"], half["specificity"]["count"]) == (2, 3)


def test_without_an_inner_split_the_cut_is_a_half_and_says_why():
    result = found()
    assert result["operating_point"]["sensitivity"] == result["at_half"]["sensitivity"]
    assert [c["rule"] for c in result["operating_point"]["cuts"]] == ["0.5", "0.5"]
    assert "no predictions of the fold's inner split" in result["operating_point"]["cuts"][0]["reason"]


def test_every_fold_has_its_own_figures_and_their_spread():
    result = found(cuts={0: Cut(0.25, "youden", 5, 6), 1: Cut(0.8, "youden", 4, 4)})
    one, two = result["per_fold"]
    assert (one["fold"], one["auc"], one["cut"], one["sensitivity"], one["specificity"]) == (0, 0.75, 0.25, 1.0, 0.5)
    assert (two["fold"], two["auc"], two["cut"], two["sensitivity"], two["accuracy"]) == (1, 0.75, 0.8, 0.5, 0.75)
    assert result["fold_spread"] == {"mean": 0.75, "sd": 0.0, "folds": 2}


def test_a_fold_of_one_side_has_null_where_nothing_can_be_said():
    fold = found(Question(POSITIVE, SCORE, np.arange(8), np.array([0, 0, 1, 1, 1, 1, 1, 1])))["per_fold"][0]
    assert (fold["positives"], fold["negatives"], fold["auc"], fold["specificity"]) == (2, 0, None, None)


def test_scans_of_one_patient_widen_the_intervals():
    twice = Question(POSITIVE, SCORE, np.array([0, 0, 1, 1, 2, 2, 3, 3]), FOLD)
    wide, narrow = (found(q)["operating_point"]["accuracy"]["interval"] for q in (twice, QUESTION))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


@pytest.mark.parametrize("positives", [1, 3])
def test_an_auc_without_interval_says_why(positives):
    """A single positive patient; sides that do not overlap."""
    score = np.array([0.9, 0.8, 0.7, 0.3, 0.2, 0.1])
    auc = found(Question(np.arange(6) < positives, score, np.arange(6), np.zeros(6, int)))["auc"]
    assert (auc["value"], auc["delong"], auc["bootstrap"]) == (1.0, None, None)
    assert "two patients on each side" in auc["reason"]

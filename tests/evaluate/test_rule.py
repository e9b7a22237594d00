import json

import numpy as np
import pytest

from fibrolens.evaluate.rule import choose_rule, rule_in_out
from fibrolens.evaluate.threshold import Question


def asked(positive, score, fold=0):
    n = len(score)
    return Question(np.array(positive, bool), np.array(score, float), np.arange(n), np.full(n, fold))


def drawn(seed, n, fold=0, shift=0.25):
    generator = np.random.default_rng(seed)
    positive = np.arange(n) % 3 == 0
    return asked(positive, (0.2 + 0.5 * generator.random(n) + shift * positive).round(2), fold)


@pytest.mark.parametrize("seed", range(6))
def test_the_cuts_reach_the_target_on_the_inner_split_and_no_cut_further_out_does(seed):
    split = drawn(seed, 41)
    rule = choose_rule(split.positive, split.score)
    up, down = split.score[split.positive], split.score[~split.positive]
    assert (up >= rule.rule_out).mean() >= 0.9
    assert (down < rule.rule_in).mean() >= 0.9
    if rule.rule_out < rule.rule_in:  # else one cut gives both
        assert (up >= up[up >= rule.rule_out].min() + 1e-9).mean() < 0.9
        assert (down < down[down < rule.rule_in].max()).mean() < 0.9


def test_ten_cases_allow_one_error():
    positive = np.arange(20) >= 10
    score = np.concatenate([np.arange(10) * 0.06, 0.31 + np.arange(10) * 0.06])
    rule = choose_rule(positive, score)
    assert rule.rule_out == pytest.approx((0.36 + 0.37) / 2)  # the positive at 0.31 may be missed
    assert rule.rule_in == pytest.approx((0.48 + 0.49) / 2)  # the negative at 0.54 may be called
    nine = choose_rule(positive[:-1], score[:-1])
    assert nine.rule_out == pytest.approx((0.30 + 0.31) / 2)  # of nine positives none


def test_where_one_cut_gives_both_it_serves_for_both():
    rule = choose_rule(np.array([False, False, True, True]), np.array([0.1, 0.2, 0.6, 0.9]))
    assert rule.rule_out == rule.rule_in == pytest.approx(0.4)
    found = rule_in_out(asked([0, 1, 0, 1], [0.3, 0.35, 0.5, 0.7]), {0: asked([0, 0, 1, 1], [0.1, 0.2, 0.6, 0.9])})
    assert found["zones"]["between"]["share"]["count"] == 0


def test_scores_at_the_ends_of_the_scale_are_still_told_apart():
    rule = choose_rule(np.array([True, False]), np.array([0.0, 1.0]))
    assert rule.rule_out == 0.0  # sure and wrong: nothing is ruled out
    assert rule.rule_in > 1.0  # nor ruled in


def test_counts_and_shares_are_those_of_each_fold_s_own_cuts():
    inner = {0: asked([0, 0, 1, 1], [0.1, 0.5, 0.3, 0.9]), 1: asked([0, 0, 1, 1], [0.2, 0.7, 0.4, 0.8])}
    test = Question(
        np.array([0, 1, 0, 1, 1], bool), np.array([0.1, 0.25, 0.6, 0.76, 0.72]), np.arange(5), np.array([0, 0, 0, 1, 1])
    )
    found = rule_in_out(test, inner)
    assert [(c["rule_out"], c["rule_in"]) for c in found["cuts"]] == [(0.2, 0.7), (pytest.approx(0.3), 0.75)]
    zones = found["zones"]
    assert {name: (zone["positives"], zone["negatives"]) for name, zone in zones.items()} == {
        "ruled_in": (1, 0),
        "between": (2, 1),
        "ruled_out": (0, 1),
    }
    assert sum(zone["share"]["value"] for zone in zones.values()) == pytest.approx(1)
    assert found["rule_in"]["specificity"]["count"] == 2
    assert found["rule_in"]["sensitivity"]["count"] == 1
    assert found["rule_out"]["sensitivity"]["value"] == 1.0
    assert found["rule_out"]["npv"]["of"] == 1


def test_a_fold_without_cuts_is_left_out_and_says_why():
    inner = {0: drawn(0, 30), 1: asked([1, 1], [0.3, 0.4]), 2: asked([], [])}
    test = Question(np.arange(8) % 2 == 0, np.linspace(0, 1, 8), np.arange(8), np.arange(8) // 2)
    found = rule_in_out(test, inner)
    assert (found["scans"], found["left_out"]) == (2, 6)
    reasons = [cut.get("reason") for cut in found["cuts"]]
    assert reasons[0] is None
    assert reasons[1:] == [
        "the inner split has no negative case",
        "the fold has no inner split, the patients are too few",
        "there are no predictions of the fold's inner split",
    ]
    nothing = rule_in_out(test, {})
    assert nothing["zones"] is None
    assert nothing["reason"] == "no fold gives both cuts"
    assert json.dumps([found, nothing], allow_nan=False)

import json

import numpy as np
import pytest

from fibrolens.evaluate.decision import RISKS, decision, decision_curve
from fibrolens.evaluate.threshold import Question


def question(n=120, seed=0):
    generator = np.random.default_rng(seed)
    score = generator.random(n)
    return Question(generator.random(n) < score, score, np.arange(n), np.arange(n) % 5)


def curve(asked):
    return decision_curve(asked, np.random.default_rng(0), 300)


def test_net_benefit_is_counted_as_it_is_defined():
    asked = question()
    found = curve(asked)
    assert found["risk"] == pytest.approx([k / 100 for k in range(1, 100)])
    for k in (0, 19, 49, 98):
        t = RISKS[k]
        called = asked.score >= t
        true, false = (called & asked.positive).sum(), (called & ~asked.positive).sum()
        assert found["model"][k] == pytest.approx((true - false * t / (1 - t)) / 120, abs=1e-12)
        share = asked.positive.mean()
        assert found["treat_all"][k] == pytest.approx(share - (1 - share) * t / (1 - t), abs=1e-12)


def test_the_band_holds_the_curve_and_claims_nothing_where_nothing_varies():
    asked = question()
    low_scores = Question(asked.positive, 0.3 + 0.4 * asked.score, asked.patient, asked.fold)
    found = curve(low_scores)
    assert found["low"][10] is None  # all are called at 11 %: as treating all
    assert found["model"][10] == pytest.approx(found["treat_all"][10])
    assert found["high"][90] is None  # none is called at 91 %
    assert found["model"][90] == 0.0
    assert found["low"][49] < found["model"][49] < found["high"][49]


def test_one_side_without_a_case_gives_null_with_a_reason():
    alone = Question(np.ones(3, bool), np.full(3, 0.5), np.arange(3), np.arange(3))
    assert curve(alone)["model"] is None
    assert "one side" in curve(alone)["reason"]
    assert json.dumps(decision(alone, {}, np.random.default_rng(0), 50), allow_nan=False)


def test_a_single_positive_patient_gives_a_curve_without_a_band():
    found = curve(Question(np.arange(5) == 3, np.linspace(0.1, 0.9, 5), np.arange(5), np.arange(5)))
    assert found["model"][0] is not None
    assert set(found["low"]) == {None}


def test_predictive_values_stand_beside_each_cut():
    asked, inner = question(), {fold: question(40, fold + 1) for fold in range(5)}
    found = decision(asked, inner, np.random.default_rng(0), 50, (0.02, 0.7))
    assert sorted(found["predictive_values"]) == ["operating_point", "rule_in", "rule_out"]
    assert [row["prevalence"] for row in found["predictive_values"]["rule_in"]] == [0.02, 0.7]
    assert found["rule_in_out"]["left_out"] == 0


def test_without_inner_splits_the_predictive_values_are_those_at_one_half():
    asked = question()
    found = decision(asked, {}, np.random.default_rng(0), 50, (float(asked.positive.mean()),))
    (row,) = found["predictive_values"]["operating_point"]
    assert row["ppv"]["value"] == pytest.approx(asked.positive[asked.score >= 0.5].mean())
    assert "rule_in" not in found["predictive_values"]

import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fibrolens.evaluate.study import Predicted, curves, decided, evaluate_predictions


def case(number: int, stages: tuple[int, ...], patient: str | None = None) -> Predicted:
    raw = np.random.default_rng(number).random(5) + np.eye(5)[stages[0]]
    return Predicted(f"s{number}", patient or f"p{number}", number % 5, stages, tuple((raw / raw.sum()).tolist()))


@pytest.fixture
def cohort():
    return [case(n, ((0, 0, 1, 2, 3, 4, 4)[n % 7],)) for n in range(70)]


def evaluate(cases):
    return evaluate_predictions(cases, np.random.default_rng(0), 200)


def test_every_figure_has_its_counts(cohort):
    result = evaluate(cohort)
    threshold = result["thresholds"]["F>=2"]
    assert (threshold["positives"], threshold["negatives"], threshold["undecided"]) == (40, 30, 0)
    sensitivity = threshold["operating_point"]["sensitivity"]
    assert sensitivity["of"] == 40
    assert sensitivity["value"] == sensitivity["count"] / 40
    assert sum(map(sum, result["confusion"]["counts"])) == 70
    assert result["stages"] == {"F0": 20, "F1": 10, "F2": 10, "F3": 10, "F4": 20}


def test_auc_lies_in_its_intervals_and_equals_scikit_learn(cohort):
    found = evaluate(cohort)["thresholds"]["F4"]["auc"]
    truth = [c.stages[0] == 4 for c in cohort]
    assert found["value"] == pytest.approx(roc_auc_score(truth, [c.probabilities[4] for c in cohort]), abs=1e-12)
    for method in ("delong", "bootstrap"):
        assert found[method][0] < found["value"] <= found[method][1]


def test_a_stage_set_counts_only_where_it_decides(cohort):
    cases = [*cohort, case(99, (2, 3))]
    assert len(decided(cases, 2)[0]) == 71
    assert len(decided(cases, 3)[0]) == 70
    assert evaluate(cases)["thresholds"]["F>=3"]["undecided"] == 1
    assert evaluate(cases)["stages"]["F2|F3"] == 1


def test_one_class_gives_null_with_a_reason():
    result = evaluate([case(n, (0,)) for n in range(6)])
    assert result["thresholds"]["F>=2"]["auc"] is None
    assert "no case" in result["thresholds"]["F>=2"]["reason"]
    assert result["averages"]["macro"]["auc"] is None
    assert curves([case(n, (0,)) for n in range(6)]) == []


def test_the_result_is_strict_json_and_repeats(cohort):
    text = json.dumps(evaluate(cohort), allow_nan=False)
    assert text == json.dumps(evaluate(cohort), allow_nan=False)


def test_patients_and_thin_strata_are_named():
    cases = [case(0, (0,), "a"), case(1, (4,), "a"), case(2, (0,), "b"), case(3, (4,), "c")]
    result = evaluate(cases)
    assert (result["cases"], result["patients"]) == (4, 3)
    assert result["thresholds"]["F4"]["thin"]


def test_curves_are_the_paper_s(cohort):
    assert [c.name for c in curves(cohort)] == ["F>=2", "F>=3", "F4", "micro", "macro"]

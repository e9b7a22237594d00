import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.study import curves, decided, evaluate_predictions


def case(number: int, stages: tuple[int, ...], patient: str | None = None) -> Predicted:
    raw = np.random.default_rng(number).random(5) + np.eye(5)[stages[0]]
    return Predicted(f"s{number}", patient or f"p{number}", number % 5, stages, tuple((raw / raw.sum()).tolist()))


@pytest.fixture
def cohort():
    return [case(n, ((0, 0, 1, 2, 3, 4, 4)[n % 7],)) for n in range(70)]


def evaluate(cases, **options):
    return evaluate_predictions(cases, np.random.default_rng(0), 200, **options)


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


def test_cuts_come_from_each_fold_s_inner_split(cohort):
    inner = {0: [case(n, (stage,)) for n, stage in enumerate((0, 4, 0, 4, 2), start=200)], 1: [case(300, (0,))]}
    cuts = evaluate(cohort, inner=inner)["thresholds"]["F4"]["operating_point"]["cuts"]
    assert [c["fold"] for c in cuts] == [0, 1, 2, 3, 4]
    assert (cuts[0]["rule"], cuts[0]["positives"], cuts[0]["negatives"]) == ("youden", 2, 3)
    assert (cuts[1]["cut"], cuts[1]["rule"]) == (0.5, "0.5")
    assert "no positive case" in cuts[1]["reason"]
    assert "no predictions of the fold's inner split" in cuts[2]["reason"]


def test_a_fold_without_an_inner_split_says_so(cohort):
    """Not that its split has no positive case."""
    cuts = evaluate(cohort, inner={0: []})["thresholds"]["F4"]["operating_point"]["cuts"]
    assert (cuts[0]["cut"], cuts[0]["positives"], cuts[0]["negatives"]) == (0.5, 0, 0)
    assert cuts[0]["reason"] == "the fold has no inner split, the patients are too few"


def test_figures_without_controls_leave_their_scans_out_and_keep_the_calls(cohort):
    controls = {c.scan_id for c in cohort[:35] if c.stages == (0,)}
    result = evaluate(cohort, controls=controls)
    others = result["without_controls"]
    assert (result["controls"], others["cases"]) == (10, 60)
    assert sorted(others) == ["averages", "cases", "patients", "stages", "thresholds"]
    whole, part = (section["thresholds"]["F>=2"]["operating_point"] for section in (result, others))
    assert (part["sensitivity"], part["cuts"]) == (whole["sensitivity"], whole["cuts"])
    assert others["thresholds"]["F>=2"]["negatives"] == 20


def test_controls_as_the_only_f0_leave_no_negative_case_without_them(cohort):
    result = evaluate(cohort, controls={c.scan_id for c in cohort if c.stages == (0,)})["without_controls"]
    assert result["thresholds"]["F>=1"]["auc"] is None
    assert "no case" in result["thresholds"]["F>=1"]["reason"]


def test_without_any_control_or_with_nothing_else_there_is_a_reason(cohort):
    assert evaluate(cohort)["without_controls"] is None
    assert "no scan" in evaluate(cohort)["without_controls_reason"]
    assert "every scan" in evaluate(cohort, controls={c.scan_id for c in cohort})["without_controls_reason"]


def test_the_confusion_matrix_is_pooled_and_per_fold(cohort):
    confusion = evaluate(cohort)["confusion"]
    folds = np.array([fold["counts"] for fold in confusion["per_fold"]])
    assert (folds.sum(axis=0) == np.array(confusion["counts"])).all()
    assert confusion["correct"]["count"] == np.trace(confusion["counts"])


def test_the_methods_name_unit_draws_and_rule(cohort):
    methods = evaluate(cohort)["methods"]
    assert "unit: patient" in methods["auc_delong"]
    assert "200 draws of patients" in methods["auc_bootstrap"]
    assert "Youden" in methods["operating_point"]


def test_curves_are_the_paper_s(cohort):
    assert [c.name for c in curves(cohort)] == ["F>=2", "F>=3", "F4", "micro", "macro"]

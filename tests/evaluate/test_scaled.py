import json

import numpy as np
import pytest

from fibrolens.evaluate.population import USUAL, Population
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.scaled import probability_measures
from fibrolens.evaluate.study import decided
from fibrolens.evaluate.temperature import fit_temperature, tempered

STAGES = ((0,), (0,), (1,), (2,), (2, 3), (3,), (4,), (4,))


def case(number: int, fold: int, sure: float = 1.0) -> Predicted:
    stages = STAGES[number % 8]
    raw = np.exp(sure * (1.5 * np.eye(5)[stages[0]] + np.random.default_rng(number).normal(size=5)))
    return Predicted(f"s{number}", f"p{number}", fold, stages, tuple((raw / raw.sum()).tolist()))


@pytest.fixture
def cases():
    return [case(n, n % 3, 3.0) for n in range(90)]


@pytest.fixture
def inner():
    """Of fold 0 and 1; fold 2 has no inner split."""
    return {0: [case(n, 0, 3.0) for n in range(100, 140)], 1: [case(n, 1, 3.0) for n in range(200, 240)], 2: []}


def measured(cases, inner, population=USUAL):
    return probability_measures(cases, inner, np.random.default_rng(0), population, 100)


def test_every_figure_stands_before_and_after(cases, inner):
    found = measured(cases, inner)
    for subject in ("ordinal", "calibration", "decision"):
        assert set(found[subject]) >= {"before", "after"}
    for version in ("before", "after"):
        assert sorted(found["calibration"][version]) == sorted(found["decision"][version]) == ["F4", "F>=2", "F>=3"]
        assert found["calibration"][version]["F>=3"]["positives"] == int(decided(cases, 3)[1].sum())
        assert found["ordinal"][version]["cases"] == sum(len(c.stages) == 1 for c in cases)


def test_each_fold_s_temperature_is_that_of_its_inner_split_alone(cases, inner):
    entries = measured(cases, inner)["calibration"]["temperature"]
    assert [e["temperature"] for e in entries[:2]] == [fit_temperature(inner[k]).value for k in (0, 1)]
    assert entries[0]["temperature"] > 1.2  # these networks were too sure
    assert (entries[2]["temperature"], entries[2]["reason"]) == (
        1.0,
        "the fold has no inner split, the patients are too few",
    )
    shuffled = [Predicted(c.scan_id, c.patient_id, c.fold, (0,), c.probabilities) for c in cases]
    assert measured(shuffled, inner)["calibration"]["temperature"] == entries  # the test scans do not matter


def test_scaling_what_was_too_sure_makes_it_better_calibrated(cases, inner):
    found = measured(cases, inner)["calibration"]
    assert found["log_loss"]["after"] < found["log_loss"]["before"]
    for name in ("F>=2", "F>=3", "F4"):
        slopes = [found[version][name]["slope"]["value"] for version in ("before", "after")]
        assert slopes[0] < slopes[1] < 1.3


def test_cuts_after_scaling_are_chosen_on_scaled_inner_predictions(cases, inner):
    found = measured(cases, inner)["decision"]
    before, after = (found[version]["F4"]["rule_in_out"]["cuts"][0] for version in ("before", "after"))
    scaled = {c.scan_id: c.probabilities[4] for c in tempered(inner[0], {0: fit_temperature(inner[0])})}
    assert before["rule_in"] != after["rule_in"]
    assert min(scaled.values()) <= after["rule_in"] <= max(scaled.values())


def test_the_user_s_population_is_used(cases, inner):
    found = measured(cases, inner, Population((0.07,), (0.5, 0.2, 0.1, 0.1, 0.1)))
    assert found["decision"]["prevalences"] == [0.07]
    assert [row["prevalence"] for row in found["decision"]["after"]["F4"]["predictive_values"]["rule_in"]] == [0.07]
    assert found["ordinal"]["before"]["obuchowski"]["given"]["mix"][0] == 0.5


def test_the_result_is_strict_json_and_repeats(cases, inner):
    text = json.dumps(measured(cases, inner), allow_nan=False)
    assert text == json.dumps(measured(cases, inner), allow_nan=False)
    assert {"obuchowski", "temperature", "calibration", "decision_curve", "rule_in_out", "predictive_values"} <= set(
        json.loads(text)["methods"]
    )


def test_without_inner_splits_after_is_as_before(cases):
    found = measured(cases, {})
    before, after = (found["calibration"][version]["F4"]["slope"] for version in ("before", "after"))
    assert before == after
    assert {e["temperature"] for e in found["calibration"]["temperature"]} == {1.0}

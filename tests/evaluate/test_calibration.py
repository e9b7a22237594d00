import json

import numpy as np
import pytest
from scipy.special import expit
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, roc_auc_score

from fibrolens.evaluate.calibration import calibration, expected_calibration_error, reliability
from fibrolens.evaluate.threshold import Question


def question(n=240, slope=1.0, seed=0):
    generator = np.random.default_rng(seed)
    x = 1.5 * generator.normal(size=n)
    return Question(generator.random(n) < expit(slope * x), expit(x), np.arange(n), np.arange(n) % 5)


def found(asked):
    return calibration(asked, np.random.default_rng(0), 200)


def test_figures_equal_scikit_learn():
    asked = question()
    entry = found(asked)
    assert entry["brier"]["value"] == pytest.approx(brier_score_loss(asked.positive, asked.score))
    assert entry["auc"]["value"] == pytest.approx(roc_auc_score(asked.positive, asked.score))
    observed, told = calibration_curve(asked.positive, asked.score, n_bins=10)
    bins = [b for b in entry["bins"] if b["observed"]["of"]]
    assert [b["observed"]["value"] for b in bins] == pytest.approx(observed)
    assert [b["mean_probability"] for b in bins] == pytest.approx(told)
    assert sum(b["observed"]["of"] for b in bins) == 240


def test_the_calibration_error_is_the_mean_distance_of_the_bins():
    positive, probability = np.array([True, False, True, True]), np.array([0.11, 0.19, 0.95, 1.0])
    assert expected_calibration_error(positive[None], probability) == pytest.approx([(2 * 0.35 + 2 * 0.025) / 4])
    bins = reliability(positive, probability, np.arange(4))
    assert [b["observed"]["of"] for b in bins] == [0, 2, 0, 0, 0, 0, 0, 0, 0, 2]
    assert bins[0]["mean_probability"] is None
    assert bins[1]["range"] == [0.1, 0.2]


def test_probabilities_that_are_right_are_not_found_wrong():
    entry = found(question(n=2000))
    assert entry["slope"]["interval"][0] < 1 < entry["slope"]["interval"][1]
    assert entry["in_the_large"]["interval"][0] < 0 < entry["in_the_large"]["interval"][1]
    assert entry["ece"]["value"] < entry["ece"]["if_right_95"]


def test_probabilities_that_are_too_sure_are_found_so():
    entry = found(question(slope=0.3))
    assert entry["slope"]["interval"][1] < 1
    assert entry["ece"]["value"] > entry["ece"]["if_right_95"] > entry["ece"]["if_right"]
    assert entry["brier"]["interval"][0] < entry["brier"]["value"] < entry["brier"]["interval"][1]


def test_the_brier_score_of_the_prevalence_is_that_of_one_forecast_for_all():
    asked = question()
    share = asked.positive.mean()
    assert found(asked)["brier_of_prevalence"] == pytest.approx(np.mean((asked.positive - share) ** 2))


def test_one_side_without_a_case_gives_null_with_a_reason_and_strict_json():
    alone = Question(np.zeros(3, bool), np.array([0.1, 0.2, 1.0 + 1e-9]), np.arange(3), np.arange(3))
    entry = found(alone)
    for name in ("auc", "slope", "intercept", "in_the_large"):
        assert entry[name]["value"] is None
        assert "one side" in entry[name]["reason"]
    empty = found(Question(np.zeros(0, bool), np.zeros(0), np.zeros(0, int), np.zeros(0, int)))
    assert empty["brier"]["value"] is None
    assert json.dumps([entry, empty], allow_nan=False)


def test_sides_that_do_not_overlap_have_no_slope():
    apart = Question(np.arange(8) > 3, np.linspace(0.1, 0.9, 8), np.arange(8), np.arange(8))
    entry = found(apart)
    assert "do not overlap" in entry["slope"]["reason"]
    assert entry["auc"]["value"] == 1.0
    assert entry["in_the_large"]["interval"] is not None

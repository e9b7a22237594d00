import numpy as np
import pytest

from fibrolens.evaluate.entries import estimated, fold_spread, proportion


def test_a_proportion_stands_beside_its_counts():
    found = proportion(np.array([True, True, False]), np.arange(3))
    assert (found["count"], found["of"], found["value"]) == (2, 3, pytest.approx(2 / 3))
    assert found["interval"][0] < 2 / 3 < found["interval"][1]


def test_of_no_case_there_is_no_value():
    assert proportion(np.zeros(0, bool), np.zeros(0, int)) == {"value": None, "interval": None, "count": 0, "of": 0}


def test_a_figure_that_is_missing_says_why_and_another_does_not():
    assert estimated(0.8, 0.7, 0.9, "too few") == {"value": 0.8, "interval": [0.7, 0.9]}
    nan = float("nan")
    assert estimated(nan, nan, nan, "too few") == {"value": None, "interval": None, "reason": "too few"}


def test_spread_is_of_the_folds_that_give_a_figure():
    assert fold_spread([0.8, None, 0.9]) == {"mean": pytest.approx(0.85), "sd": pytest.approx(0.0707107), "folds": 2}
    assert fold_spread([0.8]) == {"mean": 0.8, "sd": None, "folds": 1}
    assert fold_spread([None]) == {"mean": None, "sd": None, "folds": 0}

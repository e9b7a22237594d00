import numpy as np
import pytest

from fibrolens.evaluate.entries import proportion
from fibrolens.evaluate.intervals import Interval, wilson
from fibrolens.evaluate.predictive import predictive_values, ratio


def share(count, of):
    return proportion(np.arange(of) < count, np.arange(of))


def test_predictive_values_are_bayes_theorem():
    (found,) = predictive_values(share(45, 50), share(80, 100), [0.1])
    assert found["ppv"]["value"] == pytest.approx(0.9 * 0.1 / (0.9 * 0.1 + 0.2 * 0.9))
    assert found["npv"]["value"] == pytest.approx(0.8 * 0.9 / (0.8 * 0.9 + 0.1 * 0.1))
    assert found["prevalence"] == 0.1


def test_at_the_cohort_s_own_prevalence_they_are_the_shares_among_the_calls():
    """45 of 50 with the finding and 20 of 100 without are called positive."""
    (found,) = predictive_values(share(45, 50), share(80, 100), [1 / 3])
    assert found["ppv"]["value"] == pytest.approx(45 / 65)
    assert found["npv"]["value"] == pytest.approx(80 / 85)


def test_the_more_frequent_the_finding_the_higher_the_ppv_and_the_lower_the_npv():
    rows = predictive_values(share(45, 50), share(80, 100), [0.05, 0.2, 0.5])
    for part in (lambda entry: entry["value"], lambda entry: entry["interval"][0], lambda entry: entry["interval"][1]):
        ppv, npv = ([part(row[name]) for row in rows] for name in ("ppv", "npv"))
        assert ppv == sorted(ppv)
        assert npv == sorted(npv, reverse=True)


def test_the_ends_of_a_ratio_solve_its_equation():
    """(p - r q)^2 is the squared distance of the ends from p, plus r^2 times that from q (Donner and Zou)."""
    p, q = wilson(np.arange(40) < 30, np.arange(40)), wilson(np.arange(60) < 15, np.arange(60))
    found = ratio(p, q)
    assert found.estimate == pytest.approx(3.0)
    for r, one, other in ((found.low, p.low, q.high), (found.high, p.high, q.low)):
        assert (p.estimate - r * q.estimate) ** 2 == pytest.approx(
            (p.estimate - one) ** 2 + r**2 * (q.estimate - other) ** 2
        )
    assert found.low < 3.0 < found.high


def test_where_no_healthy_scan_is_called_the_ppv_is_1_with_a_lower_end():
    (found,) = predictive_values(share(30, 50), share(40, 40), [0.1])
    assert found["ppv"]["value"] == 1.0
    low, high = found["ppv"]["interval"]
    assert 0.1 < low < 0.6
    assert high == 1.0


def test_where_nothing_is_called_there_is_no_ppv():
    (found,) = predictive_values(share(0, 50), share(40, 40), [0.1])
    assert found["ppv"] == {
        "value": None,
        "interval": None,
        "reason": "no scan is called so, with or without the finding",
    }
    assert found["npv"]["value"] == pytest.approx(0.9)
    (wrong,) = predictive_values(share(0, 50), share(20, 40), [0.1])
    assert wrong["ppv"]["value"] == 0.0
    assert 0 < wrong["ppv"]["interval"][1] < 0.2


def test_one_side_without_a_case_gives_null_with_a_reason():
    (found,) = predictive_values(share(0, 0), share(4, 5), [0.3])
    assert found["npv"]["value"] is None
    assert "one side" in found["npv"]["reason"]


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """Sensitivity 0.9 of 60, specificity 0.85 of 100, at a prevalence of 10 %."""
    generator, truth = np.random.default_rng(0), 0.9 * 0.1 / (0.9 * 0.1 + 0.15 * 0.9)
    held = []
    for yes, no in zip(generator.binomial(60, 0.9, 300), generator.binomial(100, 0.85, 300), strict=True):
        (found,) = predictive_values(share(yes, 60), share(no, 100), [0.1])
        held.append(found["ppv"]["interval"][0] <= truth <= found["ppv"]["interval"][1])
    assert 0.93 < np.mean(held) < 0.975


def test_a_ratio_of_nothing_to_nothing_is_unknown():
    nothing = Interval(0.0, 0.0, 0.1)
    assert np.isnan(ratio(nothing, nothing).estimate)
    assert ratio(Interval(0.5, 0.4, 0.6), nothing).high == float("inf")

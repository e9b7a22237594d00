import json

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from fibrolens.evaluate.intervals import delong_variance
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.subgroups import difference, gathered, subgroups
from fibrolens.evaluate.threshold import Question

CUTS = {k: dict.fromkeys(range(2), 0.5) for k in (2, 3, 4)}


def case(generator, number, signal):
    stage = int(generator.integers(5))
    raw = generator.random(5) + signal * np.eye(5)[stage]
    return Predicted(f"s{number}", f"p{number}", number % 2, (stage,), tuple(float(p) for p in raw / raw.sum()))


@pytest.fixture(scope="module")
def cases():
    """The network knows nothing of the last 100 scans."""
    generator = np.random.default_rng(0)
    return [case(generator, n, 2.0 if n < 200 else 0.0) for n in range(300)]


@pytest.fixture(scope="module")
def groups(cases):
    return {c.scan_id: ("known", "known", "lost")[n // 100] for n, c in enumerate(cases)}


def found(cases, groupings):
    return subgroups(cases, groupings, CUTS, np.arange(len(cases)) % 10 > 0)["groupings"]


def test_the_figures_are_those_of_the_groups_scans_alone(cases, groups):
    known, lost = found(cases, {"kind": groups})["kind"]["groups"]
    assert (known["name"], known["scans"], lost["name"], lost["scans"]) == ("known", 200, "lost", 100)
    truth, score = (
        [f(c) for c in cases[200:]] for f in (lambda c: c.stages[0] >= 3, lambda c: sum(c.probabilities[3:]))
    )
    row = lost["thresholds"]["F>=3"]
    assert row["auc"]["value"] == pytest.approx(roc_auc_score(truth, score), abs=1e-12)
    called = np.array(score) >= 0.5
    assert row["sensitivity"]["count"] == called[np.array(truth)].sum()
    assert row["specificity"]["count"] == (~called[~np.array(truth)]).sum()
    assert (lost["coverage"]["count"], lost["coverage"]["of"]) == (90, 100)
    assert sum(lost["stages"].values()) == 100


def test_a_group_in_which_the_network_fails_differs_from_the_rest(cases, groups):
    known, lost = found(cases, {"kind": groups})["kind"]["groups"]
    tested = known["thresholds"]["F>=2"]["difference"]
    assert tested["interval"][0] > 0
    assert tested["p_value"] <= tested["p_adjusted"] < 0.001
    assert lost["thresholds"]["F>=2"]["difference"]["reason"] == "it is that of the first group"


def test_the_adjustment_counts_the_tests_of_all_groupings(cases, groups):
    halves = {c.scan_id: "ab"[n % 2] for n, c in enumerate(cases)}
    alone = found(cases, {"kind": groups})["kind"]["groups"][0]["thresholds"]["F4"]["difference"]
    beside = found(cases, {"kind": groups, "half": halves})["kind"]["groups"][0]["thresholds"]["F4"]["difference"]
    assert beside["p_adjusted"] > alone["p_adjusted"]


def test_the_difference_is_a_normal_test_with_delongs_variances():
    generator = np.random.default_rng(1)

    def asked(count):
        positive = generator.random(count) < 0.5
        score = generator.random(count) + 0.4 * positive
        return Question(positive, score, np.arange(count), np.zeros(count, int))

    a, b = asked(80), asked(60)
    result = difference(a, b)
    value = roc_auc_score(a.positive, a.score) - roc_auc_score(b.positive, b.score)
    deviation = (delong_variance(a.positive, a.score) + delong_variance(b.positive, b.score)) ** 0.5
    assert result["value"] == pytest.approx(value, abs=1e-12)
    assert result["p_value"] == pytest.approx(2 * norm.sf(abs(value) / deviation))
    assert result["interval"] == pytest.approx([value - 1.959964 * deviation, value + 1.959964 * deviation])


def test_no_difference_is_found_too_often_where_there_is_none():
    generator = np.random.default_rng(2)
    p_values = []
    for _ in range(400):
        positive = generator.random(160) < 0.4
        score = generator.normal(0, 1, 160) + 1.5 * positive
        parts = [Question(positive[s], score[s], np.arange(80), np.zeros(80, int)) for s in (slice(80), slice(80, 160))]
        p_values.append(difference(*parts)["p_value"])
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.035)


def test_a_thin_side_is_not_tested(cases, groups):
    few = {c.scan_id: "few" if n < 12 else "rest" for n, c in enumerate(cases)}
    row = found(cases, {"size": few})["size"]["groups"][0]["thresholds"]["F4"]
    assert row["auc"]["thin"]
    assert row["difference"]["p_value"] is None
    assert "fewer than 10" in row["difference"]["reason"]


def test_scans_without_the_value_stand_in_no_group_and_in_no_rest(cases):
    half = {c.scan_id: "ab"[n % 2] for n, c in enumerate(cases) if n < 200}
    with_others, without = found(cases, {"x": half})["x"], found(cases[:200], {"x": half})["x"]
    assert (with_others["unknown"], without["unknown"]) == (100, 0)
    assert with_others["groups"][0]["thresholds"] == without["groups"][0]["thresholds"]


def test_one_group_is_none_and_says_so(cases):
    result = found(cases, {"site": dict.fromkeys([c.scan_id for c in cases], "Alpha"), "vendor": {}})
    assert (result["site"]["groups"], result["site"]["reason"]) == ([], "all scans are Alpha")
    assert result["vendor"]["reason"] == "not known of any scan"
    json.dumps(result, allow_nan=False)


def test_small_groups_of_free_text_stand_together_after_the_others():
    groups = {f"s{n}": "HCV" if n < 10 else "HBV" if n < 30 else ("PSC", "PBC")[n % 2] for n in range(36)}
    assert list(dict.fromkeys(gathered(groups).values())) == ["HBV", "HCV", "2 rarer ones"]
    assert gathered({"a": "x", "b": "y"}, 2)["a"] == "2 rarer ones"
    assert list(dict.fromkeys(gathered(dict.fromkeys("abc", "x") | {"d": "y"}, 2).values())) == ["x", "y"]

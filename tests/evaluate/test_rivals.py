import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fibrolens.evaluate.compare import delong_difference
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.rivals import STUDY, System, compare_systems

STAGES = [0] * 12 + [2] * 6 + [4] * 12


def predicted(noise, seed, stages=STAGES, first=0):
    generator = np.random.default_rng(seed)
    found = []
    for n, stage in enumerate(stages[first:], first):
        score = -((np.arange(5) - stage - noise * generator.normal()) ** 2)
        chances = np.exp(score) / np.exp(score).sum()
        found.append(Predicted(f"s{n}", f"p{n}", n % 3, (stage,), tuple(chances)))
    return found


def system(cases, against=None, kind="network", **details):
    return System("title", "source", kind, cases, against, details)


@pytest.fixture(scope="module")
def compared():
    systems = {
        STUDY: system(predicted(1.0, 0)),
        "worse": system(predicted(4.0, 1), STUDY, initial_weights="random"),
        "same": system(predicted(1.0, 0), STUDY),
        "partial": system(predicted(4.0, 1, first=5), STUDY, "markers", markers=["lsvr"]),
        "nothing": system([], STUDY, "markers", reason="measured in too few scans"),
    }
    return compare_systems(systems, np.random.default_rng(0), 300)


def score(cases, k):
    return [sum(case.probabilities[k:]) for case in cases]


def test_each_area_is_scikit_learns(compared):
    for k, name in ((2, "F>=2"), (3, "F>=3"), (4, "F4")):
        truth = [stage >= k for stage in STAGES]
        wanted = roc_auc_score(truth, score(predicted(4.0, 1), k))
        assert compared["worse"]["thresholds"][name]["auc"]["value"] == pytest.approx(wanted, abs=1e-12)


def test_a_difference_is_the_systems_area_less_the_others(compared):
    entry = compared["worse"]["thresholds"]["F4"]
    main = compared[STUDY]["thresholds"]["F4"]["auc"]["value"]
    assert entry["difference"]["value"] == pytest.approx(entry["auc"]["value"] - main)
    assert entry["difference"]["value"] < 0
    low, high = entry["difference"]["bootstrap"]
    assert low < entry["difference"]["value"] < high
    assert low == pytest.approx(entry["difference"]["delong"][0], abs=0.1)


def test_a_system_that_scores_fewer_scans_is_compared_on_those(compared):
    entry = compared["partial"]["thresholds"]["F4"]
    truth = [stage >= 4 for stage in STAGES[5:]]
    wanted = roc_auc_score(truth, score(predicted(4.0, 1, first=5), 4)) - roc_auc_score(
        truth, score(predicted(1.0, 0)[5:], 4)
    )
    assert entry["difference"]["value"] == pytest.approx(wanted)
    assert entry["difference"]["scans"] == 25
    assert compared["partial"]["markers"] == ["lsvr"]


def test_equal_scores_do_not_differ(compared):
    apart = compared["same"]["thresholds"]["F4"]["difference"]
    assert (apart["value"], apart["p_value"], apart["p_adjusted"]) == (0.0, 1.0, 1.0)
    assert apart["bootstrap"] is None


def test_holm_counts_every_difference(compared):
    tests = [e["difference"] for s in compared.values() for e in s["thresholds"].values() if e["difference"]]
    assert len(tests) == 9
    lowest = min(tests, key=lambda test: test["p_value"])
    assert lowest["p_adjusted"] == pytest.approx(min(1.0, 9 * lowest["p_value"]))


def test_a_system_without_scores_says_why(compared):
    assert compared["nothing"]["scans"] == 0
    assert compared["nothing"]["reason"] == "measured in too few scans"
    assert compared["nothing"]["thresholds"]["F4"]["auc"] is None


def test_the_study_itself_is_compared_with_nothing(compared):
    assert compared[STUDY]["against"] is None
    assert compared[STUDY]["thresholds"]["F4"]["difference"] is None


def test_a_second_copy_of_every_scan_adds_no_certainty():
    """Two equal scans of each patient are one cluster: the paired interval stays as wide as with one scan each."""
    truth = np.array([stage >= 4 for stage in STAGES])
    ours, others = (np.array(score(predicted(noise, seed), 4)) for noise, seed in ((1.0, 0), (4.0, 1)))
    once = delong_difference(truth, ours, others)
    patient = np.tile(np.arange(len(truth)), 2)
    twice = delong_difference(np.tile(truth, 2), np.tile(ours, 2), np.tile(others, 2), patient)
    assert twice.interval.low == pytest.approx(once.interval.low)
    assert twice.p_value == pytest.approx(once.p_value)
    alone = delong_difference(np.tile(truth, 2), np.tile(ours, 2), np.tile(others, 2))
    assert alone.interval.low > once.interval.low

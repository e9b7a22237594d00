import json

import numpy as np
import pytest

from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.shortcuts import shortcuts

N = 60
STAGES = [(0,)] * 30 + [(3,)] * 10 + [(4,)] * 20
POSITIVE = np.arange(N) >= 30
NAMES = (("site",), ("kvp", "table_hu"))


def cases(n=N, probability=None):
    p = np.random.default_rng(2).random(n) if probability is None else probability
    return [Predicted(f"s{k}", f"p{k}", k % 5, STAGES[k], (1 - p[k], 0.0, 0.0, 0.0, float(p[k]))) for k in range(n)]


def rows(trait, known=None):
    rng = np.random.default_rng(0)
    return {
        f"s{k}": {"site": "AB"[int(rng.integers(2))], "kvp": "" if known is None else "120", "table_hu": f"{value:.1f}"}
        for k, value in enumerate(trait)
    }


def test_a_scan_that_tells_the_stage_raises_the_alarm_and_shows_what_the_network_knows_beside_it():
    rng = np.random.default_rng(1)
    trait = np.where(rng.random(N) < 0.9, POSITIVE, ~POSITIVE).astype(float)
    network = 0.2 + 0.5 * trait + 0.1 * rng.random(N)
    table = -600 + 200 * trait + rng.normal(0, 5, N)
    found = shortcuts(cases(probability=network), rows(table), NAMES, np.random.default_rng(0), 200)
    assert found["level"] == "alarm"
    assert found["p_value"] <= 0.005
    assert found["thresholds"]["F>=3"]["auc"]["value"] > 0.75
    first = found["facts"][0]
    assert (first["fact"], first["value"], first["threshold"], first["known"]) == ("table_hu", None, "F>=2", N)
    assert first["auc"] > 0.8
    assert found["network"]["F>=2"]["all"]["value"] > 0.8
    assert found["network"]["F>=2"]["within_acquisition"]["value"] < 0.75, "it knows little but the table"
    json.dumps(found, allow_nan=False)


def test_a_word_that_tells_the_stage_is_named_with_how_well_it_does():
    words = {f"s{k}": {"site": "AB"[int(POSITIVE[k])], "kvp": "", "table_hu": ""} for k in range(N)}
    first = shortcuts(cases(), words, NAMES, np.random.default_rng(0), 200)["facts"][0]
    assert (first["fact"], first["threshold"], first["auc"]) == ("site", "F>=2", 1.0)
    assert first["value"] in {"A", "B"}


def test_what_is_no_chance_but_tells_less_than_the_least_auc_is_a_hint(monkeypatch):
    monkeypatch.setattr("fibrolens.evaluate.shortcuts.LEAST_AUC", 1.01)
    found = shortcuts(cases(), rows(POSITIVE.astype(float)), NAMES, np.random.default_rng(0), 200)
    assert found["p_value"] <= 0.005
    assert found["level"] == "hint"


def test_a_scan_that_tells_nothing_raises_none():
    found = shortcuts(cases(), rows(np.random.default_rng(3).random(N)), NAMES, np.random.default_rng(0), 200)
    assert found["level"] == "none"
    assert {fact["fact"] for fact in found["facts"]} == {"site", "table_hu"}, "what is unknown everywhere tells nothing"
    json.dumps(found, allow_nan=False)


def test_too_few_patients_are_no_all_clear():
    found = shortcuts(cases(12), rows(np.arange(12)), NAMES, np.random.default_rng(0), 50)
    assert found["level"] == "unknown"
    assert found["reason"].startswith("fewer than 20 patients")
    assert found["p_value"] is None


def test_facts_that_do_not_differ_tell_nothing():
    same = {f"s{k}": {"site": "A", "kvp": "120", "table_hu": ""} for k in range(N)}
    found = shortcuts(cases(), same, NAMES, np.random.default_rng(0), 50)
    assert found["level"] == "unknown"
    assert "differs" in found["reason"]
    assert found["network"]["F>=2"]["within_site"] is None


def test_scans_without_facts_are_counted():
    some = {key: row for key, row in rows(np.random.default_rng(3).random(N)).items() if key not in ("s0", "s59")}
    found = shortcuts(cases(), some, NAMES, np.random.default_rng(0), 50)
    assert (found["left_out"], found["scans"]) == (2, N - 2)


def test_the_same_seed_gives_the_same_content():
    table = rows(np.random.default_rng(3).random(N))
    first, second = (shortcuts(cases(), table, NAMES, np.random.default_rng(5), 50) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("word", ["alarm", "hint", "0.5 %"])
def test_the_rule_stands_beside_the_figures(word):
    assert word in shortcuts(cases(), rows(np.arange(N)), NAMES, np.random.default_rng(0), 50)["rule"]

import copy

import pytest

from fibrolens.report.shortcuts import FACTS, TITLE, alarms, exact, printed
from fibrolens.study.acquisition import NUMBERS, WORDS


@pytest.fixture
def alarmed(evaluation):
    """The made-up study as if its table told the stage."""
    changed = copy.deepcopy(evaluation)
    found = changed["shortcuts"]
    found |= {"level": "alarm", "p_value": 0.0001}
    found["thresholds"]["F>=3"]["auc"] = {"value": 0.9, "delong": [0.8, 0.95]}
    found["facts"][0] |= {"fact": "table_hu", "value": None, "auc": 0.93, "p_adjusted": 0.0001}
    found["network"]["F>=3"]["all"] |= {"value": 0.88, "interval": [0.8, 0.93]}
    found["network"]["F>=3"]["within_acquisition"] |= {"value": 0.52, "interval": [0.4, 0.64]}
    return changed


def test_the_alarm_says_how_well_by_what_and_what_is_left_of_the_network(alarmed):
    first, second = alarms(alarmed)
    assert "acquisition alone reaches an AUC of 0.90 [0.80, 0.95] for Advanced fibrosis (F3–F4)" in first
    assert "p < 0.001" in first
    assert "table: density, AUC 0.93 alone" in first
    assert "the network's AUC of 0.88 [0.80, 0.93] may be this shortcut" in first
    assert "among scans alike in acquisition it is 0.52 [0.40, 0.64]" in first
    assert TITLE in second


@pytest.mark.parametrize("level", ["none", "hint", "unknown"])
def test_nothing_but_an_alarm_stands_at_the_top(evaluation, level):
    quiet = evaluation | {"shortcuts": evaluation["shortcuts"] | {"level": level}}
    assert alarms(quiet) == []
    assert alarms({name: part for name, part in evaluation.items() if name != "shortcuts"}) == []


def test_every_fact_has_words():
    assert set(FACTS) == {*WORDS, *NUMBERS}


def test_each_auc_is_a_row_and_each_fact_too(evaluation):
    areas, facts = exact(evaluation)
    assert [row[:3] for row in areas.rows if row[0] == "F4"] == [
        ("F4", "acquisition", "all"),
        *(("F4", "network", key) for key in ("all", "within_site", "within_acquisition")),
    ]
    assert {row[0] for row in facts.rows} == {"site", "slice_mm"}


def test_acquisition_and_network_are_printed_side_by_side_with_the_rule(evaluation):
    areas, facts = printed(evaluation)
    assert len(areas.rows) == 3
    assert areas.columns[2:] == (
        "Acquisition alone",
        "Network, all pairs",
        "Network, pairs of one site",
        "Network, pairs alike in acquisition",
    )
    assert "Permutation p = " in areas.note
    assert "Rule. Alarm: permutation p at most 0.005" in areas.note
    assert facts.rows[0][0].startswith(("site: ", "slice spacing"))


def test_an_audit_that_was_not_possible_says_why(evaluation):
    nothing = {"level": "unknown", "reason": "too few", "thresholds": {}, "facts": [], "p_value": None}
    few = evaluation | {"shortcuts": evaluation["shortcuts"] | nothing}
    (table,) = printed(few)
    assert table.note == "Not known: too few."
    assert [row[2] for row in table.rows] == ["–"] * 3
    assert len(list(exact(few))) == 2

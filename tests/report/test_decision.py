import copy

import numpy as np
import pytest
from tests.report.svg import words
from tests.report.test_calibration import measured

from fibrolens.report.decision import curve, decision_figure, predictive, predictive_printed, rules, rules_printed


@pytest.fixture(scope="module")
def decision():
    return measured([0, 1, 2, 3, 4] * 12)["decision"]


def test_the_figure_shows_the_network_beside_all_and_none(decision, tmp_path):
    decision_figure(decision, tmp_path / "curves")
    text = words(tmp_path / "curves.svg")
    for part in ("F≥2", "network, scaled", "all positive", "none positive", "Net benefit", "Research use only"):
        assert part in text


def test_a_cohort_of_one_stage_says_that_nothing_is_measurable(tmp_path):
    alone = measured([0] * 6, inner=False)["decision"]
    decision_figure(alone, tmp_path / "alone")
    assert "not measurable" in words(tmp_path / "alone.svg")
    assert curve(alone).rows == ()
    assert rules_printed(alone).rows[0][1] == "no fold gives both cuts"
    assert set(predictive_printed(alone).rows[0][2:]) == {"–"}
    assert rules(alone).rows == ()


def test_the_rule_table_counts_every_scan_of_a_fold_with_cuts_once(decision):
    table = rules_printed(decision)
    assert table.columns[1:3] == ("Decision", "Scans with / without")
    mine = [row for row in table.rows if row[0] in ("F≥3", "F≥3, as given")]
    assert [row[1] for row in mine] == ["ruled in", "left between", "ruled out"]
    assert sum(int(n) for row in mine for n in row[2].split(" / ")) == 30
    assert "left out: F≥2 30, F≥3 30, F4 30" in table.note  # fold 1 has no inner split
    assert "90 % sensitivity" in table.note


def test_rows_of_their_own_stand_only_where_scaling_changes_a_call(decision):
    same = decision | {"after": decision["before"]}
    assert [row[0] for row in rules_printed(same).rows[::3]] == ["F≥2", "F≥3", "F4"]
    other = decision | {"after": copy.deepcopy(decision["before"])}
    other["after"]["F4"]["rule_in_out"]["zones"]["between"]["positives"] += 1
    assert [row[0] for row in rules_printed(other).rows[::3]] == ["F≥2", "F≥3", "F4, as given", "F4, scaled"]


def test_the_exact_tables_hold_every_figure(decision):
    points = [row for row in curve(decision).rows if row[:2] == ("F4", "before")]
    assert len(points) == 99
    assert [row[3] for row in points] == decision["before"]["F4"]["curve"]["model"]
    found = {row[:4]: row[4] for row in rules(decision).rows}
    ruled = decision["after"]["F>=2"]["rule_in_out"]
    assert found["F>=2", "after", "rule_in", "specificity"] == ruled["rule_in"]["specificity"]["value"]
    values = {row[:5]: row[5] for row in predictive(decision).rows}
    npv = decision["before"]["F4"]["predictive_values"]["rule_out"][1]["npv"]["value"]
    assert values["F4", "before", "rule_out", 0.1, "npv"] == npv


def test_the_predictive_values_are_printed_per_prevalence(decision):
    table = predictive_printed(decision)
    mine = [row for row in table.rows if row[0].startswith("F4")]
    assert [row[1] for row in mine][:3] == ["5 %", "10 %", "20 %"]
    found = decision["before"]["F4"]["predictive_values"]["operating_point"][0]["ppv"]
    assert mine[0][2].startswith(f"{100 * found['value']:.1f} [")
    assert np.all([len(row) == len(table.columns) for row in table.rows])

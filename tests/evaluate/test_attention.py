import json

import numpy as np
import pytest

from fibrolens.evaluate.attention import adjust, compare, compare_stages, frequencies, summarise

NAN = float("nan")


def test_summary_ignores_unknown_values():
    assert summarise([1.0, 2.0, 3.0, NAN]) == {"n": 3, "median": 2.0, "q1": 1.5, "q3": 2.5}
    assert summarise([NAN]) == {"n": 0, "median": None, "q1": None, "q3": None}


def group(*values, first="a"):
    return {f"{first}{n}": value for n, value in enumerate(values)}


def test_effect_is_the_share_of_pairs_in_which_the_second_group_is_larger():
    assert compare(group(1.0, 2.0), group(3.0, 4.0, first="b"))["effect"] == 1.0
    assert compare(group(1.0, 3.0), group(2.0, first="b"))["effect"] == 0.5


def test_exact_p_value_of_two_separated_groups_of_four():
    found = compare(group(1.0, 2.0, 3.0, 4.0), group(5.0, 6.0, 7.0, 8.0, first="b"))
    assert found["p_value"] == pytest.approx(2 / 70)
    assert found["patients"] == [4, 4]
    assert found["effect_interval"] is None
    assert "groups that overlap" in found["reason"]


def test_the_effect_lies_in_its_interval():
    found = compare(group(1.0, 2.0, 3.0, 4.5), group(2.5, 4.0, 5.0, 6.0, first="b"))
    low, high = found["effect_interval"]
    assert low < found["effect"] == 13 / 16 < high
    assert "reason" not in found


def test_an_empty_group_gives_a_reason_and_no_figure():
    result = compare({}, group(1.0))
    assert result["p_value"] is None
    assert "no case" in result["reason"]


def test_stage_sets_stand_in_no_group():
    result = compare_stages(["F0", "F4", "F3|F4", "F2"], [0.5, 1.5, 9.0, 1.0])
    assert {name: found["n"] for name, found in result["stages"].items()} == {
        "F0": 1,
        "F1": 0,
        "F2": 1,
        "F3": 0,
        "F4": 1,
    }
    assert result["F0_against_F4"]["effect"] == 1.0


def test_a_patient_counts_once_per_group_and_not_at_all_in_both():
    """Patient a has two F0 scans; patient d has one scan of each stage."""
    stage = ["F0", "F0", "F0", "F4", "F4", "F0", "F4"]
    result = compare_stages(stage, [1.0, 3.0, 1.5, 1.8, 4.0, 9.0, 0.1], ["a", "a", "b", "c", "e", "d", "d"])
    test = result["F0_against_F4"]
    assert result["stages"]["F0"]["n"] == 4
    assert (test["patients"], test["in_both"]) == ([2, 2], 1)
    assert test["effect"] == 3 / 4


def test_a_scan_without_a_figure_is_no_observation():
    test = compare_stages(["F0", "F0", "F4"], [1.0, NAN, 2.0])["F0_against_F4"]
    assert test["patients"] == [1, 1]


def test_adjusted_p_values_are_holm_s():
    tests = [{"p_value": p} for p in (0.04, 0.01, None, 0.02, 0.9)]
    adjust(tests)
    assert [test.get("p_adjusted") for test in tests] == pytest.approx([0.08, 0.04, None, 0.06, 0.9])


def test_pattern_frequencies_have_counts_and_intervals():
    stage = ["F0", "F0", "F4", "F2|F3"]
    found = frequencies(stage, ["surface", "core", "core", "core"], ("surface", "core", "mixed"), np.arange(4))
    assert found["F0"]["surface"]["value"] == 0.5
    assert (found["F4"]["core"]["count"], found["F4"]["core"]["of"]) == (1, 1)
    assert found["F4"]["mixed"]["interval"][1] < 1
    assert found["F2"]["core"] == {"value": None, "interval": None, "count": 0, "of": 0}
    json.dumps(found, allow_nan=False)

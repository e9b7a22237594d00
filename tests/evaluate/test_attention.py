import pytest

from fibrolens.evaluate.attention import compare, compare_stages, summarise

NAN = float("nan")


def test_summary_ignores_unknown_values():
    assert summarise([1.0, 2.0, 3.0, NAN]) == {"n": 3, "median": 2.0, "q1": 1.5, "q3": 2.5}
    assert summarise([NAN]) == {"n": 0, "median": None, "q1": None, "q3": None}


def test_effect_is_the_share_of_pairs_in_which_the_second_group_is_larger():
    assert compare([1.0, 2.0], [3.0, 4.0])["effect"] == 1.0
    assert compare([1.0, 3.0], [2.0])["effect"] == 0.5


def test_exact_p_value_of_two_separated_groups_of_four():
    assert compare([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0])["p_value"] == pytest.approx(2 / 70)


def test_an_empty_group_gives_a_reason_and_no_figure():
    result = compare([], [1.0])
    assert result["p_value"] is None
    assert "no case" in result["reason"]


def test_stage_sets_stand_in_no_group():
    result = compare_stages(["F0", "F4", "F3|F4", "F2"], [0.5, 1.5, 9.0, 1.0])
    assert {name: group["n"] for name, group in result["stages"].items()} == {
        "F0": 1,
        "F1": 0,
        "F2": 1,
        "F3": 0,
        "F4": 1,
    }
    assert result["F0_against_F4"]["effect"] == 1.0

from dataclasses import replace

import pytest

from fibrolens.markers.serum import Laboratory, apri, fib4

#: FIB-4 = 60 * 80 / (120 * sqrt(64)) = 5; APRI = 100 * (80 / 40) / 120 = 1.667.
BLOOD = Laboratory(age=60.0, ast=80.0, alt=64.0, ast_uln=40.0, platelets=120.0)


def test_hand_calculated_scores():
    assert fib4(BLOOD).value == pytest.approx(5.0)
    assert apri(BLOOD).value == pytest.approx(200 / 120)
    assert fib4(BLOOD).reason is None


@pytest.mark.parametrize("name", ["age", "ast", "alt", "platelets"])
def test_fib4_names_what_is_missing(name):
    found = fib4(replace(BLOOD, **{name: None}))
    assert found.value is None
    assert found.reason.startswith("not given")


def test_each_score_needs_its_own_values_only():
    assert fib4(replace(BLOOD, ast_uln=None)).value == fib4(BLOOD).value
    assert apri(replace(BLOOD, age=None, alt=None)).value == apri(BLOOD).value
    assert "upper limit of normal" in apri(replace(BLOOD, ast_uln=None)).reason
    assert fib4(Laboratory()).reason == "not given: age, AST, ALT, the platelet count"


@pytest.mark.parametrize(("name", "value"), [("platelets", 120000.0), ("ast", 0.0), ("alt", -5.0), ("age", 7.0)])
def test_what_no_person_has_is_refused_with_the_unit(name, value):
    found = fib4(replace(BLOOD, **{name: value}))
    assert found.value is None
    assert "check its unit" in found.reason
    assert f"{value:g}" in found.reason


def test_platelets_of_zero_never_divide():
    assert apri(replace(BLOOD, platelets=0.0)).value is None
    assert apri(replace(BLOOD, ast_uln=0.0)).value is None


def test_a_row_of_a_cohort_table():
    row = {"age": "60", "ast": " 80 ", "alt": "64.0", "ast_uln": "", "platelets": "n/a", "sex": "F"}
    assert Laboratory.from_row(row) == Laboratory(age=60.0, ast=80.0, alt=64.0)
    assert Laboratory.from_row({"ast": "nan", "alt": "inf"}) == Laboratory()

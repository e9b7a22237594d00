import pytest

from fibrolens.cohort.consistency import contradictions
from fibrolens.cohort.table import Record


def found(*rows: dict[str, str]) -> list[str]:
    return [str(problem) for problem in contradictions([Record(n + 2, row) for n, row in enumerate(rows)])]


def scan(**cells: str) -> dict[str, str]:
    return {"patient_id": "p1", "stage": "F3", **cells}


def test_a_control_is_f0_and_has_no_histology():
    control = {"patient_id": "p1", "reference": "imaging_negative", "stage": "F0"}
    assert found(control) == []
    assert found({**control, "stage": "F1"}) == [
        "line 2: reference is imaging_negative, but the stage is F1; a control is F0"
    ]
    assert "the stage is F0|F1" in found({**control, "stage": "F0|F1"})[0]
    assert found({**control, "histology_date": "2010-01-01", "specimen": "biopsy"}) == [
        "line 2: reference is imaging_negative, but histology_date and specimen are given; a control has no histology"
    ]


def test_a_stage_that_is_none_is_not_told_again():
    assert found({"patient_id": "p1", "reference": "imaging_negative", "stage": "f1"}) == []


@pytest.mark.parametrize(("ct", "histology"), [("2017-03-01", "2007-03-01"), ("2007-03-01", "2019-03-01")])
def test_years_between_ct_and_histology_are_a_slip(ct, histology):
    row = scan(ct_date=ct, histology_date=histology)
    assert "years apart; check the years" in found(row)[0]
    assert found({**row, "exclude": "histology too old"}) == []


def test_an_interval_that_the_criteria_judge_is_no_slip():
    assert found(scan(ct_date="2015-03-01", histology_date="2017-03-01")) == []


def test_a_patient_has_one_sex():
    assert found(scan(sex="M"), scan(sex="F"), scan(sex=""), scan(sex="f")) == [
        "line 3: patient p1 has sex F, and M in line 2"
    ]
    assert found(scan(sex="M"), scan(sex="F", patient_id="p2")) == []


def test_a_patient_is_born_once():
    first = scan(ct_date="2010-06-01", age="50")
    assert found(first, scan(ct_date="2012-06-01", age="52")) == []
    assert found(first, scan(ct_date="2011-05-01", age="50")) == []
    assert found(first, scan(ct_date="2012-06-01", age="61")) == [
        "line 3: age and ct_date say that patient p1 was born about 1951, those of line 2 about 1960"
    ]
    assert found(first, scan(ct_date="2012-06-01", age="1961"), scan(ct_date="1.6.2012", age="61")) == []


def test_a_patient_has_one_spelling():
    assert found(scan(patient_id="p1"), scan(patient_id="P1")) == [
        "line 3: patient_id P1 is p1 in line 2; use one spelling"
    ]

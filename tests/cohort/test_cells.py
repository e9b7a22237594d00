from datetime import date

import pytest

from fibrolens.cohort.cells import cell_problem, date_of, is_no, number_of, phase_of
from fibrolens.cohort.columns import BY_NAME

TODAY = date(2024, 5, 17)


def problem(column: str, text: str) -> str | None:
    return cell_problem(BY_NAME[column], text, TODAY)


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("age", "61"), ("age", "16.5"), ("sex", "F"), ("bmi", "24.5"), ("platelets", "150"), ("afp", "0"),
        ("ct_date", "2011-11-24"), ("ct_date", "2024-05-17"), ("phase", "portal venous"), ("phase", "portal"),
        ("specimen", "biopsy"), ("reference", "imaging_negative"), ("exclude", "CT damaged"), ("modality", "MR"),
        ("field_strength", "1.5"), ("aetiology", "unknown"), ("chemotherapy", "no"), ("age", ""), ("ct_date", ""),
        ("history", "NA"), ("ca19_9", "1.2e3"),
    ],
)  # fmt: skip
def test_what_may_stand_in_a_cell(column, text):
    assert problem(column, text) is None


@pytest.mark.parametrize(
    ("column", "text", "sentence"),
    [
        ("age", "1962", "age is 1962, not within 0 to 120 years; check the unit: give years at the CT"),
        ("age", "sixty", "age must be a number (years); it is 'sixty'"),
        ("age", "-3", "not within 0 to 120"),
        ("age", "nan", "leave the cell empty where nothing is known"),
        ("age", "1_0", "must be a number"),
        ("age", "1e999", "must be a number"),
        ("bmi", "24,5", "it is '24,5', write 24.5"),
        ("bmi", "245", "not within 10 to 80 kg/m2"),
        ("platelets", "150000", "check the unit: 150,000 per microlitre are 150"),
        ("platelets", "150,000", "give digits and a decimal point alone"),
        ("platelets", "0.15", "not within 2 to 2000 10^9/L"),
        ("ast", "0.5", "one microkatal/L is 60 U/L"),
        ("ast_uln", "0.6", "upper limit of normal"),
        ("afp", "<5", "it is '<5'"),
        ("afp", "9e7", "not within 0 to 5e+06 ng/mL"),
        ("ca19_9", "-1", "U/mL"),
        ("cea", "n/a", "leave the cell empty"),
        ("field_strength", "15000", "not gauss"),
        ("ct_date", "24.11.2011", "write year-month-day, for example 2015-03-31"),
        ("ct_date", "2011-11-24 10:00", "write year-month-day"),
        ("ct_date", "20111124", "write year-month-day"),
        ("histology_date", "2011-02-30", "there is no such day"),
        ("ct_date", "2042-01-01", "lies in the future"),
        ("ct_date", "1911-11-24", "older than CT itself"),
        ("sex", "female", "it is 'female'; write F"),
        ("sex", "0", "must be one of M, F; it is '0'"),
        ("reference", "Histology", "write histology"),
        ("phase", "PV", "write portal venous"),
        ("phase", "late arterial", "must be one of native, arterial, portal venous, delayed"),
        ("specimen", "explant", "write transplantation"),
        ("specimen", "?", "leave the cell empty"),
        ("chemotherapy", "Yes", "write yes"),
        ("exclude", "no", "leave the cell empty in rows that stay"),
        ("exclude", "1", "give the reason"),
    ],
)
def test_what_may_not_stand_in_a_cell_and_what_to_do(column, text, sentence):
    found = problem(column, text)
    assert found is not None
    assert sentence in found
    assert found.startswith(column)


def test_cells_as_values():
    assert (number_of("1.5"), number_of("")) == (1.5, None)
    assert (date_of("2020-02-29"), date_of("")) == (date(2020, 2, 29), None)
    assert (phase_of("portal"), phase_of("arterial")) == ("portal venous", "arterial")
    assert (is_no("No"), is_no("ascites")) == (True, False)
    with pytest.raises(ValueError, match="no plain number"):
        number_of("inf")
    with pytest.raises(ValueError, match="no such day"):
        date_of("2019-02-29")

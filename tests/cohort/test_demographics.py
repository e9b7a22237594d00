import pytest
from tests.cohort_files import cohort_row

from fibrolens.cohort.demographics import TableOne, table_one
from fibrolens.errors import CohortError

ROWS = (
    cohort_row(0, "F0", reference="imaging_negative", age="40", sex="M", specimen="", aetiology="", bmi="24.25"),
    cohort_row(1, "F0", reference="imaging_negative", age="50", sex="F", specimen="", aetiology="", bmi=""),
    cohort_row(2, "F3", reference="histology", age="", sex="F", specimen="biopsy", aetiology="HCV", bmi="31"),
    cohort_row(3, "F4", "p3", reference="histology", age="61", sex="M", specimen="resection", aetiology="hcv"),
    cohort_row(4, "F4", "p3", reference="histology", age="64", sex="", specimen="", aetiology="unknown"),
)


def cells(table: TableOne) -> dict[tuple[str, str], tuple[str, ...]]:
    """The figures by variable and level."""
    found, variable = {}, ""
    for name, level, *figures in table.rows:
        variable = name or variable
        found[variable, level] = tuple(figures)
    return found


def test_the_columns_are_the_paper_s():
    assert table_one(ROWS).columns == ("variable", "level", "total", "F0", "F1", "F2", "F3", "F4")
    assert all(len(row) == 8 for row in table_one(ROWS).rows)


def test_scans_and_patients_are_counted_apart():
    found = cells(table_one(ROWS))
    assert found["Scans", ""] == ("5", "2", "0", "0", "1", "2")
    assert found["Patients", ""] == ("4", "2", "0", "0", "1", "1")


def test_medians_with_quartiles_and_what_is_missing():
    found = cells(table_one(ROWS))
    assert found["Age, years", "Median (IQR)"] == (
        "55.5 (47.5-61.8)",
        "45 (42.5-47.5)",
        "-",
        "-",
        "-",
        "62.5 (61.8-63.2)",
    )
    assert found["Age, years", "Not given"] == ("1 (20.0%)", "0 (0.0%)", "-", "-", "1 (100.0%)", "0 (0.0%)")
    assert found["Body mass index, kg/m2", "Median (IQR)"][1] == "24.2 (24.2-24.2)"


def test_percentages_are_of_the_known():
    found = cells(table_one(ROWS))
    assert found["Sex", "Male"] == ("2 (50.0%)", "1 (50.0%)", "-", "-", "0 (0.0%)", "1 (100.0%)")
    assert found["Sex", "Not given"][0] == "1 (20.0%)"


def test_controls_have_neither_specimen_nor_aetiology():
    found = cells(table_one(ROWS))
    assert found["Origin of the histology specimen", "Biopsy"] == ("1 (50.0%)", "-", "-", "-", "1 (100.0%)", "0 (0.0%)")
    assert found["Origin of the histology specimen", "Not given"][0] == "1 (33.3%)"


def test_levels_differ_not_by_capitals_and_unknown_stands_last():
    levels = [level for variable, level in cells(table_one(ROWS)) if variable.startswith("Aetiology")]
    assert [level.casefold() for level in levels] == ["hcv", "unknown"]
    assert cells(table_one(ROWS))["Aetiology of liver fibrosis", levels[0]][0] == "2 (66.7%)"


def test_sets_of_stages_have_a_column_of_their_own():
    table = table_one([*ROWS, cohort_row(5, "F2|F3", age="70", sex="M")])
    assert table.columns[-1] == "sets"
    assert cells(table)["Scans", ""] == ("6", "2", "0", "0", "1", "2", "1")


def test_the_paper_s_variables_are_told_to_be_missing_and_others_left_out():
    found = cells(table_one([cohort_row(0), cohort_row(1, "F4")]))
    assert found["Age, years", "Not given"][0] == "2 (100.0%)"
    assert found["Sex", "Not given"][0] == "2 (100.0%)"
    assert not any(variable.startswith(("Body mass", "Site")) for variable, _ in found)


def test_days_from_ct_to_histology_are_of_those_who_have_one():
    dates = {"ct_date": "2015-01-15", "histology_date": "2015-01-05"}
    rows = [
        cohort_row(0, "F3", reference="histology", **dates),
        cohort_row(1, "F3", reference="histology", **{**dates, "histology_date": ""}),
        cohort_row(2, "F0", reference="imaging_negative", **{**dates, "histology_date": ""}),
    ]
    found = cells(table_one(rows))
    assert found["CT to histology, days", "Median (IQR)"][0] == "10 (10-10)"
    assert found["CT to histology, days", "Not given"][0] == "1 (50.0%)"


@pytest.mark.parametrize("value", [{"age": "old"}, {"ct_date": "1.1.2015", "histology_date": ""}])
def test_a_cell_that_is_no_value_names_its_line(value):
    with pytest.raises(CohortError, match=r"Line 2.*run fibrolens cohort check"):
        table_one([cohort_row(0, **value)])

from tests.cohort_files import cohort_row

from fibrolens.cohort.summary import summary


def test_a_cohort_in_a_few_lines():
    rows = [
        cohort_row(0, "F0", reference="imaging_negative", age="50", specimen="", exclude="", ward=""),
        cohort_row(1, "F3", patient="p1", reference="histology", age="", specimen="biopsy", exclude="", ward=""),
        cohort_row(2, "F2|F3", patient="p1", reference="histology", age="", specimen="", exclude="", ward=""),
        cohort_row(3, "F4", reference="histology", age="", specimen="", exclude="too young", ward=""),
    ]
    lines = summary("cohort.csv", rows).splitlines()
    assert lines[:5] == [
        "cohort.csv: 4 scans of 3 patients, no problem found. Research use only.",
        "  stages: F0 1, F1 0, F2 0, F3 1, F4 0, F2|F3 1",
        "  controls (imaging negative): 1 scan of 1 patient",
        "  excluded by a reason in the table, and not counted here: 1 scan of 1 patient",
        "  empty cells: age in 2 of 3 scans, specimen in 1 of 2 scans",
    ]
    assert "extrahepatic_abnormality" in lines[5]
    assert lines[6] == "  columns of your own: ward"


def test_an_explanted_liver_is_not_in_a_later_ct():
    transplanted = {"specimen": "transplantation", "histology_date": "2010-03-01"}
    rows = [
        cohort_row(0, **transplanted, ct_date="2010-02-01"),
        cohort_row(1, **transplanted, ct_date="2010-04-01"),
        cohort_row(2, specimen="biopsy", histology_date="2010-03-01", ct_date="2010-04-01"),
    ]
    assert "gave the stage in s1; it shows the new liver" in summary("cohort.csv", rows)
    assert "worth a look" not in summary("cohort.csv", [rows[0], rows[2]])

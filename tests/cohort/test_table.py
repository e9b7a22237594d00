import re
from pathlib import Path

import pytest

from fibrolens.cohort.table import parse_stages, read_cohort
from fibrolens.errors import CohortError

HEADER = "patient_id,scan_id,image,stage,liver_mask,age\n"


def cohort(folder: Path, *lines: str, header: str = HEADER) -> Path:
    for name in ("a", "b"):
        (folder / f"{name}.nii.gz").touch()
    path = folder / "cohort.csv"
    path.write_text(header + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_row_has_its_files_relative_to_the_table_and_keeps_every_column(tmp_path):
    (row,) = read_cohort(cohort(tmp_path, "p1,s1,a.nii.gz,F3,b.nii.gz,61"))
    assert (row.patient_id, row.scan_id, row.stages, row.stage_name, row.line) == ("p1", "s1", (3,), "F3", 2)
    assert row.image == tmp_path / "a.nii.gz"
    assert row.liver_mask == tmp_path / "b.nii.gz"
    assert row.spleen_mask is None
    assert row.values["age"] == "61"


def test_a_stage_may_be_a_set(tmp_path):
    (row,) = read_cohort(cohort(tmp_path, "p1,s1,a.nii.gz,F3|F2,,"))
    assert row.stages == (2, 3)
    assert row.stage_name == "F2|F3"
    with pytest.raises(ValueError, match="F5"):
        parse_stages("F5")
    with pytest.raises(ValueError, match="F2"):
        parse_stages("F2|F2")


def test_all_problems_are_listed_at_once_with_their_lines(tmp_path):
    path = cohort(
        tmp_path,
        "p1,s1,a.nii.gz,F3,,",
        ",s2,b.nii.gz,F9,,",
        "",
        "p3,s1,gone.nii.gz,F0,,",
        "p4,../x,a.nii.gz,F0,,",
    )
    with pytest.raises(CohortError) as caught:
        read_cohort(path)
    text = str(caught.value)
    assert "6 problems" in text
    for part in (
        "line 3: patient_id is empty",
        "line 3: stage must be",
        "line 5: image gone.nii.gz does not exist",
        "line 5: scan_id s1 stands in line 2",
        "line 6: scan_id '../x'",
        "line 6: image a.nii.gz stands in line 2",
    ):
        assert part in text


def test_a_table_without_the_columns_or_rows_is_refused(tmp_path):
    with pytest.raises(CohortError, match="no column scan_id, stage"):
        read_cohort(cohort(tmp_path, header="patient_id,image\n"))
    with pytest.raises(CohortError, match="no rows"):
        read_cohort(cohort(tmp_path))


def test_what_is_no_text_is_refused(tmp_path):
    path = tmp_path / "cohort.csv"
    path.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(CohortError, match="CSV file in UTF-8"):
        read_cohort(path)


def test_a_spreadsheet_s_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    path = cohort(tmp_path, "p1,s1,a.nii.gz,F3,,", header="\ufeff" + HEADER)
    assert read_cohort(path)[0].patient_id == "p1"


def test_an_excluded_row_needs_neither_image_nor_stage(tmp_path):
    header = "patient_id,scan_id,image,stage,exclude\n"
    path = cohort(
        tmp_path, "p1,s1,,,no CT was made", "p2,s2,gone.nii.gz,,CT damaged", "p3,s3,a.nii.gz,F1,", header=header
    )
    assert [(row.stages, row.stage_name) for row in read_cohort(path)] == [((), ""), ((), ""), ((1,), "F1")]
    with pytest.raises(CohortError, match="line 2: patient_id is empty"):
        read_cohort(cohort(tmp_path, ",s1,,,no CT was made", header=header))


def test_a_control_is_what_imaging_says_is_healthy(tmp_path):
    header = "patient_id,scan_id,image,stage,reference\n"
    rows = read_cohort(
        cohort(tmp_path, "p1,s1,a.nii.gz,F0,imaging_negative", "p2,s2,b.nii.gz,F0,histology", header=header)
    )
    assert [row.is_control for row in rows] == [True, False]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("f3", "write F3"),
        ("3", "write F3"),
        ("S4", "write F4"),
        ("F2/F3", r"write F2\|F3"),
        ("F3,F2", r"write F2\|F3"),
        ("F2 or F3", r"write F2\|F3"),
        ("1-3", r"write F1\|F2\|F3"),
        ("F2|F2", "write F2"),
        ("F5", "the Ishak scale runs to 6"),
        ("6", "the Ishak"),
    ],
)
def test_a_stage_in_another_spelling_is_told_what_to_write(text, hint):
    with pytest.raises(ValueError, match=f"stage must be one of F0.*; {hint}"):
        parse_stages(text)


@pytest.mark.parametrize("text", ["cirrhosis", "F", "F2|", "|", "F22"])
def test_nothing_is_guessed_where_a_person_would_not(text):
    with pytest.raises(ValueError, match=re.escape(f"it is {text!r}") + "$"):
        parse_stages(text)


def test_the_header_is_checked_with_the_rows(tmp_path):
    header = "patient_id,scan_id,image,Stage,age,age,gender,comment\n"
    path = cohort(tmp_path, "p1,s1,a.nii.gz,F3,61,61,M,fine", "p2,s1,gone.nii.gz,F3", header=header)
    with pytest.raises(CohortError) as caught:
        read_cohort(path)
    assert str(caught.value).splitlines()[1:] == [
        "  line 1: no column stage; the table needs patient_id, scan_id, image, stage",
        "  line 1: the column age stands twice",
        "  line 1: there is no column 'Stage'; did you mean stage? A column of your own needs another name",
        "  line 1: there is no column 'gender'; did you mean sex? A column of your own needs another name",
        "  line 3: image gone.nii.gz does not exist",
        "  line 3: scan_id s1 stands in line 2 already",
    ]


def test_a_table_of_a_european_spreadsheet_is_told_to_use_commas(tmp_path):
    with pytest.raises(CohortError, match=r"1 problem.*\n.*separate the cells by commas"):
        read_cohort(cohort(tmp_path, "p1;s1;a.nii.gz;F3", header="patient_id;scan_id;image;stage\n"))


def test_a_number_that_was_cut_in_two_by_its_comma_is_one_problem(tmp_path):
    header = "patient_id,scan_id,image,stage,bmi,age\n"
    path = cohort(tmp_path, "p1,s1,gone.nii.gz,F3,24,5,61", "p2,s2,a.nii.gz,F3,24.5,61,,", header=header)
    with pytest.raises(CohortError, match=r"1 problem.*\n  line 2: has more cells than the header; quote"):
        read_cohort(path)


def test_a_spreadsheet_s_nameless_first_column_is_the_user_s_own(tmp_path):
    (row,) = read_cohort(cohort(tmp_path, "0,p1,s1,a.nii.gz,F3,,", header="," + HEADER))
    assert row.scan_id == "s1"


def test_scan_ids_that_one_folder_could_not_hold_are_refused(tmp_path):
    with pytest.raises(CohortError, match="line 3: scan_id S1 stands in line 2 already"):
        read_cohort(cohort(tmp_path, "p1,s1,a.nii.gz,F3,,", "p2,S1,b.nii.gz,F3,,"))

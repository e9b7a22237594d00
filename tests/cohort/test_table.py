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

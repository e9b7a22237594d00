"""WAW-TACE."""

import pytest
from tests.source_files import put_ct, put_table, put_workbook

from fibrolens.cohort.sources.base import Given
from fibrolens.cohort.sources.waw_tace import read
from fibrolens.errors import InputError


def person(number: int, **cells: object) -> dict[str, object]:
    return {
        "PATPRI": number, "age": 66, "gender_woman": 1, "lab_afp": 50, "lab_albumin": 3.8, "lab_bilirubin": 1.0,
        "lab_inr": 1.1, "lab_alt": 40, "lab_creatinine": 0.9, "survival_time": 800, "death": 1, **cells,
    }  # fmt: skip


def test_phase_2_is_the_portal_venous_scan(tmp_path):
    for phase in range(4):
        put_ct(tmp_path / "7" / f"7_{phase}_scan.nii.gz", phase)
    put_workbook(tmp_path / "clinical_data_wawtace_v2_15_07_2024.xlsx", [person(7)])
    (case,) = read(Given(tmp_path)).cases
    assert case.image == tmp_path / "7" / "7_2_scan.nii.gz"
    assert (case.stages, case.exclude) == ((), "no fibrosis stage in this source")
    expected = {"phase": "portal venous", "sex": "F", "age": "66", "alt": "40", "afp": "50", "albumin_g_dl": "3.8"}
    assert expected.items() <= dict(case.values).items()


def test_albumin_is_taken_as_grams_per_decilitre_unless_it_cannot_be(tmp_path):
    book = put_workbook(tmp_path / "b.xlsx", [person(7, lab_albumin=38)])
    reading = read(Given(None, (book,)))
    assert reading.cases[0].values["albumin_g_dl"] == "3.8"
    assert reading.notes == ("albumin above 10 taken as g/L and divided by 10: 1 row",)


def test_a_patient_without_a_portal_venous_scan_is_told_from_one_that_is_not_downloaded(tmp_path):
    book = put_workbook(tmp_path / "b.xlsx", [person(7), person(8)])
    row = {"patient_id": 7, "ct_phase": 2, "ct_file_name": "7_2", "tumor_count": 1, "slice_thickness": 1.25}
    scans = put_table(tmp_path / "ct_hcc_metadata_v2.csv", [row, row | {"patient_id": 8, "ct_file_name": "8_1"}])
    cases = read(Given(None, (book, scans))).cases
    assert [case.exclude for case in cases] == ["no image found", "no portal venous CT"]
    assert cases[0].values["slice_thickness_mm"] == "1.25"


def test_other_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="has no column PATPRI"):
        read(Given(None, (put_table(tmp_path / "t.csv", [{"age": 1, "gender_woman": 0}]),)))
    with pytest.raises(InputError, match="is empty"):
        (tmp_path / "empty").mkdir()
        read(Given(tmp_path / "empty"))

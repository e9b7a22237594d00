"""HCC-TACE-Seg: the real workbook where it is at hand, and a miniature of it."""

from collections import Counter

import pytest
from tests.source_files import index_row, put_table, put_workbook, series

from fibrolens.cohort.sources.base import Given
from fibrolens.cohort.sources.hcc_tace_seg import baseline, read
from fibrolens.errors import InputError


def patient(number: int, cirrhosis: object, **cells: object) -> dict[str, object]:
    return {
        "TCIA_ID": f"HCC_00{number}", "Interval_BL": -18, "hepatitis": "HCV and HBV", "age": 71, "Sex": 1, "Alcohol": 1,
        "Personal history of cancer": 0, "Evidence_of_cirh": cirrhosis, "CPS": "A", "AFP": 12.5,
        "chemotherapy": "Cisplatin", **cells,
    }  # fmt: skip


def index(tmp_path, *rows):
    return put_table(tmp_path / "index.csv", [row | {"collection_id": "hcc_tace_seg"} for row in rows])


def test_cirrhosis_is_f4_and_none_is_any_lower_stage(tmp_path):
    book = put_workbook(tmp_path / "HCC-TACE-Seg_clinical_data-V2.xlsx", [patient(1, 1), patient(2, 0, Sex=2)])
    reading = read(Given(tmp_path))
    assert [case.stages for case in reading.cases] == [(4,), (0, 1, 2, 3)]
    assert [case.exclude for case in reading.cases] == ["no image found"] * 2
    assert reading.tables[0].path == book
    values = reading.cases[0].values
    assert values["aetiology"] == "alcohol + hepatitis B + hepatitis C"
    assert (values["sex"], values["age"], values["afp"], values["days_ct_to_diagnosis"]) == ("M", "71", "12.5", "-18")
    # Neither histology nor a control, and the chemotherapy came after the CT.
    assert not values.get("reference")
    assert not values.get("chemotherapy")


def test_the_baseline_is_the_first_study_with_the_collection_s_segmentation():
    later = {"study_uid": "2", "study_date": "1998-01-01"}
    first = {"study_uid": "1", "study_date": "1997-01-01"}
    own = series("s1", "Segmentation", modality="SEG", **first)
    added = series("s2", "AIMI liver-tumor AI segmentation", modality="SEG", study_uid="0", study_date="1990-01-01")
    pre, arterial = series("a", "PRE LIVER", **first), series("b", "Recon 2: LIVER 3 PHASE (AP)", **first)
    portal, follow_up = series("c", "Recon 3: LIVER 3 PHASE (AP)", number=5, **first), series("d", "VENOUS", **later)
    choice = baseline([follow_up, pre, arterial, portal, own, added])
    assert choice.chosen is portal
    assert choice.phase == ""


def test_the_series_under_the_segmentation_is_the_image():
    own = series("s1", "Segmentation", modality="SEG", refers_to="b")
    choice = baseline([series("b", "Recon 2: LIVER 3 PHASE (AP)"), series("c", "VENOUS"), own])
    assert choice.chosen.uid == "b"


def test_the_index_excludes_whom_no_series_shows(tmp_path):
    book = put_workbook(tmp_path / "b.xlsx", [patient(1, 1), patient(2, None)])
    reading = read(Given(None, (book, index(tmp_path, index_row("HCC_001", "1.2.1", "PRE LIVER")))))
    assert [case.exclude for case in reading.cases] == ["no CT series in portal venous phase", "cirrhosis not stated"]


def test_other_workbooks_are_refused(tmp_path):
    with pytest.raises(InputError, match="HCC_001 has Evidence_of_cirh '2', which is neither 0 nor 1"):
        read(Given(None, (put_workbook(tmp_path / "a.xlsx", [patient(1, 2)]),)))
    with pytest.raises(InputError, match="names a patient twice"):
        read(Given(None, (put_workbook(tmp_path / "c.xlsx", [patient(1, 1), patient(1, 0)]),)))
    with pytest.raises(InputError, match="holds no patient"):
        read(Given(None, (put_workbook(tmp_path / "b.xlsx", [patient(1, 1) | {"TCIA_ID": "x"}]),)))


def test_the_real_workbook_has_the_published_counts(shared_data):
    tables = shared_data / "tables"
    book, listed = tables / "HCC-TACE-Seg_clinical_data-V2.xlsx", tables / "idc_liver_collections_series.csv.gz"
    reading = read(Given(None, (book, listed)))
    assert Counter(case.stages for case in reading.cases) == {(4,): 78, (0, 1, 2, 3): 27}
    assert Counter(case.values["sex"] for case in reading.cases).total() == 105
    assert sum(bool(case.values["series_uid"]) for case in reading.cases) == 105

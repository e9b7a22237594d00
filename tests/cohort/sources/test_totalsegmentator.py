"""TotalSegmentator's training set."""

import pytest
from tests.source_files import put_ct, put_labels, put_table

from fibrolens.cohort.sources.base import ANY_STAGE, Given
from fibrolens.cohort.sources.totalsegmentator import read
from fibrolens.errors import InputError


def row(name: str, **cells: object) -> dict[str, object]:
    return {
        "image_id": name, "age": 58, "gender": "f", "institute": "A", "study_type": "ct abdomen-pelvis",
        "split": "train", "manufacturer": "siemens", "scanner_model": "x", "kvp": 120, "pathology": "tumor",
        "pathology_location": "kidney", **cells,
    }  # fmt: skip


def put_case(root, name, *organs):
    put_ct(root / name / "ct.nii.gz")
    for organ in organs:
        put_labels(root / name / "segmentations" / f"{organ}.nii.gz", 1)


def put_meta(root, *rows):
    return put_table(root / "meta.csv", rows, ";", "utf-8-sig")


def test_meta_with_semicolons_and_byte_order_mark_gives_masks_that_are_ready(tmp_path):
    put_case(tmp_path, "s0001", "liver", "spleen", "aorta")
    put_meta(tmp_path, row("s0001"))
    (case,) = read(Given(tmp_path)).cases
    assert (case.scan_id, case.stages, case.exclude) == ("ts_s0001", ANY_STAGE, "")
    assert case.masks == {o: tmp_path / "s0001" / "segmentations" / f"{o}.nii.gz" for o in ("liver", "spleen")}
    assert {"age": "58", "sex": "F", "site": "A", "history": "tumor; kidney"}.items() <= dict(case.values).items()


def test_scans_without_a_liver_and_scans_that_are_not_there_are_excluded(tmp_path):
    put_case(tmp_path, "s0001", "spleen")
    put_case(tmp_path, "s0002")
    put_labels(tmp_path / "s0002" / "segmentations" / "liver.nii.gz")
    put_meta(tmp_path, row("s0001"), row("s0002"), row("s0003", age="", gender=""))
    cases = read(Given(tmp_path)).cases
    assert [case.exclude for case in cases] == ["no liver in the scan", "no liver in the scan", "no image found"]
    assert all(case.masks == {} and case.stages == () for case in cases)


def test_meta_may_stand_one_folder_deeper(tmp_path):
    put_case(tmp_path / "dataset", "s0001", "liver")
    put_meta(tmp_path / "dataset", row("s0001"))
    assert read(Given(tmp_path)).cases[0].exclude == ""


def test_a_folder_without_meta_or_without_cases_is_refused(tmp_path):
    put_case(tmp_path, "s0001", "liver")
    with pytest.raises(InputError, match="No TotalSegmentator meta table is given nor is one in"):
        read(Given(tmp_path))
    put_meta(tmp_path, row("s0009"))
    with pytest.raises(InputError, match=r"holds no s0009/ct.nii.gz"):
        read(Given(tmp_path))

"""The same case in two cohorts."""

import gzip

from tests.cohort_files import write_table
from tests.source_files import put_ct, put_series

from fibrolens.cohort.sources.shared import (
    BY_KEY,
    BY_UID,
    BY_VALUES,
    Candidate,
    cohort_candidates,
    find_shared,
    side_table,
)
from fibrolens.io import read_volume, write_nifti

UID = "1.3.6.1.4.1.14519.5.2.1.1079.4008.12"


def candidate(scan: str, **facts: object) -> Candidate:
    return Candidate(**({"table": f"{scan[0]}.csv", "scan_id": scan, "key": "", "uid": "", "image": None} | facts))


def found(ours, others, **options):
    return [(match.scan_id, match.other_scan_id, match.found_by) for match in find_shared(ours, others, **options)[0]]


def test_the_decathlon_and_lits_number_their_cases_alike():
    ours = [candidate("msd_liver_1", key="lits_1"), candidate("msd_liver_2", key="lits_2")]
    assert found(ours, [candidate("lits_2", key="lits_2")]) == [("msd_liver_2", "lits_2", BY_KEY)]


def test_a_series_uid_is_found_in_its_column_and_in_the_name_that_cads_gives_its_files(tmp_path):
    ours = [candidate("a", uid=UID), candidate("b", uid=f"{UID}9")]
    row = {"patient_id": "p", "scan_id": "c1", "image": f"images/7_{UID}_0000.nii.gz", "stage": "F0"}
    others = cohort_candidates(write_table(tmp_path, [row]))
    assert others[0].uid == UID
    assert found(ours, others) == [("a", "c1", BY_UID)]


def test_the_same_hounsfield_units_are_found_under_another_name_and_compression(tmp_path):
    one, other = put_ct(tmp_path / "a.nii.gz", 1), tmp_path / "b.nii.gz"
    other.write_bytes(gzip.compress(gzip.decompress(one.read_bytes()), 9))
    third = put_ct(tmp_path / "c.nii.gz", 2)
    ours = [candidate("a", image=one), candidate("c", image=third)]
    others = [candidate("x", image=other)]
    assert found(ours, others) == [("a", "x", BY_VALUES)]
    assert found(ours, others, images=False) == []


def test_dicom_and_its_conversion_are_the_same_case(tmp_path):
    dicom = put_series(tmp_path, UID, slices=3)
    write_nifti(read_volume(dicom), tmp_path / "converted.nii.gz")
    ours = [candidate("a", image=tmp_path / "converted.nii.gz")]
    assert found(ours, [candidate("x", image=dicom)]) == [("a", "x", BY_VALUES)]


def test_an_image_that_cannot_be_read_is_told_and_stops_nothing(tmp_path):
    damaged, whole = tmp_path / "d.nii.gz", put_ct(tmp_path / "a.nii.gz")
    damaged.write_bytes(b"nothing")
    matches, notes = find_shared(
        [candidate("d", image=damaged), candidate("a", image=whole)], [candidate("x", image=whole)]
    )
    assert [match.scan_id for match in matches] == ["a"]
    assert notes == ["images that could not be read and so not be compared: d"]


def test_empty_names_are_not_the_same():
    assert found([candidate("a")], [candidate("b")]) == []


def test_the_side_table_names_both_scans():
    matches, _ = find_shared([candidate("a", key="k")], [candidate("b", key="k")])
    assert side_table(matches).rows == (("a", "b.csv", "b", BY_KEY),)


def test_images_that_are_not_there_are_passed_over(tmp_path):
    row = {"patient_id": "p", "scan_id": "s", "image": "gone.nii.gz", "stage": "F0"}
    assert cohort_candidates(write_table(tmp_path, [row]))[0].image is None

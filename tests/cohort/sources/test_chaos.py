"""CHAOS, CT part."""

import pytest
from tests.source_files import put_series

from fibrolens.cohort.sources.base import Given
from fibrolens.cohort.sources.chaos import read
from fibrolens.errors import InputError


def put_set(root, kind, part, number):
    place = root / kind / part / str(number) / "DICOM_anon"
    place.parent.mkdir(parents=True)
    put_series(root, f"1.2.{number}").rename(place)
    return place


def test_donors_are_f0_by_imaging_and_mr_is_passed_over(tmp_path):
    places = [put_set(tmp_path, kind, "CT", number) for kind, number in (("Train_Sets", 2), ("Test_Sets", 10))]
    put_set(tmp_path, "Train_Sets", "MR", 3)
    cases = read(Given(tmp_path)).cases
    assert [(case.scan_id, case.image) for case in cases] == [("chaos_ct_2", places[0]), ("chaos_ct_10", places[1])]
    assert {case.stages for case in cases} == {(0,)}
    assert {case.values["reference"] for case in cases} == {"imaging_negative"}


def test_a_number_that_stands_twice_and_a_folder_without_any_are_refused(tmp_path):
    (tmp_path / "other").mkdir()
    with pytest.raises(InputError, match="holds no CT/N/DICOM_anon"):
        read(Given(tmp_path))
    put_set(tmp_path, "a", "CT", 2)
    (tmp_path / "b" / "CT" / "2" / "DICOM_anon").mkdir(parents=True)
    with pytest.raises(InputError, match="same case of CHAOS"):
        read(Given(tmp_path))

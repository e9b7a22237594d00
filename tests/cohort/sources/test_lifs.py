"""LiFS of CARE-Liver."""

import pytest
from tests.source_files import put_ct, put_labels

from fibrolens.cohort.sources.base import Given
from fibrolens.cohort.sources.lifs import read
from fibrolens.errors import InputError


def test_the_stage_is_the_last_character_of_the_folder_and_none_is_f0_alone(tmp_path):
    for number, stage in enumerate("1234", 1):
        put_ct(tmp_path / "Vendor_A" / f"000{number}-A-S{stage}" / "GED4.nii.gz")
    cases = read(Given(tmp_path)).cases
    assert [case.stages for case in cases] == [(0, 1), (2,), (3,), (4,)]
    assert {case.values["modality"] for case in cases} == {"MR"}
    assert {case.exclude for case in cases} == {""}


def test_vendor_image_and_mask_are_taken_from_the_case(tmp_path):
    place = tmp_path / "Vendor_B1" / "0012-B1-S4"
    put_ct(place / "T1.nii.gz", 1)
    image, mask = put_ct(place / "GED4.nii.gz"), put_labels(place / "mask_GED4.nii.gz", 1)
    (case,) = read(Given(tmp_path)).cases
    assert (case.scan_id, case.image, case.masks) == ("lifs_0012-B1", image, {"liver": mask})
    assert case.values["site"] == "vendor B1"


def test_missing_images_and_stages_are_reasons(tmp_path):
    put_ct(tmp_path / "Vendor_A" / "0001-A-S2" / "T2.nii.gz")
    put_ct(tmp_path / "Vendor_A" / "0002-A" / "GED4.nii.gz")
    cases = read(Given(tmp_path)).cases
    assert [case.exclude for case in cases] == ["no hepatobiliary image (GED4)", "no stage in the folder's name"]


@pytest.mark.parametrize("name", ["0001-A-S0", "0001-A-S5", "patient"])
def test_folders_of_another_name_are_no_cases(tmp_path, name):
    put_ct(tmp_path / name / "GED4.nii.gz")
    with pytest.raises(InputError, match="holds no case such as"):
        read(Given(tmp_path))

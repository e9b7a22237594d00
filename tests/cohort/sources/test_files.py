"""Image files of a download."""

import pytest
from tests.source_files import put_ct, put_labels, put_shadow

from fibrolens.cohort.sources.files import Layout, natural, nifti_files, pairs
from fibrolens.errors import InputError

LAYOUT = Layout.of(r"images/case_(?P<case>\d+)", r"labels/case_(?P<case>\d+)", "images/case_N.nii.gz")


def test_shadows_and_rubbish_are_no_images(tmp_path):
    image = put_ct(tmp_path / "images" / "case_1.nii.gz")
    put_shadow(image)
    put_ct(tmp_path / "__MACOSX" / "images" / "case_2.nii.gz")
    assert list(nifti_files(tmp_path)) == [image]


def test_images_and_labels_are_paired_in_the_order_of_their_numbers(tmp_path):
    for number in (10, 2):
        put_ct(tmp_path / "images" / f"case_{number}.nii.gz")
    label = put_labels(tmp_path / "labels" / "case_2.nii", 1)
    found = pairs(tmp_path, LAYOUT, "the set")
    assert list(found) == ["2", "10"]
    assert found["2"].label == label
    assert found["10"].label is None


def test_two_files_of_one_case_are_refused(tmp_path):
    put_ct(tmp_path / "images" / "case_1.nii")
    put_ct(tmp_path / "images" / "case_1.nii.gz")
    with pytest.raises(InputError, match="same case of the set"):
        pairs(tmp_path, LAYOUT, "the set")


def test_a_folder_of_other_files_is_refused_with_what_is_looked_for(tmp_path):
    put_ct(tmp_path / "elsewhere" / "case_1.nii.gz")
    with pytest.raises(InputError, match=r"holds no images/case_N.nii.gz"):
        pairs(tmp_path, LAYOUT, "the set")


def test_numbers_sort_as_numbers():
    assert natural(["s10", "s9", "a"]) == ["a", "s9", "s10"]

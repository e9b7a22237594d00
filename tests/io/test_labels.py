"""Masks and label maps onto the grid of the CT."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from tests.dicom_files import ct_array
from tests.dicom_segmentation import LIVER, SPLEEN, Part, save_segmentation

from fibrolens.errors import GeometryError, InputError, UsageError
from fibrolens.io import read_labels, read_mask, read_organs, read_volume, write_nifti
from fibrolens.volume import Geometry, Volume


@pytest.fixture
def ct() -> Volume:
    return Volume(ct_array(4, 5, 6), Geometry((4, 5, 6), (2.5, 0.8, 0.7), (-10.0, -20.0, 30.0)), "the ct")


@pytest.fixture
def mask(ct: Volume) -> np.ndarray:
    return (ct.array > 0).astype(np.uint8)


def test_labels_on_the_grid_of_the_ct(tmp_path: Path, ct: Volume, mask: np.ndarray):
    write_nifti(ct.with_array(mask.astype(np.float32)), tmp_path / "mask.nii.gz")
    labels = read_labels(tmp_path / "mask.nii.gz", ct)
    assert labels.array.dtype == np.uint8
    np.testing.assert_array_equal(labels.array, mask)


@pytest.mark.parametrize("flips", [(1,), (0, 2), (0, 1, 2)])
def test_labels_with_flipped_axes_are_turned_onto_the_ct(tmp_path: Path, ct: Volume, mask: np.ndarray, flips):
    affine = ct.geometry.affine
    for axis in flips:
        affine[:3, 3] += affine[:3, axis] * (mask.shape[axis] - 1)
        affine[:3, axis] *= -1
    flipped = Volume(np.flip(mask, flips), Geometry.from_affine(mask.shape, affine))
    write_nifti(flipped, tmp_path / "mask.nii.gz")
    labels = read_labels(tmp_path / "mask.nii.gz", ct)
    assert labels.geometry == ct.geometry
    np.testing.assert_array_equal(labels.array, mask)


def test_labels_on_another_grid_are_refused(tmp_path: Path, ct: Volume, mask: np.ndarray):
    write_nifti(Volume(mask, Geometry(mask.shape, (2.5, 0.8, 0.7))), tmp_path / "mask.nii.gz")
    assert read_labels(tmp_path / "mask.nii.gz").array.sum() == mask.sum()
    with pytest.raises(GeometryError, match=r"mask\.nii\.gz .* is not on the grid of the ct"):
        read_labels(tmp_path / "mask.nii.gz", ct)


def test_an_image_is_no_label_file(tmp_path: Path, ct: Volume):
    write_nifti(ct, tmp_path / "ct.nii.gz")
    with pytest.raises(InputError, match="not a label file"):
        read_labels(tmp_path / "ct.nii.gz", ct)


def test_labels_come_as_one_file(tmp_path: Path):
    with pytest.raises(InputError, match="NIfTI, NRRD or MetaImage"):
        read_labels(tmp_path)


@pytest.fixture
def numbered(ct: Volume) -> np.ndarray:
    """Labels 0 to 9 in no particular place."""
    return np.random.default_rng(1).integers(0, 10, ct.array.shape).astype(np.uint8)


@pytest.mark.parametrize(
    ("name", "liver", "spleen"),
    [
        ("totalsegmentator", 5, 1),
        ("amos", 6, 1),
        ("btcv", 6, 1),
        ("flare", 1, 3),
        ("word", 1, 2),
        ("abdomenatlas", 5, 8),
    ],
)
def test_a_set_is_read_by_its_own_numbers(tmp_path: Path, ct: Volume, numbered: np.ndarray, name, liver, spleen):
    write_nifti(ct.with_array(numbered), tmp_path / "labels.nii.gz")
    organs = read_organs(tmp_path / "labels.nii.gz", ct, name)
    np.testing.assert_array_equal(organs["liver"], numbered == liver)
    np.testing.assert_array_equal(organs["spleen"], numbered == spleen)


def test_a_tumour_is_liver_and_what_a_set_does_not_label_is_left_open(tmp_path: Path, ct: Volume, numbered: np.ndarray):
    write_nifti(ct.with_array(numbered % 3), tmp_path / "labels.nii.gz")
    for name in ("msd", "lits"):
        organs = read_organs(tmp_path / "labels.nii.gz", ct, name)
        assert list(organs) == ["liver"]
        np.testing.assert_array_equal(organs["liver"], numbered % 3 > 0)
    write_nifti(ct.with_array(numbered % 2), tmp_path / "spleen.nii.gz")
    assert list(read_organs(tmp_path / "spleen.nii.gz", ct, "msd-spleen")) == ["spleen"]


def test_numbers_that_a_set_does_not_have_are_refused(tmp_path: Path, ct: Volume, numbered: np.ndarray):
    write_nifti(ct.with_array(numbered), tmp_path / "labels.nii.gz")
    with pytest.raises(
        InputError, match=r"labels\.nii\.gz holds the labels 3, 4, 5, 6, 7, which LiTS 2017 does not have"
    ):
        read_organs(tmp_path / "labels.nii.gz", ct, "lits")
    with pytest.raises(InputError, match=r"labels 3, 4.*--label-map totalsegmentator.*amos"):
        read_organs(tmp_path / "labels.nii.gz", ct)


def test_nrrd_and_metaimage_in_another_axis_order(tmp_path: Path, ct: Volume, numbered: np.ndarray):
    image = sitk.GetImageFromArray(numbered)
    image.SetSpacing(ct.geometry.spacing[::-1])
    image.SetOrigin(ct.geometry.origin)
    turned = sitk.Flip(sitk.PermuteAxes(image, [1, 2, 0]), [True, False, True])
    for name in ("labels.nrrd", "labels.mha"):
        sitk.WriteImage(turned, tmp_path / name)
        np.testing.assert_array_equal(read_organs(tmp_path / name, ct, "amos")["liver"], numbered == 6)


def test_rounding_of_other_programs_is_no_other_grid(tmp_path: Path, ct: Volume, mask: np.ndarray):
    rounded = replace(ct.geometry, spacing=(2.503, 0.8003, 0.7), origin=(-10.04, -20.0, 30.03))
    write_nifti(Volume(mask, rounded), tmp_path / "mask.nii.gz")
    assert read_labels(tmp_path / "mask.nii.gz", ct).geometry == ct.geometry


def test_a_shift_is_told_where_the_grids_read_the_same(tmp_path: Path, ct: Volume, mask: np.ndarray):
    write_nifti(Volume(mask, replace(ct.geometry, origin=(-10.0, -20.0, 32.5))), tmp_path / "mask.nii.gz")
    with pytest.raises(GeometryError, match=r"their first voxels 2\.5 mm apart; resample it"):
        read_labels(tmp_path / "mask.nii.gz", ct)


def test_a_mask_is_one_inside_or_white(tmp_path: Path, ct: Volume, mask: np.ndarray):
    for value in (1, 255):
        write_nifti(ct.with_array(mask * np.uint8(value)), tmp_path / "mask.nii.gz")
        np.testing.assert_array_equal(read_mask(tmp_path / "mask.nii.gz", ct, "liver"), mask > 0)
    write_nifti(ct.with_array(mask * np.uint8(5)), tmp_path / "mask.nii.gz")
    with pytest.raises(InputError, match="holds the label 5"):
        read_mask(tmp_path / "mask.nii.gz", ct, "liver")


def test_a_dicom_segmentation_names_its_own_segments(tmp_path: Path, ct: Volume, mask: np.ndarray):
    path = save_segmentation(tmp_path / "seg", ct, [Part(mask > 0, "L", LIVER), Part(mask == 0, "S", SPLEEN)])
    np.testing.assert_array_equal(read_mask(path, ct, "spleen"), mask == 0)
    assert sorted(read_organs(path, ct)) == ["liver", "spleen"]
    with pytest.raises(UsageError, match="leave out --label-map"):
        read_organs(path, ct, "amos")
    only = save_segmentation(tmp_path / "only", ct, [Part(mask > 0, "L", LIVER)])
    with pytest.raises(InputError, match="no segment that is the spleen"):
        read_mask(only, ct, "spleen")


def test_real_totalsegmentator_labels(shared_data: Path):
    folder = shared_data / "totalsegmentator"
    ct = read_volume(folder / "example_ct_sm.nii.gz")
    organs = read_organs(folder / "example_seg.nii.gz", ct, "totalsegmentator")
    # 1043 and 255 ml: figures in the tool's own statistics of this file
    assert organs["liver"].sum() * ct.geometry.voxel_ml == pytest.approx(1043, abs=1)
    assert organs["spleen"].sum() * ct.geometry.voxel_ml == pytest.approx(255, abs=1)

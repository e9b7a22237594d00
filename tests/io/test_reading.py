from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from tests.dicom_files import ct_array, ct_series, save

from fibrolens.errors import GeometryError, InputError
from fibrolens.io import read_labels, read_volume, write_nifti
from fibrolens.volume import Geometry, Volume


def test_missing_path_is_named(tmp_path: Path):
    with pytest.raises(InputError, match="absent does not exist"):
        read_volume(tmp_path / "absent")


def test_folder_of_text_is_no_ct(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("no images here, though quite a few words " * 9)
    (tmp_path / "README").write_text("")
    with pytest.raises(InputError, match="No CT found"):
        read_volume(tmp_path)


def test_text_file_is_no_ct(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("no images here")
    with pytest.raises(InputError, match=r"No CT found in notes\.txt"):
        read_volume(tmp_path / "notes.txt")


def test_one_file_volume_says_where_it_came_from(tmp_path: Path):
    nib.save(nib.Nifti1Image(np.zeros((3, 4, 5), np.int16), np.eye(4)), tmp_path / "case 7.nii.gz")
    ct = read_volume(str(tmp_path / "case 7.nii.gz"))
    assert ct.source == "case 7.nii.gz"
    assert (ct.get("format"), ct.get("scan_id"), ct.get("files"), ct.get("modality")) == ("nifti", "case 7", 1, None)
    assert len(ct.get("sha256")) == 64


def test_every_format_has_the_same_metadata_keys(tmp_path: Path):
    dicom = read_volume(save(ct_series(ct_array()), tmp_path / "dicom"))
    write_nifti(dicom, tmp_path / "ct.nii.gz")
    nifti = read_volume(tmp_path / "ct.nii.gz")
    assert dict(dicom.metadata).keys() == dict(nifti.metadata).keys()
    assert nifti.geometry.same_grid(dicom.geometry)
    np.testing.assert_array_equal(nifti.array, dicom.array)


def test_folder_given_as_a_dot_has_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(save(ct_series(ct_array()), tmp_path / "scan7"))
    assert read_volume(".").source == "scan7"


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

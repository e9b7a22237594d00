import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from tests.dicom_files import ct_array, ct_series, save

from fibrolens.errors import InputError
from fibrolens.io import read_volume, write_nifti


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


def test_what_is_neither_file_nor_folder_is_not_opened(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe is neither a file nor a folder"):
        read_volume(tmp_path / "pipe")


def test_want_of_memory_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "ct.nii").touch()
    monkeypatch.setattr("fibrolens.io.reading.read_values", lambda *_: (_ for _ in ()).throw(MemoryError))
    with pytest.raises(InputError, match=r"ct\.nii needs more memory than there is"):
        read_volume(tmp_path / "ct.nii")

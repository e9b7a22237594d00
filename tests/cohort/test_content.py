import gzip
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from tests.cohort_files import ct, mask, write_scans
from tests.dicom_files import ct_array, ct_series

from fibrolens.cohort.content import ScanContents, content_hash
from fibrolens.cohort.table import Record, files_of
from fibrolens.io import read_volume, write_nifti


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_scans(tmp_path, 2)
    return tmp_path


def found(folder: Path, *rows: dict[str, str]) -> list[str]:
    contents = ScanContents()
    records = [Record(n + 2, row) for n, row in enumerate(rows)]
    return [str(problem) for record in records for problem in contents.problems(record, files_of(record, folder))]


def test_a_ct_with_masks_on_its_grid_has_no_problem(folder):
    write_nifti(mask(first=99), folder / "none.nii.gz")
    whole = {"image": "ct0.nii.gz", "liver_mask": "liver.nii.gz", "spleen_mask": "spleen.nii.gz"}
    assert found(folder, whole, {**whole, "image": "ct1.nii.gz", "spleen_mask": "none.nii.gz"}) == []


def test_an_image_that_cannot_be_read_is_one_problem(folder):
    (folder / "bad.nii.gz").write_bytes(b"nothing")
    (problem,) = found(folder, {"image": "bad.nii.gz", "liver_mask": "liver.nii.gz"})
    assert problem.startswith("line 2: image bad.nii.gz: bad.nii.gz cannot be read as NIfTI")
    assert not problem.endswith(".")


def test_an_image_that_is_no_ct_is_a_problem_unless_it_is_said_to_be_mr(folder):
    write_nifti(ct(0).with_array(np.abs(ct(0).array) // 10), folder / "mr.nii.gz")
    (problem,) = found(folder, {"image": "mr.nii.gz"})
    assert "not Hounsfield units" in problem
    assert found(folder, {"image": "mr.nii.gz", "modality": "MR"}) == []


def test_masks_must_fit(folder):
    small = ct(0)
    write_nifti(mask(first=99), folder / "none.nii.gz")
    write_nifti(small.with_array(np.full(small.array.shape, 6, np.uint8)), folder / "labels.nii.gz")
    write_nifti(read_volume(folder / "ct1.nii.gz"), folder / "image.nii.gz")
    scan = {"image": "ct0.nii.gz"}
    assert found(folder, {**scan, "liver_mask": "none.nii.gz"}) == [
        "line 2: liver_mask none.nii.gz is empty; outline the liver, or leave the cell empty"
    ]
    assert "holds the label 6" in found(folder, {**scan, "liver_mask": "labels.nii.gz"})[0]
    assert "not a label file" in found(folder, {**scan, "spleen_mask": "image.nii.gz"})[0]
    assert found(folder, {**scan, "liver_mask": "liver.nii.gz", "spleen_mask": "liver.nii.gz"}) == [
        "line 2: liver_mask liver.nii.gz and spleen_mask liver.nii.gz hold the same voxels"
    ]


def test_a_mask_on_another_grid_is_told_with_both_grids(folder):
    other = sitk.ReadImage(str(folder / "liver.nii.gz"))
    other.SetSpacing((2.0, 2.0, 5.0))
    sitk.WriteImage(other, str(folder / "other.nii.gz"))
    (problem,) = found(folder, {"image": "ct0.nii.gz", "liver_mask": "other.nii.gz"})
    assert "is not on the grid of ct0.nii.gz" in problem


def test_the_same_voxels_under_another_name_compression_or_format_are_found(folder):
    packed = (folder / "ct0.nii.gz").read_bytes()
    (folder / "copy.nii.gz").write_bytes(gzip.compress(gzip.decompress(packed), 9))
    sitk.WriteImage(sitk.ReadImage(str(folder / "ct0.nii.gz")), str(folder / "copy.mha"))
    problems = found(folder, {"image": "ct0.nii.gz"}, {"image": "copy.nii.gz"}, {"image": "copy.mha"})
    assert problems == [
        f"line {line}: image copy.{ending} holds the same voxels as ct0.nii.gz in line 2; "
        "keep one of the two rows, or exclude one"
        for line, ending in ((3, "nii.gz"), (4, "mha"))
    ]


def test_a_dicom_series_and_its_conversion_are_one_scan(tmp_path):
    (tmp_path / "series").mkdir()
    for number, slice_ in enumerate(ct_series(ct_array())):
        slice_.save_as(tmp_path / "series" / f"{number}.dcm", enforce_file_format=True)
    volume = read_volume(tmp_path / "series")
    # Converters such as dcm2niix store the rows from the back of the patient to the front.
    turned = sitk.GetImageFromArray(volume.array[:, ::-1].astype(np.float32))
    turned.SetSpacing(volume.geometry.spacing[::-1])
    turned.SetDirection((1, 0, 0, 0, -1, 0, 0, 0, 1))
    sitk.WriteImage(turned, str(tmp_path / "converted.nii.gz"))
    assert content_hash(read_volume(tmp_path / "converted.nii.gz")) == content_hash(volume)
    (problem,) = found(tmp_path, {"image": "series"}, {"image": "converted.nii.gz"})
    assert "holds the same voxels as series in line 2" in problem


def test_values_between_0_and_1_are_not_rounded():
    first, second = (ct(0).with_array((ct(seed).array + 1000.0).astype(np.float32) / 1800) for seed in (0, 1))
    assert content_hash(first) != content_hash(second)


def test_one_voxel_makes_another_scan():
    other = ct(0).array.copy()
    other[0, 0, 0] += 1
    assert content_hash(ct(0)) != content_hash(ct(0).with_array(other))

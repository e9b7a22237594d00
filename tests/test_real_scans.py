"""The main job on real CTs, with the shipped weights; skipped where the scans are absent."""

import zipfile

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from fibrolens.errors import CoverageError, InputError, PhaseError
from fibrolens.io import write_nifti
from fibrolens.pipeline import Models, stage

pytestmark = pytest.mark.slow  # whole CTs through the shipped networks


@pytest.fixture(scope="module")
def models():
    return Models.load()


@pytest.mark.parametrize("folder", ["ircad01/PATIENT_DICOM", "chaos_ct3/DICOM_anon"])
def test_portal_venous_ct_is_staged_with_a_map_on_its_own_grid(shared_data, models, tmp_path, folder):
    result = stage(shared_data / folder, models=models)
    assert result.quality.acceptable
    assert sum(result.stage.probabilities) == pytest.approx(1)
    assert 1000 < result.markers["liver_volume_ml"] < 2200
    assert any("simulated CT only" in warning for warning in result.warnings)
    write_nifti(result.map, tmp_path / "map.nii.gz")
    written = nib.load(tmp_path / "map.nii.gz")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(shared_data / folder)))
    ct = reader.Execute()
    assert written.shape == ct.GetSize()
    corners = [(0, 0, 0), tuple(n - 1 for n in ct.GetSize())]
    for corner in corners:
        x, y, z = ct.TransformIndexToPhysicalPoint(corner)
        np.testing.assert_allclose((written.affine @ [*corner, 1])[:3], (-x, -y, z), atol=0.01)


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [
        ("totalsegmentator/example_ct.nii.gz", PhaseError, "native phase"),
        ("totalsegmentator/example_ct_dicom", CoverageError, "whole liver"),
        ("hcc_tace/HCC_002", InputError, "single slice"),
        ("totalsegmentator/example_mr_sm.nii.gz", InputError, "not Hounsfield units"),
    ],
)
def test_scan_that_cannot_be_staged_is_refused_with_the_reason(shared_data, models, path, error, words):
    with pytest.raises(error, match=words):
        stage(shared_data / path, models=models)


def test_text_files_and_empty_zip_are_no_ct(tmp_path, models):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("hello")
    zipfile.ZipFile(tmp_path / "empty.zip", "w").close()
    for name in ("notes", "empty.zip"):
        with pytest.raises(InputError, match="No CT found"):
            stage(tmp_path / name, models=models)

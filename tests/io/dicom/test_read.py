import hashlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from tests.dicom_files import SERIES_UID, STUDY_UID, ct_array, ct_series, save

from fibrolens.io import read_volume
from fibrolens.io.itk import itk_geometry


def test_metadata_tells_about_the_scan_and_not_about_the_patient(tmp_path: Path):
    series = ct_series(ct_array(), ContrastBolusAgent="iohexol", ManufacturerModelName="S1")
    ct = read_volume(save(series, tmp_path / "scan"))
    facts = dict(ct.metadata)
    assert len(facts.pop("sha256")) == 64
    assert facts == {
        "format": "dicom",
        "modality": "CT",
        "series_uid": SERIES_UID,
        "study_uid": STUDY_UID,
        "kvp": 120.0,
        "manufacturer": "Simulated",
        "model": "S1",
        "slice_thickness_mm": 5.0,
        "kernel": "Br38f, 3",
        "contrast_agent": "iohexol",
        "series_description": "Abdomen PV",
        "scan_id": hashlib.sha256(SERIES_UID.encode()).hexdigest()[:12],
        "files": 5,
    }
    assert not any(secret in repr((ct.metadata, ct)) for secret in ("Doe", "SECRET", "1960"))


def test_hash_depends_on_content_and_not_on_names(tmp_path: Path):
    series = ct_series(ct_array())
    first = read_volume(save(series, tmp_path / "a")).get("sha256")
    assert read_volume(save(series[::-1], tmp_path / "b")).get("sha256") == first
    assert read_volume(save(ct_series(ct_array(seed=3)), tmp_path / "c")).get("sha256") != first


def test_thickness_tag_does_not_decide_the_spacing(tmp_path: Path):
    ct = read_volume(save(ct_series(ct_array(), step=2.0, SliceThickness=3.2), tmp_path / "scan"))
    assert ct.geometry.spacing[0] == pytest.approx(2.0)


@pytest.mark.parametrize("folder", ["chaos_ct3/DICOM_anon", "ircad01/PATIENT_DICOM", "dcmqi/ct-3slice"])
def test_real_series_agree_with_simpleitk(shared_data: Path, folder):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(shared_data / folder)))
    image = reader.Execute()
    ct = read_volume(shared_data / folder)
    np.testing.assert_array_equal(ct.array, np.maximum(sitk.GetArrayViewFromImage(image), -1024))
    np.testing.assert_allclose(ct.geometry.affine, itk_geometry(image).affine, atol=1e-5)


def test_real_series_are_stored_lowest_first(shared_data: Path):
    ct = read_volume(shared_data / "chaos_ct3" / "DICOM_anon")
    assert ct.geometry.origin == (-185.0, -98.0, 1536.5)
    assert ct.geometry.spacing == pytest.approx((2.0, 0.7265625, 0.7265625))

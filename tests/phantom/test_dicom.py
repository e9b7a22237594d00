import pydicom
import pytest
import SimpleITK as sitk

from fibrolens.io import read_volume
from fibrolens.phantom.dicom import write_dicom_series


@pytest.fixture(scope="module")
def folder(tmp_path_factory, patient, rendering):
    out = tmp_path_factory.mktemp("series")
    write_dicom_series(rendering.hu, out, patient)
    return out


def test_simpleitk_reads_the_series_on_the_same_grid(folder, rendering):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    geometry = rendering.hu.geometry
    assert image.GetSpacing() == pytest.approx(geometry.spacing[::-1])
    assert image.GetOrigin() == pytest.approx(geometry.origin, abs=1e-3)
    assert image.GetDirection() == pytest.approx((1, 0, 0, 0, 1, 0, 0, 0, 1))
    assert (sitk.GetArrayFromImage(image) == rendering.hu.array).all()


def test_our_own_reader_reads_the_same_volume(folder, rendering):
    volume = read_volume(folder)
    assert volume.geometry.same_grid(rendering.hu.geometry)
    assert (volume.array == rendering.hu.array).all()


def test_the_header_is_coherent(folder, patient, rendering):
    slices = [pydicom.dcmread(path) for path in sorted(folder.iterdir())]
    assert len(slices) == rendering.hu.geometry.shape[0]
    assert len({s.SOPInstanceUID for s in slices}) == len(slices)
    assert len({s.SeriesInstanceUID for s in slices}) == len({s.StudyInstanceUID for s in slices}) == 1
    assert all(s.file_meta.MediaStorageSOPInstanceUID == s.SOPInstanceUID for s in slices)
    assert {s.PatientID for s in slices} == {patient.patient_id}
    assert slices[0].PixelRepresentation == 1


def test_same_ct_same_bytes(folder, tmp_path, patient, rendering):
    write_dicom_series(rendering.hu, tmp_path, patient)
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()

import shutil
import subprocess
from dataclasses import replace
from datetime import datetime

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from fibrolens.io import read_volume
from fibrolens.phantom.dicom import write_dicom_series
from fibrolens.volume import Geometry, Volume

PHASES = ("native", "arterial", "portal", "delayed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, patient, rendering):
    out = tmp_path_factory.mktemp("series")
    write_dicom_series(rendering.hu, out, patient)
    return out


@pytest.fixture(scope="module")
def small():
    array = np.random.default_rng(0).integers(-1024, 3071, (3, 16, 24)).astype(np.int16)
    return Volume(array, Geometry((3, 16, 24), (2.5, 0.75, 0.75), (-9.0, -6.0, -1000.5)))


@pytest.fixture
def header(tmp_path, patient, small):
    """Write a small CT of the patient, changed as asked, and read the header of its first slice."""

    def written(array=None, scan=None, record=None, **changes):
        changed = replace(
            patient,
            scan=replace(patient.scan, **(scan or {})),
            record=replace(patient.record, **(record or {})),
            **changes,
        )
        write_dicom_series(small if array is None else small.with_array(array), tmp_path, changed)
        return pydicom.dcmread(tmp_path / "0001.dcm")

    return written


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


def test_slices_belong_to_one_series_and_stand_in_order(folder, patient, rendering):
    slices = [pydicom.dcmread(path) for path in sorted(folder.iterdir())]
    assert [s.InstanceNumber for s in slices] == list(range(1, rendering.hu.geometry.shape[0] + 1))
    assert len({s.SOPInstanceUID for s in slices}) == len(slices)
    for name in ("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"):
        assert len({s[name].value for s in slices}) == 1
    assert all(s.file_meta.MediaStorageSOPInstanceUID == s.SOPInstanceUID for s in slices)
    assert {s.PatientID for s in slices} == {patient.patient_id}


def test_same_ct_same_bytes(folder, tmp_path, patient, rendering):
    write_dicom_series(rendering.hu, tmp_path, patient)
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()


@pytest.mark.parametrize("phase", PHASES)
def test_the_validator_finds_nothing_to_say(header, tmp_path, phase):
    if not shutil.which("dciodvfy"):
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
    header(scan={"phase": phase})
    for path in sorted(tmp_path.iterdir()):
        checked = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False)
        said = (checked.stdout + checked.stderr).splitlines()
        assert [line for line in said if line.startswith(("Error", "Warning"))] == []
        assert "CTImage" in said
        assert checked.returncode == 0


@pytest.mark.parametrize(("phase", "seconds"), [("arterial", 35), ("portal", 70), ("delayed", 180)])
def test_the_scan_follows_the_injection_by_the_delay_of_its_phase(header, phase, seconds):
    read = header(scan={"phase": phase, "delay": 0.0})
    start, at = (
        datetime.strptime(read[name].value, "%H%M%S") for name in ("ContrastBolusStartTime", "AcquisitionTime")
    )
    assert (at - start).total_seconds() == seconds
    assert read.StudyTime < read.ContrastBolusStartTime < read.ContrastBolusStopTime
    assert read.ContrastBolusAgent
    assert phase in read.SeriesDescription


def test_a_late_scan_is_late(header):
    read = header(scan={"phase": "portal", "delay": 0.1})
    assert read.ContrastBolusStartTime == "120500"
    assert read.AcquisitionTime == "120617"


def test_an_unenhanced_scan_names_no_contrast(header):
    read = header(scan={"phase": "native"})
    assert not [element.keyword for element in read if element.keyword.startswith("Contrast")]
    assert "unenhanced" in read.SeriesDescription


def test_the_header_tells_the_scan_that_was_simulated(header, small):
    read = header(scan={"kvp": 100, "kernel": "sharp", "vendor": "Beta CT"}, record={"age": 61, "sex": "F"})
    assert (read.KVP, read.ConvolutionKernel, read.ManufacturerModelName) == (100, "SHARP", "Beta CT")
    assert (read.PatientAge, read.PatientSex) == ("061Y", "F")
    assert read.SliceThickness == read.SpacingBetweenSlices == small.geometry.spacing[0]
    assert read.ReconstructionDiameter == 24 * 0.75
    assert list(read.ImageType) == ["ORIGINAL", "PRIMARY", "AXIAL"]
    assert pytest.approx(read.XRayTubeCurrent * read.ExposureTime / 1000, abs=1) == read.Exposure


def test_less_noise_and_lower_voltage_take_more_tube_load(header):
    usual = header(scan={"noise_hu": 12.0, "kvp": 120}).Exposure
    assert header(scan={"noise_hu": 9.0, "kvp": 120}).Exposure > usual
    assert header(scan={"noise_hu": 12.0, "kvp": 100}).Exposure > usual


def test_it_says_that_nobody_was_scanned(header):
    read = header()
    assert read.PatientIdentityRemoved == "YES"
    assert "SIMULATED" in read.DeidentificationMethod
    assert "research use only" in read.ImageComments


def test_the_day_is_that_of_the_records(header):
    assert header(record={"ct_date": "2015-03-09"}).StudyDate == "20150309"
    assert header(record={"ct_date": ""}).AcquisitionDate == "20200101"


def test_uids_name_scan_and_picture(header, small):
    first = header(scan_id="S1")
    again, other, changed = header(scan_id="S1"), header(scan_id="S2"), header(small.array + np.int16(1), scan_id="S1")
    assert first.SOPInstanceUID == again.SOPInstanceUID
    for one in (other, changed):
        assert one.SeriesInstanceUID != first.SeriesInstanceUID
        assert one.SOPInstanceUID != first.SOPInstanceUID
        assert one.StudyInstanceUID == first.StudyInstanceUID

"""Odd headers: what a PACS files by is copied as it is, the rest is valid or empty."""

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from tests.dicom_files import ct_array, ct_series, enhanced_ct, save
from tests.dicom_objects import MAKER, MASKS, complaints, map_of, opened, organs_of, oriented_series, written

from fibrolens.errors import SeriesError
from fibrolens.io.dicom.objects.capture import secondary_capture
from fibrolens.io.dicom.objects.headers import derived_uid, study_header
from fibrolens.io.dicom.objects.parametric_map import MapWords, parametric_map
from fibrolens.io.dicom.objects.segmentation import segmentation
from fibrolens.io.dicom.read import quiet_pydicom

JAPANESE = {"SpecificCharacterSet": ["", "ISO 2022 IR 87"], "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう"}
ODD = {
    "nothing odd": {},
    "no patient id": {"PatientID": None},
    "no study id, no accession number": {"StudyID": None, "AccessionNumber": None},
    "no patient at all": {"PatientID": None, "PatientName": None, "PatientBirthDate": None},
    "empty dates": {"StudyDate": "", "StudyTime": "", "PatientBirthDate": ""},
    "dates of another age": {"StudyDate": "2010.01.01", "PatientBirthDate": "1960"},
    "a sex that DICOM does not know": {"PatientSex": "X"},
    "an age in words": {"PatientAge": "61"},
    "Japanese": JAPANESE,
    "Latin-1": {"SpecificCharacterSet": "ISO_IR 100", "PatientName": "Müller^Jörg"},
    "UTF-8": {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "Łukasz^Żółć"},
    "no frame of reference": {"FrameOfReferenceUID": None},
    "no slice thickness": {"SliceThickness": None},
    "lossy once": {
        "LossyImageCompression": "01",
        "LossyImageCompressionRatio": 10.5,
        "LossyImageCompressionMethod": "ISO_10918_1",
    },
    "identity removed, no word how": {"PatientIdentityRemoved": "YES"},
    "weight and size": {"PatientWeight": 70.5, "PatientSize": 1.8, "PatientAge": "061Y"},
    "no manufacturer, no series number": {"Manufacturer": None, "SeriesNumber": None},
}


def all_objects(ct, source):
    """SEG, map and capture of made-up organs."""
    with quiet_pydicom():
        yield segmentation(source, organs_of(ct).array, MASKS, MAKER)
        yield parametric_map(source, map_of(ct).array, MapWords("F4", "gradcam", "conv4", "mean1"), MAKER)
        yield secondary_capture(source, np.zeros((2, 8, 8, 3), np.uint8), "overlay", MAKER)


@pytest.mark.parametrize("oddity", ODD)
def test_objects_of_an_odd_source_are_valid_and_keep_its_patient(tmp_path, oddity):
    with quiet_pydicom():
        folder = oriented_series(tmp_path / "ct", **ODD[oddity])
    ct, opened_source = opened(folder)
    source = pydicom.dcmread(next(p for p in folder.iterdir() if p.is_file()))
    for number, data in enumerate(all_objects(ct, opened_source)):
        path = tmp_path / f"{number}.dcm"
        with quiet_pydicom():
            assert complaints(written(data, path)) == []
        read = pydicom.dcmread(path)
        for keyword in ("PatientID", "PatientName", "AccessionNumber", "StudyID", "StudyInstanceUID"):
            assert str(read[keyword].value or "") == str(source.get(keyword) or "")


def test_a_name_keeps_its_bytes(tmp_path):
    with quiet_pydicom():
        ct, source = opened(oriented_series(tmp_path / "ct", **JAPANESE))
        (first, *_) = all_objects(ct, source)
        path = written(first, tmp_path / "seg.dcm")
    raw = (tmp_path / "ct" / "image_0").read_bytes()
    name = raw[raw.index(b"Yamada") : raw.index(b"LO", raw.index(b"Yamada"))].split(b"\x10\x00 \x00")[0]
    assert name.rstrip() in path.read_bytes()


def test_bytes_without_a_character_set_are_latin_1(tmp_path):
    folder = oriented_series(tmp_path / "ct", PatientName="M_ller^J_rg")
    for path in (p for p in folder.rglob("*") if p.is_file()):
        path.write_bytes(path.read_bytes().replace(b"M_ller^J_rg", "Müller^Jörg".encode("latin-1")))
    ct, source = opened(folder)
    for number, data in enumerate(all_objects(ct, source)):
        assert data.SpecificCharacterSet == "ISO_IR 100"
        path = written(data, tmp_path / f"{number}.dcm")
        assert complaints(path) == []
        assert str(pydicom.dcmread(path).PatientName) == "Müller^Jörg"


def test_a_source_without_frame_of_reference_gets_one_by_hash(tmp_path):
    ct, source = opened(oriented_series(tmp_path / "ct", FrameOfReferenceUID=None))
    made_up = {data.get("FrameOfReferenceUID") for data in all_objects(ct, source)} - {None}
    assert made_up == {derived_uid("frame of reference", ct.get("series_uid"))}


def test_slices_of_an_enhanced_ct_make_valid_objects(tmp_path):
    ct, source = opened(save([enhanced_ct(ct_array(6), [5, 3, 1, 0, 2, 4])], tmp_path / "ct"))
    for number, data in enumerate(all_objects(ct, source)):
        assert complaints(written(data, tmp_path / f"{number}.dcm")) == []


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
def test_a_source_that_cannot_be_referred_to_is_said(tmp_path, keyword):
    files = ct_series(ct_array(), **{keyword: ""})
    for file in files:
        file.file_meta.MediaStorageSOPInstanceUID = "" if keyword == "SOPInstanceUID" else file.SOPInstanceUID
        file.save_as(tmp_path / f"{file.InstanceNumber}.dcm", enforce_file_format=False)
    with pytest.raises(SeriesError, match=f"lack {keyword}"):
        opened(tmp_path)


def test_values_that_are_not_valid_are_left_out_or_empty():
    header = Dataset()
    header.StudyInstanceUID, header.SeriesInstanceUID = "1.2.3", "1.2.3.4"
    with quiet_pydicom():
        header.PatientSex, header.PatientAge, header.StudyDate = "male", "61", "yesterday"
        header.PatientID = "x" * 70
        clean = study_header(header)
    assert (clean.PatientSex, clean.StudyDate, clean.PatientID) == ("", "", "x" * 70)
    assert "PatientAge" not in clean

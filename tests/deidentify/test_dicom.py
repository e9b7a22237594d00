"""The slices of real CTs: every voxel, and nothing that the headers tell of the patient."""

import pytest
from pydicom import dcmread
from pydicom.datadict import dictionary_has_tag
from tests.deidentify.conftest import KEY
from tests.dicom_files import SERIES_UID, ct_array, ct_series, enhanced_ct, save

from fibrolens.deidentify.clean import Cleaner
from fibrolens.deidentify.dicom import patient_of, write_object, write_slices
from fibrolens.errors import InputError, SeriesError
from fibrolens.io import read_volume

CLEANER = Cleaner(KEY, "case-1")
SETS = [
    "ircad01/PATIENT_DICOM",
    "chaos_ct3/DICOM_anon",
    "dcmqi/ct-3slice",
    "totalsegmentator/example_ct_dicom",
]
#: Elements whose values in a real header must not be found again.
IDENTIFYING = ("PatientName", "PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "StudyDate",
               "SeriesDescription", "StudyDescription", "InstitutionName", "ReferringPhysicianName",
               "AccessionNumber", "PatientBirthDate", "FrameOfReferenceUID", "AcquisitionDate")  # fmt: skip


def written(source, series_uid, folder):
    folder.mkdir()
    return write_slices(source, series_uid, folder, CLEANER)


@pytest.mark.parametrize("folder", SETS)
def test_a_real_ct_keeps_every_voxel_and_tells_nobody(shared_data, tmp_path, folder):
    if not (shared_data / folder).exists():
        pytest.skip(f"{folder} is not on this machine")
    ct = read_volume(shared_data / folder)
    slices = written(shared_data / folder, ct.get("series_uid") or "", tmp_path / "ct")
    again = read_volume(tmp_path / "ct")
    assert (again.array == ct.array).all()
    assert again.geometry.same_grid(ct.geometry)
    assert (again.get("sha256"), again.get("series_uid")) == (slices.sha256, slices.series_uid)
    source = next(
        p for p in sorted((shared_data / folder).rglob("*")) if p.is_file() and b"DICM" in p.read_bytes()[:132]
    )
    header, content = dcmread(source, stop_before_pixels=True), (tmp_path / "ct" / "0001.dcm").read_bytes()
    meta = content[: content.rindex(b"\xe0\x7f\x10\x00")]
    for keyword in IDENTIFYING:
        value = str(header.get(keyword, ""))
        assert len(value) < 4 or value.encode() not in meta, keyword
    clean = dcmread(tmp_path / "ct" / "0001.dcm")
    assert all(not e.tag.is_private and dictionary_has_tag(e.tag) for e in clean.iterall())


def test_a_multi_frame_ct(tmp_path):
    file = enhanced_ct(ct_array(4), [2, 0, 3, 1])
    file.AcquisitionDateTime, file.ContentDate = "20260102030405", "20260102"
    file.SeriesDate, file.InstanceNumber = "20260102", 1
    save([file], tmp_path / "source")
    written(tmp_path / "source", SERIES_UID, tmp_path / "ct")
    assert (read_volume(tmp_path / "ct").array == read_volume(tmp_path / "source").array).all()
    clean = dcmread(tmp_path / "ct" / "0001.dcm")
    assert clean.AcquisitionDateTime == "19000101000000"
    assert "SeriesDate" not in clean
    assert b"SECRET" not in (tmp_path / "ct" / "0001.dcm").read_bytes()


def test_a_compressed_ct_is_written_plain(tmp_path):
    files = ct_series(ct_array(3, 16, 16))
    for file in files:
        file.compress("1.2.840.10008.1.2.5")
    save(files, tmp_path / "source")
    written(tmp_path / "source", SERIES_UID, tmp_path / "ct")
    assert (read_volume(tmp_path / "ct").array == read_volume(tmp_path / "source").array).all()
    assert dcmread(tmp_path / "ct" / "0001.dcm").file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"


def test_a_series_without_uids_gets_some(tmp_path):
    source = save(ct_series(ct_array(3), SeriesInstanceUID=None, StudyInstanceUID=None), tmp_path / "source")
    slices = written(source, "", tmp_path / "ct")
    assert slices.series_uid.startswith("2.25.")
    assert read_volume(tmp_path / "ct").get("series_uid") == slices.series_uid
    assert read_volume(tmp_path / "ct").get("study_uid").startswith("2.25.")


def test_the_pseudonym_belongs_to_the_patient_not_to_the_scan(tmp_path):
    save(ct_series(ct_array(2)), tmp_path / "a")
    save(ct_series(ct_array(2), StudyInstanceUID="1.2.3"), tmp_path / "b")
    save(ct_series(ct_array(2), PatientID=""), tmp_path / "c")
    one, other, nobody = (patient_of(tmp_path / name, SERIES_UID) for name in "abc")
    assert one == other != nobody
    assert nobody[0] == "study"


def test_burned_in_words_are_refused(tmp_path):
    save(ct_series(ct_array(2), BurnedInAnnotation="YES"), tmp_path / "source")
    with pytest.raises(InputError, match="burned into its pixels") as told:
        written(tmp_path / "source", SERIES_UID, tmp_path / "ct")
    assert "SECRET" not in str(told.value)


def test_strangers_objects_are_not_exported(tmp_path):
    (file,) = ct_series(ct_array(1))
    file.save_as(tmp_path / "seg.dcm", enforce_file_format=True)
    with pytest.raises(InputError, match="not written by fibrolens"):
        write_object(tmp_path / "seg.dcm", tmp_path / "out.dcm", CLEANER)
    (tmp_path / "seg.dcm").write_bytes(b"no DICOM")
    with pytest.raises(InputError, match="damaged"):
        write_object(tmp_path / "seg.dcm", tmp_path / "out.dcm", CLEANER)


def test_a_series_that_is_not_there(tmp_path):
    save(ct_series(ct_array(2)), tmp_path / "source")
    with pytest.raises(SeriesError, match="no CT series"):
        written(tmp_path / "source", "1.2.3", tmp_path / "ct")

"""Whatever is planted into a header, and wherever, is not in the file that comes out."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.datadict import DicomDictionary
from pydicom.uid import ExplicitVRLittleEndian
from tests.dicom_files import ct_array, ct_series
from tests.planted import DAY, TIME, UIDS, WORD, plant, plantable

from fibrolens.deidentify.clean import Cleaner, file_of, rewriter
from fibrolens.deidentify.key import Key
from fibrolens.io.dicom.telling import telling_words

KEY = Key(b"a key for tests, known to all")
CLEANER = Cleaner(KEY, "case-1")
TAGS = plantable()
#: Sequences that may stand in a CT, whether the profile keeps them or not.
SEQUENCES = sorted(keyword for vr, _, _, _, keyword in DicomDictionary.values() if vr == "SQ" and keyword)


def slice_():
    return ct_series(ct_array(2, 4, 4))[0]


def bytes_of(data, ours=False, cleaner=CLEANER):
    """The clean file of a dataset, written and read back, and its bytes."""
    stream = io.BytesIO()
    file_of(cleaner.cleaned(data, ours), ExplicitVRLittleEndian).save_as(stream, enforce_file_format=True)
    stream.seek(0)
    return dcmread(stream), stream.getvalue()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(TAGS), max_size=40), st.lists(st.sampled_from(SEQUENCES), max_size=4))
def test_words_in_any_element_at_any_depth_are_gone(tags, path):
    data = slice_()
    plant(data, tags)
    inner = data
    for keyword in path:
        item = Dataset()
        plant(item, tags, keep_uids=False)
        setattr(inner, keyword, [item])
        inner = item
    _, content = bytes_of(data)
    assert WORD.search(content) is None
    assert UIDS.search(content) is None
    assert DAY.encode() not in content


def test_each_element_alone_is_gone_also_inside_a_functional_group():
    for tag in TAGS:
        data, inside = Dataset(), Dataset()
        plant(data, [tag])
        plant(inside, [tag])
        data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2.1", "1.2.3"
        data.SharedFunctionalGroupsSequence = [inside]
        _, content = bytes_of(data)
        found = [part for part in (DAY.encode(), TIME.encode()) if part in content]
        assert (found, WORD.search(content)) == ([], None), hex(tag)


@pytest.mark.parametrize(
    ("charset", "codec", "name"),
    [
        ("ISO_IR 100", "latin-1", "Müller^Jörg"),
        ("ISO_IR 101", "iso8859_2", "Wałęsa^Łucja"),
        ("ISO_IR 144", "iso8859_5", "Люксембург^Роза"),
        ("ISO_IR 126", "iso8859_7", "Διονυσιος^Νικος"),
        ("ISO_IR 127", "iso8859_6", "قباني^لنزار"),
        ("ISO_IR 138", "iso8859_8", "שרון^דבורה"),
        ("ISO_IR 192", "utf-8", "王^小东"),
        ("GB18030", "gb18030", "王^小东"),
        ("ISO_IR 13", "shift_jis", "ﾔﾏﾀﾞ^ﾀﾛｳ"),
        ("\\ISO 2022 IR 87", "iso2022_jp", "山田正^太郎右"),
        ("\\ISO 2022 IR 149", "euc_kr", "김희중한^길동"),
    ],
)
def test_names_in_every_character_set_are_gone(charset, codec, name):
    data, parts = slice_(), name.split("^")
    data.SpecificCharacterSet = charset.split("\\")
    data.PatientName = name
    for keyword in ("PatientComments", "InstitutionName", "Manufacturer", "StudyDescription"):
        setattr(data, keyword, parts[0])
    stream = io.BytesIO()
    data.save_as(stream, enforce_file_format=True)
    assert parts[0].encode(codec) in stream.getvalue()
    read = dcmread(io.BytesIO(stream.getvalue()))
    cleaner = Cleaner(KEY, "case-1", telling_words(read))
    _, content = bytes_of(read, cleaner=cleaner)
    for part in parts:
        # Two bytes would be found anywhere.
        if len(part.encode(codec)) >= 4:
            assert not any(part.encode(encoding) in content for encoding in (codec, "utf-8", "utf-16-le"))


def test_what_the_pictures_need_stays():
    data = slice_()
    data.ImageType, data.ConvolutionKernel = ["ORIGINAL", "PRIMARY", "AXIAL"], "Br38f"
    clean, _ = bytes_of(data)
    for keyword in ("Rows", "Columns", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient", "KVP",
                    "RescaleSlope", "RescaleIntercept", "SliceThickness", "Modality", "ImageType", "Manufacturer",
                    "ConvolutionKernel", "InstanceNumber", "BitsStored", "PixelRepresentation"):  # fmt: skip
        assert clean[keyword].value == data[keyword].value
    assert (clean.pixel_array == data.pixel_array).all()


def test_a_source_without_name_and_id_gets_the_pseudonym():
    data = slice_()
    del data.PatientName, data.PatientID
    clean, _ = bytes_of(data)
    assert str(clean.PatientName) == clean.PatientID == "case-1"


def test_uids_change_alike_and_public_ones_stay():
    one, other = (bytes_of(file)[0] for file in ct_series(ct_array(2, 4, 4)))
    assert one.SeriesInstanceUID == other.SeriesInstanceUID == KEY.uid("1.2.826.0.1.3680043.8.498.11")
    assert one.SOPInstanceUID != other.SOPInstanceUID
    assert one.SOPInstanceUID == one.file_meta.MediaStorageSOPInstanceUID
    assert one.SOPClassUID == one.file_meta.MediaStorageSOPClassUID == slice_().SOPClassUID


def test_a_kept_text_that_repeats_the_patient_is_emptied():
    data = slice_()
    data.Manufacturer, data.ManufacturerModelName = "Scanner of Jane", "Model 7"
    strict = Cleaner(KEY, "case-1", telling_words(data))
    clean, _ = bytes_of(data, cleaner=strict)
    assert (clean.Manufacturer, clean.ManufacturerModelName) == ("", "Model 7")


def test_local_codes_are_dropped_and_public_ones_kept():
    def code(scheme):
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "1", scheme, "Liver"
        return item

    data = slice_()
    data.AnatomicRegionSequence = [code("99LOCAL"), code("SCT")]
    clean, _ = bytes_of(data)
    assert [item.CodingSchemeDesignator for item in clean.AnatomicRegionSequence] == ["SCT"]
    data.AnatomicRegionSequence = [code("99LOCAL")]
    assert "AnatomicRegionSequence" not in bytes_of(data)[0]


def test_texts_of_ours_are_rewritten_at_every_depth():
    inner = Dataset()
    inner.TextValue = "mask Smith.nii.gz of 1.2.3.4.5.6.7.8"
    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.88.34", "1.2.3"
    data.ContentSequence, data.SeriesDescription = [inner], "whole"
    rewrite = rewriter({"whole": "all"}, {"Smith.nii.gz": "own mask"}, KEY)
    clean, _ = bytes_of(data, ours=True, cleaner=Cleaner(KEY, "case-1", rewrite=rewrite))
    assert clean.ContentSequence[0].TextValue == f"mask own mask of {KEY.uid('1.2.3.4.5.6.7.8')}"
    assert clean.SeriesDescription == "all"


def test_damaged_elements_are_left_out():
    data = slice_()
    stream = io.BytesIO()
    data.save_as(stream, enforce_file_format=True)
    broken = stream.getvalue().replace(b"SECRET-1", b"SECRET\xff1").replace(b"Simulated", b"Sim\xfflated")
    read = dcmread(io.BytesIO(broken))
    clean, content = bytes_of(read)
    assert b"SECRET" not in content
    assert clean.Rows == 4

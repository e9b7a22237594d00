"""Words under a wrong representation, or where numbers belong, are not taken over."""

import io
import struct

import pytest
from pydicom import DataElement, Dataset, dcmread
from pydicom.datadict import DicomDictionary, dictionary_VR, tag_for_keyword
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from tests.dicom_files import ct_array, ct_series
from tests.planted import NEEDED, WORD

from fibrolens.deidentify.clean import Cleaner, file_of
from fibrolens.deidentify.key import Key
from fibrolens.deidentify.numbers import as_promised, is_numbers
from fibrolens.deidentify.words import CODES_KEPT, TEXT_KEPT
from fibrolens.io.dicom.read import quiet_pydicom

CLEANER = Cleaner(Key(b"a key for tests, known to all"), "case-1", frozenset({"wernicke", "4711"}))
WORDS = b"Q12345678X"
LONG_FORM = ("OB", "OW", "SQ", "UN", "UT")  # 32-bit length, PS3.5 7.1.2
CT_GROUPS = (0x0008, 0x0010, 0x0018, 0x0020, 0x0028)
KEYWORDS = sorted(
    keyword
    for tag, (_, _, _, _, keyword) in DicomDictionary.items()
    if tag >> 16 in CT_GROUPS and keyword and keyword not in NEEDED | TEXT_KEPT | CODES_KEPT | {"SOPInstanceUID"}
)


def raw(keyword, vr, value):
    """The bytes of an element as a careless program writes it; without a representation where `vr` is None."""
    tag = tag_for_keyword(keyword)
    start = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    if vr is None:
        return start + struct.pack("<I", len(value)) + value
    length = struct.pack("<HI", 0, len(value)) if vr in LONG_FORM else struct.pack("<H", len(value))
    return start + vr.encode() + length + value


def cleaned(elements, syntax=ExplicitVRLittleEndian):
    """The clean file of a slice that begins with these bytes."""
    data, stream = ct_series(ct_array(2, 4, 4))[0], io.BytesIO()
    for name in data.dir():
        del data[name]
    data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3"
    data.file_meta.TransferSyntaxUID = syntax
    data.save_as(stream, enforce_file_format=True)
    clean = io.BytesIO()
    with quiet_pydicom():
        read = dcmread(io.BytesIO(stream.getvalue() + b"".join(elements)))
        file_of(CLEANER.cleaned(read, ours=False), ExplicitVRLittleEndian).save_as(clean, enforce_file_format=True)
    return clean.getvalue()


@pytest.mark.parametrize("vr", ["AT", "CS", "DS", "DT", "FD", "IS", "LO", "OW", "PN", "UI", "UN", "US", "UT"])
def test_words_under_any_representation_are_gone(vr):
    assert WORD.search(cleaned([raw(keyword, vr, WORDS) for keyword in KEYWORDS])) is None


def test_words_in_an_element_of_numbers_are_gone_without_stated_representation():
    told = [raw(k, None, WORDS) for k in KEYWORDS if dictionary_VR(tag_for_keyword(k)) != "SQ"]
    assert WORD.search(cleaned(told, ImplicitVRLittleEndian)) is None


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("TablePosition", b"Wernicke"),  # one double
        ("DimensionIndexValues", b"Wernicke"),  # two whole numbers
        ("FrameIncrementPointer", b"Wernicke"),  # two tags
        ("LUTData", b"Wernicke"),
        ("SmallestImagePixelValue", b"Wernicke"),  # US or SS, and too long
    ],
)
def test_a_name_read_as_numbers_is_gone(keyword, value):
    vr = dictionary_VR(tag_for_keyword(keyword)).split(" or ")[0]
    assert value not in cleaned([raw(keyword, vr, value)])
    assert value not in cleaned([raw(keyword, None, value)], ImplicitVRLittleEndian)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("KVP", "120"), ("ImagePositionPatient", [-180.5, 0, 1200]), ("InstanceNumber", 7), ("Rows", 512),
        ("SmallestImagePixelValue", -1024), ("DimensionIndexValues", [1, 129]), ("TablePosition", -812.5),
        ("SpiralPitchFactor", 0.6), ("RevolutionTime", 0.0), ("SeriesNumber", None), ("WindowCenter", [40, 400]),
        ("FrameIncrementPointer", 0x00182001),
    ],
)  # fmt: skip
def test_numbers_stay(keyword, value):
    vr = dictionary_VR(tag_for_keyword(keyword)).split(" or ")[-1]
    found = DataElement(tag_for_keyword(keyword), vr, value)
    assert is_numbers(found)
    assert as_promised(found) is found


@pytest.mark.parametrize(
    ("keyword", "value"), [("KVP", ["120", "140"]), ("ImagePositionPatient", [1, 2]), ("Rows", [1, 2])]
)
def test_more_or_fewer_values_than_allowed_are_dropped(keyword, value):
    tag = tag_for_keyword(keyword)
    assert not is_numbers(DataElement(tag, dictionary_VR(tag), value))


def test_an_element_of_another_representation_is_empty_and_keeps_its_name():
    assert as_promised(DataElement(0x00100010, "LO", "Planted")).VR == "PN"
    assert as_promised(DataElement(0x00100010, "LO", "Planted")).is_empty
    assert as_promised(DataElement(0x00081140, "LO", "Planted")).value == []


def test_a_number_or_code_that_is_the_patients_own_is_gone():
    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3"
    data.AcquisitionNumber, data.BodyPartExamined, data.PhotometricInterpretation = 4711, "WERNICKE", "MONOCHROME2"
    clean = CLEANER.cleaned(data, ours=False)
    assert "AcquisitionNumber" not in clean
    assert (clean.BodyPartExamined, clean.PhotometricInterpretation) == ("", "MONOCHROME2")


def test_pixels_inside_an_item_are_gone():
    data, item = Dataset(), Dataset()
    data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2.1", "1.2.3"
    item.add_new("PixelData", "OW", WORDS)
    item.add_new("FloatPixelData", "OF", WORDS + b"  ")
    data.SharedFunctionalGroupsSequence = [item]
    clean = CLEANER.cleaned(data, ours=False)
    assert not clean.SharedFunctionalGroupsSequence[0]

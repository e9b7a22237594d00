"""The actions against table E.1-1 of PS3.15 (2026c), read by hand for elements that matter."""

import builtins

import pytest
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.tag import Tag
from pydicom.uid import CTImageStorage

from fibrolens.deidentify import profile
from fibrolens.deidentify.profile import Action, action, table
from fibrolens.errors import UsageError

SEG, ENHANCED = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.2.1"


def of(keyword, sop_class=CTImageStorage, ours=False):
    tag = tag_for_keyword(keyword)
    return action(Tag(tag), dictionary_VR(tag).split(" or ")[0], keyword, sop_class, ours)


@pytest.mark.parametrize(
    ("keyword", "code"),
    [
        ("AccessionNumber", "Z"), ("AcquisitionDate", "X/Z"), ("AdditionalPatientHistory", "X"),
        ("ContentDate", "Z/D"), ("DeviceSerialNumber", "X/Z/D"), ("FrameOfReferenceUID", "U"),
        ("InstitutionName", "X/Z/D"), ("OperatorsName", "X/Z/D"), ("PatientAge", "X"), ("PatientBirthDate", "Z"),
        ("PatientID", "Z/D"), ("PatientName", "Z"), ("PatientSex", "Z"), ("PatientWeight", "X"),
        ("ProtocolName", "X/D"), ("ReferencedImageSequence", "X/Z/U*"), ("ReferringPhysicianName", "Z"),
        ("RequestAttributesSequence", "X"), ("SeriesDate", "X/D"), ("SeriesDescription", "X"),
        ("SeriesInstanceUID", "U"), ("SOPInstanceUID", "U"), ("SourceImageSequence", "X/Z/U*"),
        ("StationName", "X/Z/D"), ("StudyDate", "Z"), ("StudyDescription", "X"), ("StudyID", "Z"),
        ("StudyInstanceUID", "U"), ("TimezoneOffsetFromUTC", "X"), ("ContrastBolusAgent", "Z/D"),
        ("PerformedProcedureStepDescription", "X"), ("VerifyingObserverName", "D"), ("UID", "U"),
    ],
)  # fmt: skip
def test_the_table_is_that_of_the_standard(keyword, code):
    tag = Tag(tag_for_keyword(keyword))
    assert table()[(tag.group, tag.element)] == code


def test_every_element_of_the_table_is_changed():
    """K stands nowhere in the basic profile; an item is only kept where its own elements are looked at."""
    for (group, element), code in table().items():
        tag = Tag(group, element)
        try:
            vr, keyword = dictionary_VR(tag).split(" or ")[0], "Known"
        except KeyError:
            vr, keyword = "LO", ""
        assert action(tag, vr, keyword, CTImageStorage, False) is not Action.KEEP, code


@pytest.mark.parametrize(
    ("keyword", "expected"),
    [
        ("PatientName", Action.NAME), ("PatientID", Action.NAME), ("StudyDate", Action.EMPTY),
        ("SeriesDate", Action.REMOVE), ("ContentDate", Action.REMOVE), ("SeriesDescription", Action.REMOVE),
        ("SOPInstanceUID", Action.UID), ("ReferencedSOPClassUID", Action.UID),
        ("SourceImageSequence", Action.INSIDE), ("RequestAttributesSequence", Action.REMOVE),
        ("ContentSequence", Action.REMOVE), ("SharedFunctionalGroupsSequence", Action.INSIDE),
        ("ProcedureCodeSequence", Action.REMOVE), ("Manufacturer", Action.KEEP), ("ScanOptions", Action.KEEP),
        ("PixelData", Action.KEEP), ("ICCProfile", Action.REMOVE), ("KVP", Action.KEEP),
        ("PositionReferenceIndicator", Action.EMPTY), ("ContributingEquipmentSequence", Action.REMOVE),
        ("NumberOfStudyRelatedSeries", Action.KEEP), ("ReasonForStudy", Action.REMOVE),
        ("TableTopPositionAlignmentUID", Action.REMOVE), ("BeamNumber", Action.REMOVE),
    ],
)  # fmt: skip
def test_a_source_keeps_what_is_known_to_be_harmless(keyword, expected):
    assert of(keyword) is expected


def test_objects_keep_what_they_must_have():
    assert of("ContentDate", SEG, ours=True) is Action.DUMMY
    assert of("AcquisitionDateTime", ENHANCED) is Action.DUMMY
    assert of("ContentCreatorName", SEG, ours=True) is Action.EMPTY
    assert of("ContentSequence", SEG, ours=True) is Action.INSIDE
    assert of("SeriesDescription", SEG, ours=True) is Action.KEEP
    assert of("SegmentLabel", SEG, ours=True) is Action.KEEP
    assert of("StudyDescription", SEG, ours=True) is Action.REMOVE
    assert of("PatientName", SEG, ours=True) is Action.NAME


def test_private_unknown_curve_and_overlay_elements_are_removed():
    for tag in (0x00090010, 0x00091001, 0x50003000, 0x60000010, 0x60023000, 0x00080777):
        assert action(Tag(tag), "UN", "", CTImageStorage, False) is Action.REMOVE
    assert action(Tag(0x60003000), "OW", "OverlayData", CTImageStorage, True) is Action.REMOVE


def test_a_missing_library_is_told(monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **more):
        if name.startswith("dicomanonymizer"):
            raise ImportError(name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    profile.table.cache_clear()
    with pytest.raises(UsageError, match=r"pip install 'fibrolens\[deidentify\]'"):
        table()
    monkeypatch.undo()
    assert len(table()) > 600

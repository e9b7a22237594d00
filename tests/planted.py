"""A simulated CT whose headers are full of things that identify somebody, each a word that can be found again."""

import re
from pathlib import Path

import numpy as np
from pydicom import DataElement, Dataset, dcmread
from pydicom.datadict import DicomDictionary, dictionary_VM
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian

from fibrolens.deidentify.profile import table
from fibrolens.deidentify.words import TEXT_KEPT
from fibrolens.phantom.dicom import write_dicom_series
from fibrolens.phantom.patient import sample_patient

TEXTS = ("AE", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT")
#: Every planted word looks like this: Q, eight hexadecimal digits, X.
WORD = re.compile(rb"Q[0-9A-F]{8}X")
UIDS = re.compile(rb"1\.2\.3\.4\.99\.[0-9]")
DAY, MOMENT, TIME = "19470513", "19470513101112.131415", "101112.131415"
DATES = {"DA": DAY, "DT": MOMENT, "TM": TIME, "AS": "047Y"}
#: What the reading of a CT depends on, or what stands in the meta group.
NEEDED = {"SOPClassUID", "SpecificCharacterSet", "RescaleType", "ConvolutionKernel"}
FILE_NAME = "QFEEDBEEFX"
NAME = "Planted^QAFFEAFFEX"


def word(tag: int) -> str:
    """The word that is planted in an element."""
    return f"Q{tag:08X}X"


def plantable() -> list[int]:
    """Tags of the dictionary that may hold words, dates or UIDs of the table, outside of what a CT needs."""
    in_table = {(group << 16) | element for group, element in table()}
    found = []
    for tag, (vr, _, _, _, keyword) in DicomDictionary.items():
        kept = keyword in NEEDED or keyword in TEXT_KEPT or tag >> 16 in (0x0000, 0x0002, 0x0004, 0xFFFE)
        words = vr in TEXTS or vr in DATES or (tag in in_table and vr in ("CS", "UI", "UN", "OB"))
        if not kept and words:
            found.append(tag)
    return found


def planted(tag: int) -> DataElement:
    """An element with its word, date or UID."""
    vr = DicomDictionary[tag][0]
    if vr in DATES:
        return DataElement(tag, vr, DATES[vr])
    if vr == "UI":
        return DataElement(tag, vr, f"1.2.3.4.99.{tag}")
    value = word(tag)
    if vr in ("OB", "UN"):
        return DataElement(tag, vr, value.encode())
    several = dictionary_VM(tag) not in ("1", "0-1")
    return DataElement(tag, vr, [value, value] if several and vr not in ("LT", "ST", "UT", "UR") else value)


def plant(data: Dataset, tags: list[int], keep_uids: bool = True) -> None:
    """Put words into a dataset; the UIDs by which a series hangs together stay where `keep_uids`."""
    for tag in tags:
        if not (keep_uids and DicomDictionary[tag][0] == "UI" and tag in data):
            data.add(planted(tag))


def plant_deeply(data: Dataset) -> None:
    """Words in places that are not elements of the standard at the top: private, nested, repeating, padding."""
    data.PatientName, data.SpecificCharacterSet = NAME, "ISO_IR 192"
    block = data.private_block(0x0099, word(0x00990010), create=True)
    block.add_new(1, "LO", word(0x00991001))
    block.add_new(2, "UN", word(0x00991002).encode())
    nested = Dataset()
    plant(nested, [Tag(k) for k in ("PatientName", "PatientID", "StudyDate", "InstitutionName", "StudyDescription")])
    nested.private_block(0x0099, "Q00000001X", create=True).add_new(1, "LO", "Q00000002X")
    nested.ReferencedSOPClassUID, nested.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4.99.5"
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "Q00000003X", "99LOCAL", "Q00000004X"
    nested.PurposeOfReferenceCodeSequence = [code]
    for keyword in ("SourceImageSequence", "ReferencedImageSequence", "RequestAttributesSequence",
                    "DerivationImageSequence", "OriginalAttributesSequence", "ReferencedStudySequence",
                    "ProcedureCodeSequence", "ContributingEquipmentSequence", "ContentSequence"):  # fmt: skip
        setattr(data, keyword, [nested])
    data.AnatomicRegionSequence = [code]
    data.add_new(0x60003000, "OW", b"Q60003000X")
    data.add_new(0x60000022, "LO", "Q60000022X")
    data.add_new(0x50003000, "OW", b"Q50003000X")
    data.add_new(0x00112233, "UN", b"Q00112233X")  # of no dictionary, and private
    data.add_new(0x00080777, "UN", b"Q00080777X")  # of no dictionary
    data.add_new(0xFFFCFFFC, "OB", b"QFFFCFFFCX")


def planted_series(folder: Path, rendering) -> set[str]:
    """Write a simulated CT with words in everything that may hold them; returns the UIDs of its files."""
    write_dicom_series(rendering.hu, folder / "clean", sample_patient(np.random.default_rng(4), 4, "P1"))
    home, tags, uids = folder / "study", plantable(), set()
    home.mkdir()
    for path in sorted((folder / "clean").iterdir()):
        data = dcmread(path)
        plant(data, tags)
        plant_deeply(data)
        del data["PatientIdentityRemoved"], data["BurnedInAnnotation"]
        data.preamble = (b"Q00000005X" * 13)[:128]
        data.file_meta.SourceApplicationEntityTitle = "Q00000006X"
        data.file_meta.PrivateInformationCreatorUID, data.file_meta.PrivateInformation = "1.2.3.4.99.7", b"Q00000008X"
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        uids |= {str(data[k].value) for k in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")}
        data.save_as(home / f"{FILE_NAME}_{path.name}", enforce_file_format=True)
    return uids

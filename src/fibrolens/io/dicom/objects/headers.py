"""The headers of a source CT, cleaned so that objects derived from it are valid whatever an anonymiser left behind.

What identifies patient and study is copied as it is, for a PACS files objects by it. Everything else that is not valid
is left out, or empty where DICOM demands the element.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from pydicom import DataElement, Dataset
from pydicom.config import RAISE
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.multival import MultiValue
from pydicom.uid import UID, CTImageStorage
from pydicom.valuerep import DSfloat, validate_value

from fibrolens.errors import SeriesError
from fibrolens.io.dicom.files import DAMAGED
from fibrolens.io.dicom.frames import Frame, element

#: What a PACS files objects by; copied unchanged, empty where the source has none (PS3.3 C.7.1.1, C.7.2.1).
IDENTITY = ("PatientID", "PatientName", "AccessionNumber", "StudyID")
#: Demanded, but may be empty.
DEMANDED = ("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "ReferringPhysicianName")
#: Copied where the source has a valid value.
OPTIONAL = (
    "IssuerOfPatientID",
    "OtherPatientIDs",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "StudyDescription",
    "Manufacturer",
    "ManufacturerModelName",
    "InstitutionName",
)
SEXES = ("M", "F", "O")
#: Bytes in text that no declared character set explains are read as Latin-1, as most systems do; these are ASCII.
ASCII = 127
LATIN_1 = "ISO_IR 100"


def study_header(header: Dataset) -> Dataset:
    """Patient, study and frame of reference of a source file, valid or empty.

    Raises:
        SeriesError: it lacks the UIDs that a derived object must name.
    """
    clean = Dataset()
    for keyword in (*IDENTITY, *DEMANDED, *OPTIONAL):
        value = _value(header, keyword)
        if value is not None or keyword in IDENTITY + DEMANDED:
            # An element that was read keeps its own bytes of a name, whatever its character set.
            clean[keyword] = DataElement(_tag(keyword), dictionary_VR(keyword), "" if value is None else value)
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID"):
        setattr(clean, keyword, _required_uid(header, keyword))
    frame_of_reference = str(element(header, "FrameOfReferenceUID") or "")
    made_up = derived_uid("frame of reference", str(clean.SeriesInstanceUID))
    clean.FrameOfReferenceUID = frame_of_reference or made_up
    clean.PositionReferenceIndicator = str(_value(header, "PositionReferenceIndicator") or "")
    _add_lossy_history(clean, header)
    if clean.get("PatientIdentityRemoved") == "YES" and "DeidentificationMethod" not in clean:
        clean.DeidentificationMethod = "not stated in the source"
    return clean


def character_set(header: Dataset, study: Dataset) -> str | list[str] | None:
    """The source's character set, so that names keep their bytes; Latin-1 where undeclared bytes need one.

    Args:
        header: of the source.
        study: its cleaned `study_header`.
    """
    declared = element(header, "SpecificCharacterSet")
    if declared:
        return str(declared) if isinstance(declared, str) else [str(name) for name in declared]
    return LATIN_1 if any(ord(letter) > ASCII for item in study for letter in str(item.value)) else None


def slice_header(frame: Frame, study: Dataset, spacing_mm: float) -> Dataset:
    """One frame of the source as the header of a single-frame image on the same place.

    Args:
        frame: of a classic slice or of a multi-frame file.
        study: its cleaned `study_header`.
        spacing_mm: to the next slice; the thickness where the source states none.

    Raises:
        SeriesError: the file has no SOP instance UID.
    """
    clean = Dataset()
    clean.update(study)
    kind, instance = instance_of(frame.instance.header)
    multi = frame.instance.header.get("PerFrameFunctionalGroupsSequence") is not None
    clean.SOPClassUID = CTImageStorage if multi else kind
    clean.SOPInstanceUID = frame_name(instance, frame.index) if multi else instance
    clean.Rows, clean.Columns = frame.size
    clean.ImagePositionPatient = [_decimal(v) for v in frame.position]
    clean.ImageOrientationPatient = [_decimal(v) for v in frame.orientation]
    clean.PixelSpacing = [_decimal(v) for v in frame.pixel_spacing]
    clean.SliceThickness = _decimal(frame.thickness or spacing_mm)
    return clean


def file_header(header: Dataset, study: Dataset) -> Dataset:
    """What a structured report needs of a source file that it names as evidence."""
    clean = Dataset()
    clean.update(study)
    clean.SOPClassUID, clean.SOPInstanceUID = instance_of(header)
    return clean


def instance_of(header: Dataset) -> tuple[UID, UID]:
    """SOP class and instance UID of a file, those of its meta group where an anonymiser took the others away."""
    meta: Mapping[str, object] = getattr(header, "file_meta", None) or {}
    kind = element(header, "SOPClassUID") or meta.get("MediaStorageSOPClassUID") or CTImageStorage
    instance = element(header, "SOPInstanceUID") or meta.get("MediaStorageSOPInstanceUID")
    if not instance:
        raise SeriesError("The headers of the CT lack SOPInstanceUID, by which a DICOM object would refer to it.")
    return UID(str(kind)), UID(str(instance))


def frame_name(instance: str, index: int) -> str:
    """A UID that stands for one frame of a multi-frame file until the references are written (`references`)."""
    return derived_uid("frame", instance, str(index))


def derived_uid(*what: str) -> str:
    """A UID below "2.25." (PS3.5 B.2) that is the hash of what it names."""
    digest = hashlib.sha256("\n".join(("fibrolens", *what)).encode()).hexdigest()
    return f"2.25.{int(digest[:32], 16)}"


def _required_uid(header: Dataset, keyword: str) -> str:
    value = str(element(header, keyword) or "")
    if not value:
        raise SeriesError(f"The headers of the CT lack {keyword}, by which a DICOM object would refer to it.")
    return value


def _value(header: Dataset, keyword: str) -> object | None:
    """A valid value; of what identifies patient or study, any value."""
    value = element(header, keyword)
    if value is None or keyword in IDENTITY:
        return value
    if keyword == "PatientSex":
        return value if value in SEXES else None
    # Numbers are checked as they are written.
    parts = value if isinstance(value, MultiValue) else [value]
    written = [str(part) if isinstance(part, float | int) else part for part in parts]
    try:
        for part in written:
            validate_value(dictionary_VR(keyword), part, RAISE)
    except DAMAGED:
        return None
    return value or None


def _add_lossy_history(clean: Dataset, header: Dataset) -> None:
    """Once lossy, always lossy (PS3.3 C.7.6.1.1.5); ratio and method belong together with it."""
    if element(header, "LossyImageCompression") != "01":
        return
    clean.LossyImageCompression = "01"
    ratio, method = (_value(header, f"LossyImageCompression{name}") for name in ("Ratio", "Method"))
    if ratio is not None and method is not None:
        clean.LossyImageCompressionRatio, clean.LossyImageCompressionMethod = ratio, method


def _decimal(value: float) -> DSfloat:
    """A DICOM decimal string of at most 16 characters (PS3.5 6.2)."""
    return DSfloat(value, auto_format=True)


def _tag(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise ValueError(f"{keyword} is not in the DICOM dictionary.")
    return tag

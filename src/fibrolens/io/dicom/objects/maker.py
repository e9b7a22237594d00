"""Who made a DICOM object and from what: equipment, UIDs, series numbers, and text that any character set holds."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

from pydicom import Dataset
from pydicom.uid import UID

from fibrolens.clock import timeless
from fibrolens.io.dicom.objects.headers import derived_uid
from fibrolens.io.dicom.objects.source import Source

NAME = "fibrolens"
RESEARCH = "Research use only. Not a medical device; not for diagnosis or treatment."
IMPLEMENTATION = UID("2.25.103377943146413268291836207166172716271")
BODY_PART = "ABDOMEN"
#: Series number of an object: the source's times 100, plus its own, which scanners hardly use.
NUMBERS = {"seg": 91, "map": 92, "report": 93, "overlay": 94, "map_recommended": 95}
#: Where the source has no number, or one that would not fit.
NO_NUMBER, LAST_NUMBER = 90, 10_000
#: Longest value of a long string (LO) and of a long text (LT, less than what UT may hold), PS3.5 section 6.2.
LONG_STRING, LONG_TEXT = 64, 10240
#: When the study does not say when it was.
NO_DAY, NO_TIME = "19000101", "000000"
#: Letters beyond ASCII that our texts use, in ASCII.
LETTERS = str.maketrans({"±": "+/-", "×": "x", "²": "2", "³": "3", "–": "-", "≥": ">=", "≤": "<=", "µ": "u"})


@dataclass(frozen=True)
class Maker:
    """What made the objects of one result.

    Args:
        version: of fibrolens.
        model: name of the staging weights.
        weights: their SHA-256; its beginning is the serial number of the "device".
        key: hash of everything that the objects depend on: the CT, options, weights, the result's values.
    """

    version: str
    model: str
    weights: str
    key: str

    def uid(self, *what: str) -> str:
        """A UID that is the same for the same result, and another for another."""
        return derived_uid(self.key, *what)

    @property
    def equipment(self) -> dict[str, Any]:
        """What highdicom's constructors call the equipment (PS3.3 C.7.5.2)."""
        return {
            "manufacturer": NAME,
            "manufacturer_model_name": f"{NAME} stage",
            "software_versions": self.version,
            "device_serial_number": self.weights[:16] or "none",
        }

    def identity(self, kind: str, source: Source, description: str) -> dict[str, Any]:
        """UIDs, numbers and description of the object `kind` (a key of `NUMBERS`) in a series of its own."""
        number = NO_NUMBER if source.number is None or not 0 < source.number < LAST_NUMBER else source.number
        return {
            "series_instance_uid": self.uid(kind, "series"),
            "sop_instance_uid": self.uid(kind, "instance"),
            "series_number": 100 * number + NUMBERS[kind],
            "instance_number": 1,
            "series_description": plain(description),
        }


def plain(text: str, longest: int = LONG_STRING) -> str:
    """Text in ASCII, which every character set of a source contains, cut to what its element may hold."""
    told = unicodedata.normalize("NFKD", text.translate(LETTERS)).encode("ascii", "ignore").decode("ascii")
    # A backslash separates values.
    return " ".join(told.replace("\\", "/").split())[:longest]


def finish(data: Dataset, maker: Maker, kind: str, source: Source) -> None:
    """Take what highdicom draws by chance out of an object, and say which program wrote it in which letters."""
    organisation = maker.uid(kind, "dimension organisation")
    for sequence in ("DimensionOrganizationSequence", "DimensionIndexSequence"):
        for item in data.get(sequence, []):
            item.DimensionOrganizationUID = organisation
    data.file_meta.ImplementationClassUID = IMPLEMENTATION
    data.file_meta.ImplementationVersionName = plain(f"{NAME} {maker.version}", 16)
    if source.character_set is not None:
        data.SpecificCharacterSet = source.character_set
    if data.Modality != "SR":
        data.BodyPartExamined = BODY_PART
    if timeless():
        _take_times_of(source.study, data)


def _take_times_of(study: Dataset, data: Dataset) -> None:
    """The object was made when its study was, as far as it tells: its bytes depend on the input alone."""
    data.ContentDate, data.ContentTime = study.get("StudyDate") or NO_DAY, study.get("StudyTime") or NO_TIME
    for item in (data, *data.get("ContributingEquipmentSequence", [])):
        for keyword in ("InstanceCreationDate", "InstanceCreationTime", "ContributionDateTime"):
            if keyword in item:
                del item[keyword]

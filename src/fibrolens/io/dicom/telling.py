"""Words of a header that say who the patient is, and texts without them."""

from __future__ import annotations

import re

from pydicom import Dataset
from pydicom.multival import MultiValue

from fibrolens.io.dicom.frames import element, text

#: Elements whose words must not stand in any other text that is shown or kept.
TELLING = (
    "PatientName",
    "PatientID",
    "OtherPatientIDs",
    "OtherPatientNames",
    "PatientBirthName",
    "PatientMotherBirthName",
    "AccessionNumber",
    "InstitutionName",
    "ReferringPhysicianName",
)
#: Shorter words would be found everywhere.
SHORTEST = 4
HIDDEN = "***"


def telling_words(header: Dataset) -> frozenset[str]:
    """The words of a header that say who the patient is and where it was seen, lower case.

    None of a header that says that it names nobody any more (PatientIdentityRemoved, PS3.3 C.7.1.1).
    """
    if text(header, "PatientIdentityRemoved").upper() == "YES":
        return frozenset()
    found: set[str] = set()
    for keyword in TELLING:
        value = element(header, keyword)
        for part in value if isinstance(value, MultiValue) else [value]:
            found.update(re.split(r"[\s^=,]+", str(part or "").lower()))
    return frozenset(word for word in found if len(word) >= SHORTEST)


def description_of(header: Dataset, keyword: str = "SeriesDescription") -> str:
    """The description of a series or study as it may be shown: what repeats the patient's name or ID is hidden."""
    words = text(header, keyword)
    for telling in telling_words(header) if words else ():
        words = re.sub(re.escape(telling), HIDDEN, words, flags=re.IGNORECASE)
    return words

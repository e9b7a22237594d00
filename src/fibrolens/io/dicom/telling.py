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
#: Shorter words would be found everywhere; bytes of UTF-8, for two Chinese letters are a whole name. In a name shorter
#: ones count where they stand alone.
SHORTEST, SHORTEST_NAME = 4, 2
HIDDEN = "***"


def telling_words(header: Dataset) -> frozenset[str]:
    """The words of a header that say who the patient is and where it was seen, lower case.

    None of a header that says that it names nobody any more (PatientIdentityRemoved, PS3.3 C.7.1.1).
    """
    if _names_nobody(header):
        return frozenset()
    found: set[str] = set()
    for keyword in TELLING:
        found.update(_words_of(header, keyword))
    return frozenset(word for word in found if len(word.encode()) >= SHORTEST)


def description_of(header: Dataset, keyword: str = "SeriesDescription") -> str:
    """The description of a series or study as it may be shown: what repeats the patient's name or ID is hidden.

    For showing only: a rule that reads it would depend on the patient's name.
    """
    words = text(header, keyword)
    if not words or _names_nobody(header):
        return words
    # The longest first, lest a part of a word be hidden and the rest stay.
    for word in sorted(telling_words(header), key=lambda one: (-len(one), one)):
        words = re.sub(re.escape(word), HIDDEN, words, flags=re.IGNORECASE)
    for word in sorted(_words_of(header, "PatientName")):
        if SHORTEST_NAME <= len(word) < SHORTEST and word.isalpha():
            words = re.sub(rf"(?<![^\W\d_]){re.escape(word)}(?![^\W\d_])", HIDDEN, words, flags=re.IGNORECASE)
    return words


def _names_nobody(header: Dataset) -> bool:
    return text(header, "PatientIdentityRemoved").upper() == "YES"


def _words_of(header: Dataset, keyword: str) -> set[str]:
    value = element(header, keyword)
    parts = value if isinstance(value, MultiValue) else [value]
    return {word for part in parts for word in re.split(r"[\s^=,]+", str(part or "").lower()) if word}

# mypy: disable-error-code="import-untyped"
"""What becomes of each element: the Basic Application Level Confidentiality Profile (PS3.15 table E.1-1), and more.

The table comes from the library dicom-anonymizer. Its own way of applying it is not used: it leaves elements inside
sequences alone, replaces the whole of a structured report's content, and draws new UIDs by chance. Beyond the table, a
source CT keeps no text, date or binary element that is not known to be harmless.
"""

from __future__ import annotations

from enum import Enum
from functools import cache

from pydicom.tag import BaseTag
from pydicom.uid import CTImageStorage

from fibrolens.deidentify.words import (
    BINARY_KEPT,
    CODES_KEPT,
    EQUIPMENT,
    OURS_KEPT,
    SEQUENCES_KEPT,
    TEXT_KEPT,
    TYPE_1,
    TYPE_2,
)
from fibrolens.errors import UsageError

#: Edition of the table.
EDITION = "dicomfields_2026c"
DATES = ("AS", "DA", "DT", "TM")
TEXTS = ("AE", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT")
BINARIES = ("OB", "OD", "OF", "OL", "OV", "OW", "UN")
#: Curves and overlays, which may hold burned-in words (PS3.5 7.6: repeating groups).
REPEATING = (0x5000, 0x6000)
#: Groups that a CT has elements of (PS3.3 A.3, A.38): what else is found there belongs to other kinds of objects.
CT_GROUPS = (0x0008, 0x0010, 0x0018, 0x0020, 0x0028, 0x5200, 0x7FE0)
#: Patient, study, visit and result, where even a number may tell who it was.
PERSONAL_GROUPS = (0x0010, 0x0032, 0x0038, 0x4008, 0xFFFC)


class Action(Enum):
    """What is done to an element: the letters of table E.1-1."""

    KEEP = "K"
    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    UID = "U"
    INSIDE = "each item by itself"
    NAME = "the pseudonym"


@cache
def table() -> dict[tuple[int, int], str]:
    """Table E.1-1: group and element to its code, such as ``X``, ``X/Z`` or ``U``; repeating groups apart.

    Raises:
        UsageError: the library that brings it is not installed.
    """
    try:
        from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector  # noqa: PLC0415
    except ImportError:
        raise UsageError("De-identifying needs dicom-anonymizer: pip install 'fibrolens[deidentify]'.") from None
    lists = dicom_anonymization_database_selector(EDITION)
    return {
        (tag[0], tag[1]): name.removesuffix("_TAGS").replace("_STAR", "*").replace("_", "/")
        for name, tags in lists.items()
        if name != "ALL_TAGS"
        for tag in tags
        if len(tag) == 2
    }


def action(tag: BaseTag, vr: str, keyword: str, sop_class: str, ours: bool) -> Action:
    """What is done to an element.

    Args:
        tag: of the element.
        vr: its value representation.
        keyword: its name, empty where the dictionary has none.
        sop_class: of the object that it is in: what the object must hold depends on it.
        ours: whether fibrolens wrote the object, so that its texts are known.
    """
    repeating = any(start <= tag.group <= start + 0xFF for start in REPEATING)
    foreign = not ours and tag.group not in CT_GROUPS
    if tag.is_private or repeating or foreign or keyword in ("", EQUIPMENT):
        return Action.REMOVE
    if keyword in ("PatientName", "PatientID"):
        return Action.NAME
    if ours and keyword in OURS_KEPT:
        return Action.INSIDE if vr == "SQ" else Action.KEEP
    code = table().get((tag.group, tag.element))
    return _beyond_table(tag, vr, keyword, ours) if code is None else _by_table(code, vr, keyword, sop_class)


def _by_table(code: str, vr: str, keyword: str, sop_class: str) -> Action:
    """The strictest action that leaves the object valid."""
    if vr == "SQ":
        if code == "X/Z/U*":
            return Action.INSIDE
        return Action.EMPTY if keyword in TYPE_2 else Action.REMOVE
    if code == "U":
        return Action.UID
    if keyword in TYPE_1 and sop_class != CTImageStorage:
        return Action.DUMMY
    return Action.EMPTY if keyword in TYPE_2 else Action.REMOVE


def _beyond_table(tag: BaseTag, vr: str, keyword: str, ours: bool) -> Action:
    """What the table does not name stays only where it is known to be about machine and pictures."""
    if vr == "UI":
        return Action.UID
    if vr == "SQ":
        return Action.INSIDE if ours or keyword in SEQUENCES_KEPT else Action.REMOVE
    if vr in BINARIES:
        kept = keyword in BINARY_KEPT
    elif vr in (*TEXTS, "CS"):
        kept = (ours and vr != "PN") or keyword in TEXT_KEPT | CODES_KEPT
    else:
        kept = vr not in DATES and tag.group not in PERSONAL_GROUPS
    if kept and keyword != "PositionReferenceIndicator":
        return Action.KEEP
    return Action.EMPTY if keyword in TYPE_2 else Action.REMOVE

"""A DICOM dataset to one that names nobody; nothing of the old one is in it that was not taken over on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from pydicom import DataElement, Dataset
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.multival import MultiValue
from pydicom.uid import UID

from fibrolens import __version__
from fibrolens.deidentify.key import Key
from fibrolens.deidentify.numbers import as_promised, is_numbers
from fibrolens.deidentify.profile import TEXTS, Action, action
from fibrolens.deidentify.words import DUMMIES, PUBLIC_SCHEMES
from fibrolens.io.dicom.files import DAMAGED
from fibrolens.io.dicom.frames import element
from fibrolens.io.dicom.objects.maker import IMPLEMENTATION, NAME

#: PS3.16 CID 7050: what was done. Our own texts are known, so the last two hold for our objects alone.
BASIC = ("113100", "Basic Application Confidentiality Profile")
OPTIONS = (("113104", "Clean Structured Content Option"), ("113105", "Clean Descriptors Option"))
UNICODE = "ISO_IR 192"
PIXELS = 0x7FE00010


@dataclass(frozen=True)
class Cleaner:
    """How the objects of one case are cleaned.

    Args:
        key: replaces UIDs.
        pseudonym: instead of the patient's name and ID.
        telling: words that no kept text of a source may hold, lower case.
        rewrite: a text of our own objects to the text that stands there instead.
    """

    key: Key
    pseudonym: str
    telling: frozenset[str] = frozenset()
    rewrite: Callable[[str], str] = field(default=str)

    def cleaned(self, data: Dataset, ours: bool) -> Dataset:
        """A new dataset without what identifies, with the marks of a de-identified one (PS3.15 E.1.1).

        Args:
            data: of a source CT or of an object of ours; it is not changed.
            ours: whether fibrolens wrote it.
        """
        sop_class = str(element(data, "SOPClassUID") or "")
        clean = self._items_of(data, sop_class, ours)
        clean.SpecificCharacterSet = UNICODE
        # Also where the source has none, so that CT and objects stay one patient's.
        clean.PatientName = clean.PatientID = self.pseudonym
        clean.PatientIdentityRemoved = "YES"
        clean.DeidentificationMethod = f"fibrolens {__version__}, PS3.15 Basic Profile"
        clean.DeidentificationMethodCodeSequence = [_code(*code) for code in (BASIC, *(OPTIONS if ours else ()))]
        clean.LongitudinalTemporalInformationModified = "REMOVED"
        return clean

    def _items_of(self, data: Dataset, sop_class: str, ours: bool) -> Dataset:
        clean = Dataset()
        for found in _elements(data) if ours else map(as_promised, _elements(data)):
            todo = action(found.tag, found.VR, found.keyword, sop_class, ours)
            kept = self._kept(found, todo, sop_class, ours)
            if kept is not None:
                clean.add(kept)
        return clean

    def _kept(self, found: DataElement, todo: Action, sop_class: str, ours: bool) -> DataElement | None:
        """The element that stands in the clean dataset; None where there is none."""
        if todo is Action.REMOVE:
            return None
        if todo is Action.INSIDE:
            items = [self._items_of(item, sop_class, ours) for item in found.value if ours or _public(item)]
            for item in items:
                # Pixels belong to the object; nothing would look into others.
                item.pop(PIXELS, None)
            return DataElement(found.tag, "SQ", items) if items or not found.value else None
        if todo is Action.KEEP:
            return self._ours(found) if ours else self._foreign(found)
        value: object = {
            Action.EMPTY: [] if found.VR == "SQ" else "",
            Action.DUMMY: DUMMIES.get(found.VR, ""),
            Action.NAME: self.pseudonym,
            Action.UID: self._uids(found.value) if todo is Action.UID else "",
        }[todo]
        return DataElement(found.tag, found.VR, value)

    def _ours(self, found: DataElement) -> DataElement:
        """An element of our own object that is kept, its texts rewritten."""
        return DataElement(found.tag, found.VR, _each(self.rewrite, found.value)) if found.VR in TEXTS else found

    def _foreign(self, found: DataElement) -> DataElement | None:
        """An element of a source that is kept: empty where it tells who the patient is, none where it is no number."""
        if found.tag == PIXELS:
            return found
        if found.VR not in (*TEXTS, "CS"):
            return found if is_numbers(found) and str(found.value).lower() not in self.telling else None
        # The words of a code are whole; a part of one may be in a name by chance.
        words = str(found.value).lower()
        tells = any(word in (words.split() if found.VR == "CS" else words) for word in self.telling)
        return DataElement(found.tag, found.VR, "") if tells else found

    def _uids(self, value: object) -> object:
        return _each(lambda uid: self.key.uid(str(uid)), value)


def file_of(clean: Dataset, transfer_syntax: UID) -> FileDataset:
    """A clean dataset as a file: empty preamble, and a meta group (PS3.10 7.1) that is all ours."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = clean.SOPClassUID, clean.SOPInstanceUID
    meta.TransferSyntaxUID = transfer_syntax
    meta.ImplementationClassUID = IMPLEMENTATION
    meta.ImplementationVersionName = f"{NAME} {__version__}"[:16]
    return FileDataset("", clean, file_meta=meta, preamble=bytes(128))


def rewriter(whole: Mapping[str, str], parts: Mapping[str, str], key: Key) -> Callable[[str], str]:
    """A function from an old text of ours to the one that stands there instead.

    Args:
        whole: texts that are replaced as a whole.
        parts: pieces of texts.
        key: replaces UIDs.
    """

    def rewrite(text: str) -> str:
        told = whole.get(text, text)
        for old, new in parts.items():
            told = told.replace(old, new)
        return key.uids_in(told)

    return rewrite


def _elements(data: Dataset) -> Iterator[DataElement]:
    """The elements that can be read; group lengths are left out, and so is what is damaged."""
    for tag in sorted(data.keys()):
        try:
            found = data[tag]
        except DAMAGED:
            continue
        if found.tag.element:
            yield found


def _public(item: Dataset) -> bool:
    """Whether an item is no code, or one of a public scheme; local codes may name a person or a place."""
    scheme = element(item, "CodingSchemeDesignator")
    return ("CodeValue" not in item and "CodeMeaning" not in item) or scheme in PUBLIC_SCHEMES


def _each(change: Callable[[str], str], value: object) -> object:
    """A value of one or several parts, each part changed; nothing stays nothing."""
    if isinstance(value, MultiValue | list):
        return [change(str(part)) for part in value]
    return None if value is None else change(str(value))


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item

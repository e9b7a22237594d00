"""What a segment of a DICOM segmentation is: liver, spleen, or a lesion that may lie in the liver."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydicom import Dataset

from fibrolens.io.dicom.frames import text

Kind = Literal["liver", "spleen", "lesion"]

#: SNOMED CT code, then the SNOMED RT code that older files hold (PS3.16 annex L, pydicom's own table).
LIVER_CODES = frozenset(("10200004", "T-62000"))
SPLEEN_CODES = frozenset(("78961009", "T-C3000"))
#: The same pairs for mass, neoplasm, primary and secondary neoplasm, lesion, and cyst.
_LESIONS = {
    "4147007": "M-03000",
    "108369006": "M-8FFFF",
    "86049000": "M-80003",
    "14799000": "M-80006",
    "52988006": "M-01100",
    "367643001": "M-3340A",
}
LESION_CODES = frozenset((*_LESIONS, *_LESIONS.values()))

#: Words of a label or code meaning, for segments without a code that is known here.
LIVER_WORDS = frozenset(("liver", "hepatic", "hepar"))
SPLEEN_WORDS = frozenset(("spleen", "lien"))
LESION_WORDS = frozenset(("lesion", "mass", "tumor", "tumour", "neoplasm", "cyst", "metastasis", "metastases", "hcc"))
#: Words that may stand beside those of a lesion without saying where it is.
PLACELESS_WORDS = frozenset(("primary", "secondary", "malignant", "benign", "segment", "roi", "n"))
#: With one of these, the words of an organ name something beside it.
BESIDE_WORDS = frozenset(
    ("artery", "portal", "duct", "ligament", "flexure", "background", "not", "non", "outside", "extrahepatic")
)


@dataclass(frozen=True)
class Segment:
    """One segment: its number, what to call it in a message, and what it is; None where it is something else."""

    number: int
    label: str
    kind: Kind | None


def segment_of(item: Dataset) -> Segment:
    """The segment that an item of SegmentSequence describes (PS3.3 C.8.20.4).

    The coded property type decides, then the coded anatomic region (what lies in the liver is liver), then the label
    and the codes' meanings.
    """
    label = text(item, "SegmentLabel") or f"number {item.SegmentNumber}"
    types = list(_codes(item, "SegmentedPropertyTypeCodeSequence"))
    regions = list(_codes(item, "AnatomicRegionSequence"))
    coded = _coded([value for value, _ in types]) or _coded([value for value, _ in regions])
    texts = [label, *(meaning for _, meaning in [*types, *regions])]
    kind = coded or next((kind for words in texts if (kind := _worded(words))), None)
    lesion = kind == "lesion" or (kind is None and any(value in LESION_CODES for value, _ in types))
    if lesion:
        kind = None if regions else "lesion"
    return Segment(int(item.SegmentNumber), label, kind)


def _codes(item: Dataset, keyword: str) -> Iterator[tuple[str, str]]:
    for code in item.get(keyword) or []:
        yield text(code, "CodeValue"), text(code, "CodeMeaning")


def _coded(values: list[str]) -> Kind | None:
    if any(value in LIVER_CODES for value in values):
        return "liver"
    return "spleen" if any(value in SPLEEN_CODES for value in values) else None


def _worded(words: str) -> Kind | None:
    found = set(re.findall("[a-z]+", words.lower()))
    liver, spleen = bool(found & LIVER_WORDS), bool(found & SPLEEN_WORDS)
    if found & BESIDE_WORDS or (liver and spleen):
        return None
    if liver:
        return "liver"
    if spleen:
        return None if found & {"vein", "veins"} else "spleen"
    return "lesion" if found & LESION_WORDS and found <= LESION_WORDS | PLACELESS_WORDS else None

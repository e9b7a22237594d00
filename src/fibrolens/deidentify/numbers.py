"""Whether an element of a source holds what its name promises.

A broken file keeps words under a wrong value representation, or in elements of numbers, and readers of DICOM pass them
on byte for byte. So what is kept of a source must be what the dictionary (PS3.6) says.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real

from pydicom import DataElement
from pydicom.datadict import dictionary_has_tag, dictionary_VM, dictionary_VR
from pydicom.multival import MultiValue
from pydicom.tag import Tag

TEXT_NUMBERS = ("DS", "IS")
#: Two bytes, so a single one holds no word; no element of a CT that matters has several.
SHORT = ("US", "SS")
#: The highest byte of a longer whole number is zero, that of letters is not.
LONG, LONG_LIMIT = ("UL", "SL"), 2**24
#: Doubles of everyday size; letters read as a double are far smaller or larger.
DOUBLE, LEAST, MOST = "FD", 1e-9, 1e9
#: Tags, all of which the dictionary must have.
POINTER = "AT"


def as_promised(found: DataElement) -> DataElement:
    """The element, or an empty one where its value representation is not the dictionary's (PS3.6).

    Args:
        found: of a source; one that the dictionary does not have is returned as it is.
    """
    if not dictionary_has_tag(found.tag):
        return found
    promised = dictionary_VR(found.tag)
    if found.VR in (promised, *promised.split(" or ")):
        return found
    vr = promised.split(" or ")[0]
    return DataElement(found.tag, vr, [] if vr == "SQ" else None)


def is_numbers(found: DataElement) -> bool:
    """Whether an element holds numbers, and as many as it may; false for kinds that no CT needs (FL, SV, UV).

    Args:
        found: with the value representation that the dictionary says.
    """
    if found.is_empty:
        return True
    # Not decided yet between US and SS: the bytes.
    if isinstance(found.value, bytes):
        return found.VR == "US or SS" and len(found.value) == len("US")
    values = list(found.value) if isinstance(found.value, MultiValue | list) else [found.value]
    if not _as_many(len(values), dictionary_VM(found.tag)):
        return False
    if found.VR == POINTER:
        return all(dictionary_has_tag(Tag(value)) for value in values)
    return all(isinstance(value, Real) for value in values) and _plausible(found.VR, [float(v) for v in values])


def _plausible(vr: str, values: Sequence[float]) -> bool:
    if vr in TEXT_NUMBERS:
        return True
    if vr in SHORT:
        return len(values) == 1
    if vr in LONG:
        return all(abs(value) < LONG_LIMIT for value in values)
    return vr == DOUBLE and all(value == 0 or LEAST < abs(value) < MOST for value in values)


def _as_many(count: int, multiplicity: str) -> bool:
    """Whether so many values fit a multiplicity such as ``1``, ``1-3``, ``2-n`` or ``3-3n`` (PS3.5 6.4)."""
    least, _, most = multiplicity.partition("-")
    if not most:
        return count == int(least)
    if most.endswith("n"):
        return count >= int(least) and count % int(most[:-1] or 1) == 0
    return int(least) <= count <= int(most)

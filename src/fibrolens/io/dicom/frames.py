"""Frames: single CT images with their place in the patient, from classic slices and multi-frame files alike."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from pydicom import Dataset

from fibrolens.errors import SeriesError
from fibrolens.io.dicom.files import DAMAGED, Instance

#: RescaleType values that are Hounsfield units; "US" is what some CT scanners write for "unspecified".
HOUNSFIELD_TYPES = ("", "HU", "US")
#: The other defined terms (PS3.3 C.11.1.1.2).
OTHER_TYPES = ("OD", "MGML", "Z_EFF", "ED", "EDW", "HU_MOD", "PCT", "PCM", "EDM", "EDD")
#: Characters in the longest value of the text elements used here (PS3.5 section 6.2: LO, UI), several values joined.
LONGEST_TEXT = 80


@dataclass(frozen=True, eq=False)
class Frame:
    """One image of a series.

    Args:
        instance: the file that holds it.
        index: its number inside the file, from 0.
        label: what messages call it: the instance number, for multi-frame files the frame number.
        size: rows and columns.
        position: LPS millimetres of the centre of its first pixel (PS3.3 C.7.6.2.1.1).
        orientation: direction of increasing column index, then of increasing row index.
        pixel_spacing: millimetres between rows, then between columns.
        rescale: slope and intercept from stored values to Hounsfield units.
        thickness: nominal slice thickness in mm, None where unstated. It says nothing about spacing.
    """

    instance: Instance
    index: int
    label: str
    size: tuple[int, int]
    position: tuple[float, ...]
    orientation: tuple[float, ...]
    pixel_spacing: tuple[float, ...]
    rescale: tuple[float, float]
    thickness: float | None


def frames_of(instance: Instance, series: str) -> list[Frame]:
    """The frames of one instance.

    Raises:
        SeriesError: colour, 8-bit or non-Hounsfield values, a missing tag, or a header that cannot be parsed;
            `series` names the series.
    """
    try:
        return _frames(instance, series)
    except DAMAGED as error:
        raise SeriesError(f"{series}: the header of {instance.name} is damaged; copy the file again.") from error


def _frames(instance: Instance, series: str) -> list[Frame]:
    _require_ct_values(instance, series)
    groups = instance.header.get("PerFrameFunctionalGroupsSequence")
    if not groups:
        label = text(instance.header, "InstanceNumber") or instance.name
        return [_frame(instance, 0, label, [instance.header], series)]
    shared = list(instance.header.get("SharedFunctionalGroupsSequence") or [])
    return [
        _frame(instance, index, str(index + 1), _macros([own, *shared]), series) for index, own in enumerate(groups)
    ]


def _macros(groups: list[Dataset]) -> list[Dataset]:
    """The functional group macros of one frame, the frame's own before the shared ones (PS3.3 C.7.6.16)."""
    names = (
        "PlanePositionSequence",
        "PlaneOrientationSequence",
        "PixelMeasuresSequence",
        "PixelValueTransformationSequence",
    )
    return [group[name].value[0] for group in groups for name in names if group.get(name)]


def _frame(instance: Instance, index: int, label: str, places: list[Dataset], series: str) -> Frame:
    missing: list[str] = []

    def required(keyword: str, count: int) -> tuple[float, ...]:
        values = next((v for place in places if (v := numbers(place, keyword, count))), None)
        if values is None:
            missing.append(keyword)
        return values or (0.0,) * count

    frame = Frame(
        instance,
        index,
        label,
        (int(numbers(instance.header, "Rows", 1)[0]), int(numbers(instance.header, "Columns", 1)[0])),
        required("ImagePositionPatient", 3),
        required("ImageOrientationPatient", 6),
        required("PixelSpacing", 2),
        (required("RescaleSlope", 1)[0], required("RescaleIntercept", 1)[0]),
        next((v[0] for place in places if (v := numbers(place, "SliceThickness", 1))), None),
    )
    kind = next((k for place in places if (k := text(place, "RescaleType"))), "")
    if missing:
        raise SeriesError(
            f"{series}: slice {label} lacks {', '.join(missing)}; export the series again with its original headers."
        )
    if kind.upper() not in HOUNSFIELD_TYPES:
        raise SeriesError(
            f"{series}: slice {label} holds {_known(kind)}, not Hounsfield units; choose the conventional CT series."
        )
    return frame


def _known(kind: str) -> str:
    """A defined term of RescaleType as it is; of other words nobody knows what they tell."""
    return kind if kind.upper() in OTHER_TYPES else "values of another kind"


def _require_ct_values(instance: Instance, series: str) -> None:
    header = instance.header
    if not (numbers(header, "Rows", 1) and numbers(header, "Columns", 1)):
        raise SeriesError(f"{series}: {instance.name} has no image size (Rows, Columns); export the series again.")
    if (header.get("SamplesPerPixel") or 1) != 1 or not str(header.get("PhotometricInterpretation")).startswith("MONO"):
        raise SeriesError(
            f"{series}: {instance.name} is a colour picture, not CT values; export the original CT slices."
        )
    if (header.get("BitsStored") or 0) <= 8:
        raise SeriesError(
            f"{series}: {instance.name} has only 8 bits per pixel, a picture rather than Hounsfield units; "
            "export the original CT slices."
        )


def numbers(place: Dataset, keyword: str, count: int) -> tuple[float, ...]:
    """The `count` numbers of an element; empty where it is absent or malformed."""
    value = element(place, keyword)
    values = list(value) if hasattr(value, "__iter__") and not isinstance(value, str | bytes) else [value]
    try:
        found = tuple(float(v) for v in values)
    except (TypeError, ValueError):
        return ()
    return found if len(found) == count and all(map(math.isfinite, found)) else ()


def text(place: Dataset, keyword: str) -> str:
    """An element as text, several values joined by a comma; empty where it is absent or malformed.

    Longer than any of the elements used here may be, or unprintable, it is debris of a damaged file.
    """
    value = element(place, keyword)
    if value is None:
        return ""
    values = [value] if isinstance(value, str) or not hasattr(value, "__iter__") else value
    joined = ", ".join(str(v) for v in values).strip()
    return joined if len(joined) <= LONGEST_TEXT and joined.isprintable() else ""


def element(place: Dataset, keyword: str) -> Any:
    """An element's value; None where it is absent or cannot be parsed."""
    try:
        return place.get(keyword)
    except DAMAGED:
        return None

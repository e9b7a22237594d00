"""What the headers of a CT series tell about it, as plain values: what a choice between series is made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydicom import Dataset

from fibrolens.errors import InputError
from fibrolens.io.dicom.frames import frames_of, numbers, text
from fibrolens.io.dicom.series import Series
from fibrolens.io.dicom.series_names import named_plane, named_thickness
from fibrolens.io.dicom.stack import stack
from fibrolens.io.dicom.telling import description_of

#: A normal within 25 degrees of the body's axis is axial: gantries tilt that far.
ALONG = 0.9
PLANES = ("sagittal", "coronal", "axial")
#: Reconstructions of one acquisition begin at nearly one time; phases lie further apart.
SAME_ACQUISITION_S = 5.0


@dataclass(frozen=True)
class SeriesRecord:
    """One CT series; what is not known is empty or None, so a row of an index is a record too.

    Args:
        uid, number, description, images: of the series; images counts frames. Rules read the description.
        study: description of the study.
        body_part, image_type, manufacturer, kernel: the elements of these names.
        plane: ``axial``, ``coronal``, ``sagittal``, ``oblique``, from ImageOrientationPatient.
        thickness_mm: nominal; spacing_mm: between slices, from their positions; coverage_mm: from end to end.
        flaw: why the series cannot be read as one volume.
        contrast: ContrastBolusAgent names one.
        injected_s, acquired_s: ContrastBolusStartTime and the first AcquisitionTime, in seconds of the day.
        acquisition: AcquisitionNumber.
        hidden: the description as it may be shown, without the patient's name; None where it is shown as it is.
    """

    uid: str
    number: int | None
    description: str
    images: int
    study: str = ""
    body_part: str = ""
    image_type: tuple[str, ...] = ()
    manufacturer: str = ""
    kernel: str = ""
    plane: str = ""
    thickness_mm: float | None = None
    spacing_mm: float | None = None
    coverage_mm: float | None = None
    flaw: str = ""
    contrast: bool = False
    injected_s: float | None = None
    acquired_s: float | None = None
    acquisition: int | None = None
    hidden: str | None = None

    @property
    def shown(self) -> str:
        """The description for tables and messages."""
        return self.description if self.hidden is None else self.hidden

    @property
    def orientation(self) -> str:
        """The plane by the header, or else by the description; empty where neither tells."""
        return self.plane or named_plane(self.description)

    @property
    def thickness(self) -> float | None:
        """Slice thickness in mm by the header, or else by the description, or else the step between slices."""
        return self.thickness_mm or named_thickness(self.description) or self.spacing_mm

    @property
    def coverage(self) -> float | None:
        """Covered length in mm, from the thickness and the number of slices where no positions are known."""
        if self.coverage_mm is not None or self.thickness is None:
            return self.coverage_mm
        return self.images * self.thickness

    def same_acquisition(self, other: SeriesRecord) -> bool:
        """Whether two series were reconstructed from one turn through the scanner, so show one phase."""
        if self.acquired_s is None or other.acquired_s is None:
            return False
        numbers_differ = None not in (self.acquisition, other.acquisition) and self.acquisition != other.acquisition
        return not numbers_differ and abs(self.acquired_s - other.acquired_s) <= SAME_ACQUISITION_S


def record_of(series: Series) -> SeriesRecord:
    """The record of a series, from its headers alone."""
    first = series.instances[0].header
    thickness, spacing, coverage, flaw = _extent(series)
    description, shown = text(first, "SeriesDescription"), description_of(first)
    starts = [s for i in series.instances if (s := acquired_s(i.header)) is not None]
    return SeriesRecord(
        uid=series.uid,
        number=_whole(first, "SeriesNumber"),
        description=description,
        images=series.images,
        study=text(first, "StudyDescription"),
        body_part=text(first, "BodyPartExamined"),
        image_type=tuple(word.strip().upper() for word in text(first, "ImageType").split(",") if word.strip()),
        manufacturer=text(first, "Manufacturer"),
        kernel=text(first, "ConvolutionKernel"),
        plane=_plane(series),
        thickness_mm=thickness,
        spacing_mm=spacing,
        coverage_mm=coverage,
        flaw=flaw,
        contrast=text(first, "ContrastBolusAgent").casefold() not in ("", "none", "no", "0", "without"),
        injected_s=seconds_of_day(text(first, "ContrastBolusStartTime")),
        acquired_s=min(starts, default=None),
        acquisition=_whole(first, "AcquisitionNumber"),
        hidden=None if shown == description else shown,
    )


def acquired_s(header: Dataset) -> float | None:
    """When a slice was taken, in seconds of the day (PS3.3 C.7.6.1, C.8.2.1); None where the header does not say."""
    moment = seconds_of_day(text(header, "AcquisitionDateTime")[8:])
    return moment if moment is not None else seconds_of_day(text(header, "AcquisitionTime"))


def seconds_of_day(time: str) -> float | None:
    """A DICOM time, ``HHMMSS.FFFFFF`` or the older ``HH:MM:SS`` (PS3.5 6.2), as seconds; None where it is none."""
    digits = time.replace(":", "").strip()[:6]
    if len(digits) < 6 or not digits.isdecimal():
        return None
    hours, minutes, seconds = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    return 3600.0 * hours + 60.0 * minutes + seconds if hours < 24 and minutes < 60 and seconds <= 60 else None


def _extent(series: Series) -> tuple[float | None, float | None, float | None, str]:
    """Thickness, spacing, coverage in mm, and what keeps the series from being one volume."""
    name = str(series)
    thickness = next(iter(numbers(series.instances[0].header, "SliceThickness", 1)), None)
    try:
        frames = [frame for instance in series.instances for frame in frames_of(instance, name)]
        thickness = frames[0].thickness
        _, geometry = stack(frames, name)
    except InputError as error:
        return thickness or None, None, None, str(error).removeprefix(name).lstrip(": ").split(";")[0]
    step = geometry.spacing[0]
    return thickness or None, float(step), float(step * geometry.shape[0]), ""


def _plane(series: Series) -> str:
    """The plane of the first image that states one."""
    for instance in series.instances:
        header = instance.header
        shared = header.get("SharedFunctionalGroupsSequence") or header.get("PerFrameFunctionalGroupsSequence") or []
        places = [
            header,
            *(group.PlaneOrientationSequence[0] for group in shared[:1] if "PlaneOrientationSequence" in group),
        ]
        values = next((v for place in places if (v := numbers(place, "ImageOrientationPatient", 6))), None)
        if values is not None:
            return plane_of(values)
    return ""


def plane_of(orientation: tuple[float, ...]) -> str:
    """The plane that ImageOrientationPatient spans (PS3.3 C.7.6.2.1.1)."""
    normal = np.abs(np.cross(orientation[:3], orientation[3:]))
    return PLANES[int(normal.argmax())] if normal.max() >= ALONG else "oblique"


def _whole(header: Dataset, keyword: str) -> int | None:
    values = numbers(header, keyword, 1)
    return int(values[0]) if values else None

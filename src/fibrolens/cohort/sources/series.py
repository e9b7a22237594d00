"""Facts of a DICOM series, from the index of the Imaging Data Commons or from a header."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError

from fibrolens.cohort.sources.clinical import age_of, number
from fibrolens.cohort.sources.tabular import SHADOW, Role, TableFile
from fibrolens.io.dicom.read import quiet_pydicom

TAGS = (
    "PatientID", "PatientAge", "StudyInstanceUID", "StudyDate", "StudyDescription", "SeriesInstanceUID",
    "SeriesDescription", "SeriesNumber", "Modality", "ImageType", "SliceThickness", "ReferencedSeriesSequence",
)  # fmt: skip
#: Columns of the index (PyPI `idc-index-data`), table `index`.
INDEX = Role(
    "series",
    "index of DICOM series from idc-index",
    (
        ("PatientID",), ("StudyInstanceUID",), ("StudyDate",), ("StudyDescription",), ("SeriesInstanceUID",),
        ("SeriesDescription",), ("SeriesNumber",), ("Modality",), ("instanceCount",),
    ),
    ("idc*series*.csv*", "*_series.csv*", "*series*.csv*"),
    required=False,
)  # fmt: skip


@dataclass(frozen=True)
class Series:
    """One series.

    Args:
        patient: DICOM PatientID.
        study_uid: of its study.
        study_date: ``1994-09-16``, as a rule shifted by whoever took the names away; empty where not known.
        study: description of the study.
        uid: SeriesInstanceUID.
        description: of the series.
        number: of the series; None where not known.
        modality: CT, MR, SEG, ...
        images: number of files.
        age: of the patient in years; None where not known.
        thickness_mm: of a slice, where a header or the index says so.
        original_axial: what ImageType says; None where that is not known.
        folder: where its files are; None where they are not at hand.
        refers_to: of a segmentation, the series that it lies on.
        annotation: set of annotations that the series came with later; empty for the collection's own.
        incomplete: fewer files are at hand than the index lists.
    """

    patient: str
    study_uid: str
    study_date: str
    study: str
    uid: str
    description: str
    number: int | None
    modality: str
    images: int
    age: float | None = None
    thickness_mm: float | None = None
    original_axial: bool | None = None
    folder: Path | None = None
    refers_to: str = ""
    annotation: str = ""
    incomplete: bool = False


def indexed(table: TableFile, collection: str) -> list[Series]:
    """The series of a collection in a table of the index; all of them where the table names no collection."""
    rows = [row for row in table.rows if row.get("collection_id", collection) == collection]
    return [_of_row(row) for row in rows]


def _of_row(row: Mapping[str, str]) -> Series:
    order = number(row["SeriesNumber"])
    return Series(
        patient=row["PatientID"],
        study_uid=row["StudyInstanceUID"],
        study_date=row["StudyDate"],
        study=row["StudyDescription"],
        uid=row["SeriesInstanceUID"],
        description=row["SeriesDescription"],
        number=None if order is None else int(order),
        modality=row["Modality"],
        images=int(number(row["instanceCount"]) or 0),
        age=age_of(row.get("PatientAge", "")),
        thickness_mm=number(row.get("SliceThickness", "")),
        annotation=row.get("analysis_result_id", ""),
    )


def downloaded(folder: Path) -> list[Series]:
    """The series under a folder, one per folder that holds DICOM files, from the header of a first file.

    A folder whose first and last file belong to two series is passed over: it could not be read as one image.
    """
    with quiet_pydicom():
        return [found for place, files in _dicom_folders(folder) if (found := _of_files(place, files)) is not None]


def _dicom_folders(folder: Path) -> Iterator[tuple[Path, list[Path]]]:
    places: dict[Path, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith(SHADOW) and path.suffix.lower() in ("", ".dcm", ".ima"):
            places.setdefault(path.parent, []).append(path)
    yield from sorted(places.items())


def _of_files(place: Path, files: list[Path]) -> Series | None:
    first, last = _header(files[0]), _header(files[-1])
    if first is None or last is None or first.get("SeriesInstanceUID") != last.get("SeriesInstanceUID"):
        return None
    kind = [str(word).upper() for word in first.get("ImageType", None) or []]
    refers = first.get("ReferencedSeriesSequence", None)
    date, thickness = _text(first, "StudyDate"), number(_text(first, "SliceThickness"))
    order = number(_text(first, "SeriesNumber"))
    return Series(
        patient=_text(first, "PatientID"),
        study_uid=_text(first, "StudyInstanceUID"),
        study_date=f"{date[:4]}-{date[4:6]}-{date[6:8]}" if len(date) == 8 else "",
        study=_text(first, "StudyDescription"),
        uid=_text(first, "SeriesInstanceUID"),
        description=_text(first, "SeriesDescription"),
        number=None if order is None else int(order),
        modality=_text(first, "Modality"),
        images=len(files),
        age=age_of(_text(first, "PatientAge")),
        thickness_mm=thickness,
        original_axial=(kind[0] == "ORIGINAL" and "LOCALIZER" not in kind) if kind else None,
        folder=place,
        refers_to=str(refers[0].SeriesInstanceUID) if refers else "",
    )


def _header(path: Path) -> Dataset | None:
    """The facts of a file that we need; None where it is not DICOM."""
    try:
        return dcmread(path, stop_before_pixels=True, specific_tags=list(TAGS))
    except (InvalidDicomError, OSError, EOFError, ValueError):
        return None


def _text(header: Dataset, keyword: str) -> str:
    value = header.get(keyword)
    return "" if value is None else str(value).strip()

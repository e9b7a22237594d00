"""Miniatures of public data sets for tests: tables in every format, NIfTI of a few voxels, short DICOM series."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from openpyxl import Workbook
from tests.cohort_files import SHAPE, ct
from tests.dicom_files import ct_array, ct_series

from fibrolens.cohort.sources.series import Series
from fibrolens.io import write_nifti


def put_ct(path: Path, seed: int = 0) -> Path:
    """A CT of a few voxels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_nifti(ct(seed), path)
    return path


def put_labels(path: Path, *numbers: int) -> Path:
    """A label file on the grid of `put_ct`: one row of voxels for each number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.zeros(SHAPE, np.uint8)
    for row, number in enumerate(numbers):
        array[1:3, row, 2:5] = number
    write_nifti(ct(0).with_array(array), path)
    return path


def put_shadow(path: Path) -> None:
    """The shadow that macOS leaves beside a file in an archive."""
    (path.parent / f"._{path.name}").write_bytes(b"\0\5\x16\7Mac OS X")


def put_table(path: Path, rows: Sequence[Mapping[str, object]], separator: str = ",", encoding: str = "utf-8") -> Path:
    """A text table; the keys of the first row are the header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)
    return path


def put_workbook(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """A workbook with a sheet of data and one of explanations, as HCC-TACE-Seg has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    book = Workbook()
    book.active.append(list(rows[0]))
    for row in rows:
        book.active.append(list(row.values()))
    book.create_sheet("glossary").append(["column", "meaning"])
    book.save(path)
    return path


def put_series(folder: Path, uid: str, slices: int = 2, seed: int = 0, **tags: object) -> Path:
    """A DICOM series as ``FOLDER/CT_UID/N.dcm``, the way the official client of IDC names it."""
    place = folder / f"CT_{uid}"
    place.mkdir(parents=True)
    for number, file in enumerate(ct_series(ct_array(slices, seed=seed), SeriesInstanceUID=uid, **tags)):
        file.save_as(place / f"{number}.dcm", enforce_file_format=True)
    return place


def index_row(patient: str, uid: str, description: str, **cells: object) -> dict[str, object]:
    """A row of the index of series of the Imaging Data Commons."""
    return {
        "collection_id": "tcga_lihc", "PatientID": patient, "PatientAge": "060Y", "StudyInstanceUID": "1.2.3",
        "StudyDate": "1994-09-16", "StudyDescription": "CT ABDOMEN w", "SeriesInstanceUID": uid,
        "SeriesDescription": description, "SeriesNumber": "4.0", "Modality": "CT", "instanceCount": "60",
        "analysis_result_id": "", **cells,
    }  # fmt: skip


def series(uid: str, description: str, **facts: object) -> Series:
    """A CT series of 60 images, of a patient of 60 years."""
    known = {
        "patient": "P", "study_uid": "1.2.3", "study_date": "1994-09-16", "study": "CT ABDOMEN w", "number": 4,
        "modality": "CT", "images": 60, "age": 60.0,
    }  # fmt: skip
    return Series(uid=uid, description=description, **(known | facts))

"""Small cohorts for tests: tables of cells, and CTs of a few voxels with their masks."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from fibrolens.cohort.table import CohortRow, parse_stages
from fibrolens.io import write_nifti
from fibrolens.volume import Geometry, Volume

SHAPE = (4, 6, 8)


def ct(seed: int) -> Volume:
    """A volume with the range of values that a CT has."""
    hu = np.random.default_rng(seed).integers(-1000, 800, SHAPE).astype(np.int16)
    return Volume(hu, Geometry(SHAPE, (5.0, 3.0, 3.0)))


def mask(first: int = 2) -> Volume:
    """A box of ones; empty where it begins behind the last column."""
    array = np.zeros(SHAPE, np.uint8)
    array[1:3, 2:5, first : first + 3] = 1
    return ct(0).with_array(array)


def write_scans(folder: Path, count: int) -> None:
    """CTs ``ct0.nii.gz`` and on, and for all of them ``liver.nii.gz`` and ``spleen.nii.gz``."""
    for number in range(count):
        write_nifti(ct(number), folder / f"ct{number}.nii.gz")
    write_nifti(mask(), folder / "liver.nii.gz")
    write_nifti(mask(5), folder / "spleen.nii.gz")


def write_table(folder: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    """``cohort.csv`` with a column per key of any row; what a row lacks is empty."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with (folder / "cohort.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(rows)
    return folder / "cohort.csv"


def cohort_row(number: int = 0, stage: str = "F3", patient: str = "", **values: str) -> CohortRow:
    """A row that no file stands behind."""
    patient = patient or f"p{number}"
    return CohortRow(number + 2, patient, f"s{number}", Path("x"), parse_stages(stage), None, None, values)

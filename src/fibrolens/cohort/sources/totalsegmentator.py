"""TotalSegmentator's training set: CTs of all parts of the body with a mask per organ."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fibrolens.cohort.columns import CT
from fibrolens.cohort.sources.base import ANY_STAGE, NO_IMAGE, About, Case, Given, Reading, Source
from fibrolens.cohort.sources.clinical import Remarks, known, number
from fibrolens.cohort.sources.tabular import Role, find_tables
from fibrolens.errors import InputError
from fibrolens.io import read_labels

META = Role(
    "meta",
    "TotalSegmentator meta table",
    (("image_id",), ("age",), ("gender",), ("institute",), ("study_type",)),
    ("meta.csv",),
)
ORGANS = ("liver", "spleen")
NO_LIVER = "no liver in the scan"

ABOUT = About(
    name="totalsegmentator",
    title="TotalSegmentator CT dataset",
    licence="CC BY 4.0",
    citation="Wasserthal J et al., Radiol Artif Intell 2023;5:e230024, doi 10.1148/ryai.230024",
    gives="no stages; CT, resampled to 1.5 mm, with a mask per organ",
    needs="folder with meta.csv and sXXXX/ct.nii.gz, sXXXX/segmentations/",
    how=(
        "Totalsegmentator_dataset_v201.zip from Zenodo, doi 10.5281/zenodo.6802613 (a small one of 102 cases "
        "exists too).",
    ),
    assumes=(
        "The set says nothing about fibrosis: rows with a liver allow every stage and serve to train the "
        "segmentation.",
        "A row is a patient; whether two scans are of one person is not published.",
        "The contrast phase is not stated and left empty; `study_type` is kept as it stands.",
        "A scan whose liver mask is empty or absent is excluded; one that shows a part of the liver is not, "
        "and is told by "
        "`fibrolens study`.",
        "meta.csv is separated by semicolons and begins with a byte order mark; both are understood.",
    ),
)  # fmt: skip


def read(given: Given) -> Reading:
    """One case per row of ``meta.csv``.

    Raises:
        InputError: no meta.csv, or no folder of a case.
    """
    folder = given.require_folder(ABOUT.title)
    table = find_tables(given.tables, folder, (META,))["meta"]
    root = table.path.parent if (table.path.parent / table.rows[0]["image_id"]).is_dir() else folder
    remarks = Remarks()
    cases = tuple(_case(row, root, remarks) for row in table.rows)
    if all(case.image is None for case in cases):
        raise InputError(f"{folder} holds no {table.rows[0]['image_id']}/ct.nii.gz; give the folder with the cases.")
    return Reading(cases, remarks.sentences, (table,))


def _case(row: Mapping[str, str], root: Path, remarks: Remarks) -> Case:
    name = row["image_id"]
    image = root / name / "ct.nii.gz"
    masks = {organ: path for organ in ORGANS if (path := root / name / "segmentations" / f"{organ}.nii.gz").is_file()}
    exclude = ""
    if not image.is_file():
        exclude = NO_IMAGE
    elif "liver" not in masks or not np.any(read_labels(masks["liver"]).array):
        exclude = NO_LIVER
    scan = f"ts_{name}"
    return Case(
        scan,
        scan,
        () if exclude else ANY_STAGE,
        known(row["study_type"]),
        image if image.is_file() else None,
        exclude,
        masks={} if exclude else masks,
        values={
            "modality": CT,
            "age": remarks.within_limits("age", number(row["age"])),
            "sex": {"m": "M", "f": "F"}.get(row["gender"].casefold(), ""),
            "site": known(row["institute"]),
            "history": "; ".join(filter(None, (known(row.get(c, "")) for c in ("pathology", "pathology_location")))),
            "study_type": known(row["study_type"]),
            "split": known(row.get("split", "")),
        },
        case_key=f"totalsegmentator:{name}",
    )


SOURCE = Source(ABOUT, read, (META,))

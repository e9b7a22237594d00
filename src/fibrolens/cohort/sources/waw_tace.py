"""WAW-TACE: liver cancer before chemoembolisation, four phases; no word about fibrosis that we have seen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fibrolens.cohort.columns import CT, PORTAL
from fibrolens.cohort.sources.base import NO_IMAGE, NO_STAGE, About, Case, Given, Reading, Source
from fibrolens.cohort.sources.clinical import Remarks, as_text, known, number
from fibrolens.cohort.sources.files import nifti_files
from fibrolens.cohort.sources.tabular import Role, find_tables

WORKBOOK = Role(
    "clinical",
    "WAW-TACE clinical workbook",
    (("PATPRI",), ("age",), ("gender_woman",)),
    ("clinical_data_wawtace*.xlsx", "clinical_data_wawtace*.csv"),
)
SCANS = Role(
    "scans",
    "WAW-TACE table of CTs",
    (("patient_id",), ("ct_phase",), ("ct_file_name",)),
    ("ct_hcc_metadata*.csv",),
    required=False,
)
#: Phases are 0 native, 1 arterial, 2 portal venous, 3 delayed.
PORTAL_NUMBER = "2"

ABOUT = About(
    name="waw_tace",
    title="WAW-TACE (hepatocellular carcinoma before chemoembolisation, Warsaw)",
    licence="CC BY 4.0",
    citation="Bartnik K et al., WAW-TACE, Radiol Artif Intell 2024; data doi 10.5281/zenodo.12741586",
    gives="no stages; CT of 233 patients in up to four phases",
    needs="clinical workbook; ct_scans_*.zip unpacked; ct_hcc_metadata_v2.csv where at hand",
    how=(
        "From Zenodo, doi 10.5281/zenodo.12741586, version of 15 July 2024: "
        "clinical_data_wawtace_v2_15_07_2024.xlsx, "
        "ct_hcc_metadata_v2.csv and ct_scans_*.zip; unpack the scans into one folder and give it with --from.",
    ),
    assumes=(
        "Phase 2 is portal venous; a patient without it is excluded.",
        "The set gives no fibrosis stage: every row is excluded. It is written for `stage`, as scans of "
        "mostly cirrhotic "
        "livers; whether columns on cirrhosis exist could not be seen.",
        "lab_albumin is in g/dL, although the set's dictionary says g/L; values above 10 are divided by 10.",
        "Tumour masks are not taken.",
    ),
)  # fmt: skip


def read(given: Given) -> Reading:
    """One case per patient of the workbook: the portal venous scan.

    Raises:
        InputError: no workbook.
    """
    folder = None if given.folder is None else given.require_folder(ABOUT.title)
    tables = find_tables(given.tables, given.folder, (WORKBOOK, SCANS))
    listed = tables.get("scans")
    thickness = {} if listed is None else {row["ct_file_name"]: row.get("slice_thickness", "") for row in listed.rows}
    images = {} if folder is None else {path.name.partition("_scan.")[0]: path for path in nifti_files(folder)}
    remarks = Remarks()
    cases = [_case(row, images, thickness, remarks) for row in tables["clinical"].rows if known(row["PATPRI"])]
    return Reading(tuple(cases), remarks.sentences, tuple(tables.values()))


def _case(row: Mapping[str, str], images: Mapping[str, Path], thickness: Mapping[str, str], remarks: Remarks) -> Case:
    patient = row["PATPRI"]
    name, scan = f"{patient}_{PORTAL_NUMBER}", f"waw_{patient}"
    albumin = number(row.get("lab_albumin", ""))
    if albumin is not None and albumin > 10.0:
        remarks.add("albumin above 10 taken as g/L and divided by 10")
        albumin /= 10.0
    image = images.get(name)
    absent = "no portal venous CT" if thickness and name not in thickness else NO_IMAGE
    return Case(
        scan,
        scan,
        image=image,
        exclude=NO_STAGE if image else absent,
        values={
            "modality": CT,
            "phase": PORTAL,
            "age": remarks.within_limits("age", number(row["age"])),
            "sex": {"1": "F", "0": "M"}.get(row["gender_woman"], ""),
            "alt": remarks.within_limits("alt", number(row.get("lab_alt", ""))),
            "afp": remarks.within_limits("afp", number(row.get("lab_afp", ""))),
            "albumin_g_dl": as_text(albumin),
            "inr": as_text(number(row.get("lab_inr", ""))),
            "slice_thickness_mm": known(thickness.get(name, "")),
        },
        case_key=f"waw_tace:{patient}",
    )


SOURCE = Source(ABOUT, read, (WORKBOOK, SCANS))

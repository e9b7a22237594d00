"""HCC-TACE-Seg: liver cancer before chemoembolisation; cirrhosis yes or no, from the clinical record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fibrolens.cohort.columns import CT
from fibrolens.cohort.sources import idc
from fibrolens.cohort.sources.base import About, Case, Given, Reading, Source
from fibrolens.cohort.sources.choice import Choice, choose, side_table
from fibrolens.cohort.sources.clinical import Remarks, known, number
from fibrolens.cohort.sources.series import INDEX, Series
from fibrolens.cohort.sources.tabular import Role, TableFile, find_tables
from fibrolens.errors import InputError

COLLECTION = "hcc_tace_seg"
WORKBOOK = Role(
    "clinical",
    "HCC-TACE-Seg clinical workbook",
    (("TCIA_ID",), ("Evidence_of_cirh",), ("age",), ("Sex",)),
    ("HCC-TACE-Seg_clinical_data*.xlsx", "HCC-TACE-Seg_clinical_data*.csv"),
)
STAGES: Mapping[str, tuple[int, ...]] = {"1": (4,), "0": (0, 1, 2, 3)}
VIRUSES = {
    "HCV only": ("hepatitis C",),
    "HBV only": ("hepatitis B",),
    "HCV and HBV": ("hepatitis B", "hepatitis C"),
}

ABOUT = About(
    name=COLLECTION,
    title="HCC-TACE-Seg (multimodality annotated HCC cases with and without segmentation)",
    licence="CC BY 4.0",
    citation="Moawad AW et al., HCC-TACE-Seg, The Cancer Imaging Archive 2021, doi 10.7937/TCIA.5FNA-0924",
    gives="stages F4 (cirrhosis) and F0|F1|F2|F3 (none), clinical, no histology; CT; liver masks (DICOM SEG)",
    needs="clinical workbook; index of series; DICOM of CT and SEG",
    how=idc.how(COLLECTION, "Clinical workbook: HCC-TACE-Seg_clinical_data-V2.xlsx, on the collection's page at TCIA."),
    assumes=(
        "Evidence_of_cirh 1 is F4 and 0 is F0|F1|F2|F3: the record of cirrhosis, not histology; `reference` "
        "stays empty, so "
        "that the default criteria leave these rows out for want of a histology (needs_histology: false keeps them).",
        "The baseline study is the earliest one that has the collection's own segmentation.",
        "The image is the series that the segmentation refers to, where that is downloaded; else the rules "
        "choose, and a "
        "later reconstruction is taken for the later phase. The phase of most series is not stated and left empty.",
        "The chemotherapy of the workbook is that of the chemoembolisation, after the CT; the column "
        "`chemotherapy` stays "
        "empty.",
        "The liver holds a carcinoma, which the mask counts as liver.",
    ),
    checked=True,
)  # fmt: skip


def read(given: Given) -> Reading:
    """One case per patient of the workbook.

    Raises:
        InputError: no workbook, or one whose cirrhosis is not 0 or 1.
    """
    tables = find_tables(given.tables, given.folder, (WORKBOOK, INDEX))
    workbook, index = tables["clinical"], tables.get("series")
    rows = {row["TCIA_ID"]: row for row in workbook.rows if row["TCIA_ID"].startswith("HCC_")}
    if len(rows) < sum(row["TCIA_ID"] in rows for row in workbook.rows):
        raise InputError(f"{workbook.path.name} names a patient twice under TCIA_ID; give the published workbook.")
    if not rows:
        raise InputError(f"{workbook.path.name} holds no patient (such as HCC_001) under TCIA_ID.")
    series = idc.gather(given, index, COLLECTION)
    remarks = Remarks()
    choices = {patient: baseline(series.get(patient, ())) for patient in rows}
    cases = [
        _case(patient, row, workbook, choices[patient], series.get(patient, ()), remarks)
        for patient, row in rows.items()
    ]
    side = (side_table(list(choices.values())),) if series else ()
    return Reading(tuple(cases), remarks.sentences, tuple(tables.values()), side)


def baseline(series: Sequence[Series]) -> Choice:
    """The CT of the earliest study that has the collection's segmentation; of any study where none has."""
    own = [one for one in series if idc.is_own_segmentation(one)]
    study = min(own, key=lambda one: (one.study_date, one.study_uid)).study_uid if own else None
    within = [one for one in series if study is None or one.study_uid == study]
    referred = {one.refers_to for one in own if one.study_uid == study}
    exact = [one for one in within if one.modality == "CT" and one.uid in referred]
    choice = choose(exact or within)
    return choice if choice.chosen is not None or not exact else choose(within)


def _case(
    patient: str,
    row: Mapping[str, str],
    workbook: TableFile,
    choice: Choice,
    series: Sequence[Series],
    remarks: Remarks,
) -> Case:
    cirrhosis = row["Evidence_of_cirh"]
    if known(cirrhosis) and cirrhosis not in STAGES:
        raise InputError(
            f"{workbook.path.name}: {patient} has Evidence_of_cirh {cirrhosis!r}, which is neither 0 nor 1."
        )
    image, absent = idc.image_of(choice.chosen)
    exclude = "" if cirrhosis in STAGES else "cirrhosis not stated"
    if not exclude and choice.chosen is None and series:
        exclude = choice.why
    return Case(
        patient,
        patient,
        STAGES.get(cirrhosis, ()),
        f"Evidence_of_cirh {cirrhosis}",
        image,
        exclude or absent,
        masks=idc.masks_on(choice.chosen, series) if choice.chosen is not None else {},
        values=_values(row, choice, remarks),
        case_key=f"{COLLECTION}:{patient}",
    )


def _values(row: Mapping[str, str], choice: Choice, remarks: Remarks) -> dict[str, str]:
    causes = [*VIRUSES.get(row.get("hepatitis", ""), ()), *(["alcohol"] if row.get("Alcohol") == "1" else [])]
    return {
        "modality": CT,
        "phase": choice.phase,
        "age": remarks.within_limits("age", number(row["age"])),
        "sex": {"1": "M", "2": "F"}.get(row["Sex"], ""),
        "aetiology": " + ".join(sorted(causes, key=str.casefold)),
        "afp": remarks.within_limits("afp", number(row.get("AFP", ""))),
        "history": "other malignancy" if row.get("Personal history of cancer") == "1" else "",
        "child_pugh": known(row.get("CPS", "")),
        "days_ct_to_diagnosis": known(row.get("Interval_BL", "")),
        "series_uid": "" if choice.chosen is None else choice.chosen.uid,
        "study_date_shifted": "" if choice.chosen is None else choice.chosen.study_date,
    }


SOURCE = Source(ABOUT, read, (WORKBOOK, INDEX))

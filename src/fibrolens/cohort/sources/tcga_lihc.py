"""TCGA-LIHC: resected liver cancer with an Ishak score of the liver around it; CT of 75 patients."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fibrolens.cohort.columns import CT, HISTOLOGY
from fibrolens.cohort.sources import idc
from fibrolens.cohort.sources.base import NO_IMAGE, About, Case, Given, Reading, Source
from fibrolens.cohort.sources.choice import Choice, choose, side_table
from fibrolens.cohort.sources.clinical import Remarks, as_text, known, number
from fibrolens.cohort.sources.series import INDEX
from fibrolens.cohort.sources.tabular import Role, TableFile, find_tables
from fibrolens.cohort.sources.tcga_blood import albumin_g_dl, inr, platelets
from fibrolens.errors import InputError

COLLECTION = "tcga_lihc"
BARCODE = re.compile(r"TCGA-\w\w-\w{4}")
KEYS = ("bcr_patient_barcode", "case_submitter_id", "cases.submitter_id", "submitter_id", "sampleID")
SCORES = ("ishak_fibrosis_score", "liver_fibrosis_ishak_score_category", "fibrosis_ishak_score",
          "diagnoses.ishak_fibrosis_score")  # fmt: skip
CLINICAL = Role("clinical", "TCGA-LIHC clinical table", (KEYS, SCORES), ("*clinical_patient_lihc*.txt", "clinical.tsv"))
#: The Ishak score by its first characters; the words after it are spelt in two ways (Speta, Septa).
STAGES: Mapping[str, tuple[int, ...]] = {"0": (0,), "1,2": (1,), "3,4": (2, 3), "5": (4,), "6": (4,)}
SCORE = re.compile(r"(0|1,\s*2|3,\s*4|5|6)\s*-\s*\D.*")
CAUSES = {
    "hepatitis b": "hepatitis B",
    "hepatitis c": "hepatitis C",
    "alcohol consumption": "alcohol",
    "nonalcoholic fatty liver disease": "NAFLD",
    "hemochromatosis": "haemochromatosis",
    "alpha-1 antitrypsin deficiency": "alpha-1 antitrypsin deficiency",
    "other": "other",
}
RESECTIONS = ("lobectomy", "segmentectomy, multiple", "segmentectomy, single", "extended lobectomy")
TRANSPLANT = "total hepatectomy with transplant"

ABOUT = About(
    name=COLLECTION,
    title="TCGA-LIHC (The Cancer Genome Atlas, liver hepatocellular carcinoma)",
    licence="images CC BY 3.0; clinical table TCGA open access",
    citation="Erickson BJ et al., TCGA-LIHC, The Cancer Imaging Archive 2016, doi 10.7937/K9/TCIA.2016.IMMQW8UQ; "
    "TCGA Research Network, Cell 2017;169:1327, doi 10.1016/j.cell.2017.05.046",
    gives="stages F0, F1, F2|F3, F4 (Ishak, histology); CT",
    needs="clinical table (BCR biotab or GDC); index of series; DICOM of the chosen series",
    how=idc.how(
        COLLECTION,
        "Clinical table: nationwidechildrens.org_clinical_patient_lihc.txt (BCR biotab) from the Genomic "
        "Data Commons, "
        "project TCGA-LIHC, data category Clinical.",
    ),
    assumes=(
        "Ishak 0 is F0, 1 and 2 are F1, 3 is F2, 4 is F3, 5 and 6 are F4 (World J Hepatol 2015;7:607, Table "
        "1); the bin "
        "'3,4' is the set F2|F3.",
        "The Ishak score is of the resected specimen; days from CT to surgery are not published, for the "
        "dates of the "
        "images are shifted, so that only a CT within a year of the age at diagnosis is taken.",
        "The liver holds a carcinoma, which no mask takes out.",
        "A CT series whose description states no phase may be another than portal venous; its phase is left "
        "empty and read "
        "from the organs when it is staged.",
        "Tissue source site stands for the hospital.",
    ),
    checked=True,
    also_in=("CADS holds the CTs of TCGA-LIHC, resampled, with model-made masks.",),
)  # fmt: skip


def read(given: Given) -> Reading:
    """One case per patient of the clinical table.

    Raises:
        InputError: no clinical table, one of another project, or an Ishak score in words that are not known.
    """
    tables = find_tables(given.tables, given.folder, (CLINICAL, INDEX))
    clinical, index = tables["clinical"], tables.get("series")
    rows = _patients(clinical)
    series = idc.gather(given, index, COLLECTION)
    remarks = Remarks()
    cases, choices = [], []
    for patient, row in rows.items():
        choice = choose(series.get(patient, ()), number(row.get("age_at_diagnosis", "")))
        choices.append(choice)
        cases.append(_case(patient, row, clinical, choice, remarks, index is not None or bool(series)))
    strangers = len(set(series) - set(rows))
    if strangers:
        remarks.add(f"patients with images who are not in {clinical.path.name}, left out ({strangers} patients)")
    side = (side_table(choices),) if series else ()
    return Reading(tuple(cases), remarks.sentences, tuple(tables.values()), side)


def ishak_stages(text: str) -> tuple[int, ...]:
    """Stages of a TCGA Ishak category; empty where it says that nothing is known.

    Raises:
        ValueError: other words.
    """
    if not known(text):
        return ()
    match = SCORE.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    return STAGES[match[1].replace(" ", "")]


def _patients(table: TableFile) -> dict[str, Mapping[str, str]]:
    """Rows by patient; the further header rows of the biotab carry no barcode."""
    key, score = table.column(*KEYS), table.column(*SCORES)
    rows: dict[str, Mapping[str, str]] = {}
    for row in table.rows:
        if BARCODE.match(row[key]):
            # Tables of the Genomic Data Commons repeat a patient for each treatment.
            first = rows.setdefault(row[key][:12], row)
            if first[score] != row[score]:
                raise InputError(
                    f"{table.path.name}: {row[key][:12]} has two Ishak scores, {first[score]!r} and {row[score]!r}."
                )
    if not rows:
        raise InputError(f"{table.path.name} holds no TCGA patient (such as TCGA-2V-A95S) under {key}.")
    return rows


def _case(
    patient: str, row: Mapping[str, str], table: TableFile, choice: Choice, remarks: Remarks, has_series: bool
) -> Case:
    score = row[table.column(*SCORES)]
    try:
        stages = ishak_stages(score)
    except ValueError:
        raise InputError(
            f"{table.path.name}: {patient} has the Ishak score {score!r}, which is none of 0, 1,2, 3,4, 5 and 6."
        ) from None
    image, absent = idc.image_of(choice.chosen)
    exclude = "" if stages else "no Ishak score"
    if not exclude and choice.chosen is None:
        exclude = choice.why if has_series else NO_IMAGE
    return Case(
        patient,
        patient,
        stages,
        score,
        image,
        exclude or absent,
        values=_values(patient, row, choice, remarks),
        case_key=f"{COLLECTION}:{patient}",
    )


def _values(patient: str, row: Mapping[str, str], choice: Choice, remarks: Remarks) -> dict[str, str]:
    chosen = choice.chosen
    age = number(row.get("age_at_diagnosis", "")) if chosen is None or chosen.age is None else chosen.age
    height, weight = number(row.get("height_cm_at_diagnosis", "")), number(row.get("weight_kg_at_diagnosis", ""))
    bmi = None if not height or weight is None else round(weight / (height / 100) ** 2, 1)
    histories = {
        "other malignancy": "history_other_malignancy",
        "neoadjuvant treatment": "history_neoadjuvant_treatment",
    }
    return {
        "reference": HISTOLOGY,
        "modality": CT,
        "phase": choice.phase,
        "age": remarks.within_limits("age", age),
        "sex": {"MALE": "M", "FEMALE": "F"}.get(row.get("gender", "").upper(), ""),
        "bmi": remarks.within_limits("bmi", bmi),
        "site": known(row.get("tissue_source_site", "")) or patient.split("-")[1],
        "aetiology": _causes(row.get("history_hepato_carcinoma_risk_factors", "")),
        "specimen": _specimen(row.get("definitive_surgical_procedure", "")),
        "platelets": remarks.within_limits("platelets", platelets(row, remarks)),
        "afp": remarks.within_limits("afp", number(row.get("alpha_fetoprotien_at_procurement", ""))),
        "history": "; ".join(name for name, column in histories.items() if row.get(column, "") == "Yes"),
        "albumin_g_dl": as_text(albumin_g_dl(row, remarks)),
        "inr": as_text(inr(row, remarks)),
        "child_pugh": known(row.get("child_pugh_classification", "")),
        "series_uid": "" if chosen is None else chosen.uid,
        "study_date_shifted": "" if chosen is None else chosen.study_date,
    }


def _causes(text: str) -> str:
    """Causes of liver disease in our words, joined by ``+``; empty where none is named."""
    words = [CAUSES.get(part.strip().casefold(), "") for part in text.split("|")]
    return " + ".join(sorted(filter(None, words), key=str.casefold))


def _specimen(procedure: str) -> str:
    name = procedure.casefold()
    return "transplantation" if name == TRANSPLANT else "resection" if name in RESECTIONS else ""


SOURCE = Source(ABOUT, read, (CLINICAL, INDEX))

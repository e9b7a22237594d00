"""Merlin: 25,494 abdominal CTs of an emergency department; cirrhosis as the report mentions it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fibrolens.cohort.columns import CT
from fibrolens.cohort.sources.base import NO_IMAGE, About, Case, Given, Reading, Source
from fibrolens.cohort.sources.clinical import number
from fibrolens.cohort.sources.files import nifti_files
from fibrolens.cohort.sources.tabular import Role, TableFile, find_tables
from fibrolens.errors import InputError

STUDY = ("study id", "study_id", "Study ID", "case_id", "accession", "anon_accession")
FINDING = "cirrhosis"
FINDINGS = Role(
    "findings",
    "Merlin table of findings with cirrhosis",
    (STUDY, (FINDING,)),
    ("zero_shot_findings_disease_cls.csv", "*cirrhosis*.csv"),
)
META = Role("meta", "Merlin table of scans", (STUDY, ("phase", "contrast_phase")), ("metadata.csv",), required=False)
STAGES: Mapping[str, tuple[int, ...]] = {"1": (4,), "0": (0, 1, 2, 3)}
NOT_MENTIONED = "cirrhosis not mentioned in the report"
PHASES = ("native", "arterial", "portal venous", "delayed")

ABOUT = About(
    name="merlin",
    title="Merlin Abdominal CT Dataset (Stanford)",
    licence="data use agreement, non-commercial research",
    citation="Blankemeier L et al., Merlin: a vision language foundation model for 3D computed tomography, 2024, "
    "arXiv 2406.06512",
    gives="stages F4 (cirrhosis mentioned) and F0|F1|F2|F3 (cirrhosis denied), from reports, no histology; CT",
    needs="a table with study id and cirrhosis 1, 0 or -1; folder merlin_data",
    how=(
        "Data use agreement at the Stanford AIMI Center; it sends a storage address. With AzCopy installed:",
        'azcopy cp --recursive "THE_ADDRESS_YOU_RECEIVED" .',
        "Give the folder merlinabdominalctdataset with --from. If zero_shot_findings_disease_cls.csv has no "
        "column cirrhosis "
        "in your version, make a table with `study id,cirrhosis` (1, 0, -1) from the reports and give it "
        "with --table.",
    ),
    assumes=(
        "1 (mentioned) is F4, 0 (explicitly denied) is F0|F1|F2|F3, -1 (not mentioned) is excluded: a report "
        "that is silent "
        "says nothing of the liver. The label is a report's words, read by a program, not histology; "
        "`reference` stays empty.",
        "A scan is taken for a patient of its own unless the table has a column patient_id: 18,317 patients "
        "have 25,494 "
        "scans, so that without it the folds of a study may split a patient.",
        "The phase is that of metadata.csv where it is one of ours; else empty.",
    ),
)  # fmt: skip


def read(given: Given) -> Reading:
    """One case per study of the findings table.

    Raises:
        InputError: no table with cirrhosis, or a label other than 1, 0 and -1.
    """
    folder = None if given.folder is None else given.require_folder(ABOUT.title)
    tables = find_tables(given.tables, given.folder, (FINDINGS, META))
    findings, meta = tables["findings"], tables.get("meta")
    phases = {} if meta is None else _phases(meta)
    images = {} if folder is None else {path.name.partition(".nii")[0]: path for path in nifti_files(folder)}
    cases = tuple(_case(row, findings, phases, images) for row in findings.rows)
    notes = () if "patient_id" in findings.columns else ("no column patient_id: each scan stands for a patient",)
    return Reading(cases, notes, tuple(tables.values()))


def _phases(meta: TableFile) -> dict[str, str]:
    study, phase = meta.column(*STUDY), meta.column("phase", "contrast_phase")
    words = {row[study]: row[phase].casefold().replace("portal-venous", "portal venous") for row in meta.rows}
    return {name: "portal venous" if word == "portal" else word for name, word in words.items()}


def _case(row: Mapping[str, str], table: TableFile, phases: Mapping[str, str], images: Mapping[str, Path]) -> Case:
    study, value = row[table.column(*STUDY)], number(row[FINDING])
    label = "" if value is None else f"{value:g}"
    if label not in ("1", "0", "-1", ""):
        raise InputError(
            f"{table.path.name}: study {study} has cirrhosis {row[FINDING]!r}, which is none of 1, 0 and -1."
        )
    image, scan = images.get(study), f"merlin_{study}"
    patient = row.get("patient_id", "")
    exclude = "" if label in STAGES else NOT_MENTIONED
    phase = phases.get(study, "")
    return Case(
        f"merlin_{patient}" if patient else scan,
        scan,
        STAGES.get(label, ()),
        f"cirrhosis {label}" if label else "",
        image,
        exclude or ("" if image else NO_IMAGE),
        values={"modality": CT, "phase": phase if phase in PHASES else ""},
        case_key=f"merlin:{study}",
    )


SOURCE = Source(ABOUT, read, (FINDINGS, META))

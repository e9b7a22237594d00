"""RSNA 2023 abdominal trauma: people without an injury as controls, the same idea as the paper's controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fibrolens.cohort.columns import CONTROL, CT, PORTAL
from fibrolens.cohort.sources.base import NO_IMAGE, About, Case, Given, Reading, Source
from fibrolens.cohort.sources.clinical import number
from fibrolens.cohort.sources.tabular import Role, TableFile, find_tables
from fibrolens.errors import InputError

TRAIN = Role(
    "train",
    "RSNA 2023 table of injuries",
    (("patient_id",), ("any_injury",), ("liver_healthy",), ("spleen_healthy",)),
    ("train.csv",),
)
SERIES = Role(
    "series",
    "RSNA 2023 table of series",
    (("patient_id",), ("series_id",), ("aortic_hu",), ("incomplete_organ",)),
    ("train_series_meta.csv",),
)
IMAGES = "train_images"

ABOUT = About(
    name="rsna2023_abdominal_trauma",
    title="RSNA 2023 Abdominal Trauma Detection",
    licence="competition rules, research use; read them before use",
    citation="Rudie JD et al., The RSNA Abdominal Traumatic Injury CT (RATIC) dataset, Radiol Artif Intell 2024",
    gives="stage F0, weak (no injury, no histology); CT of controls",
    needs="train.csv, train_series_meta.csv, train_images/PATIENT/SERIES",
    how=(
        "pip install kaggle, accept the competition's rules with an account, then:",
        "kaggle competitions download -c rsna-2023-abdominal-trauma-detection",
        "Unpack it and give the folder with --from.",
    ),
    assumes=(
        "A control has any_injury 0, liver_healthy and spleen_healthy 1: F0 with `reference` "
        "imaging_negative. 'Healthy' rules "
        "out an injury alone, so that this F0 is weak; ages and liver disease are not published.",
        "Of a patient's series the one with the lowest aortic_hu is the portal venous one; where there is "
        "one series alone, "
        "or two are equal, the phase is left empty.",
        "A patient whose portal venous series has incomplete_organ 1 is excluded; the other series is not "
        "taken instead, "
        "for it is arterial.",
        "The segmentations (206 series) are not taken: they are turned against the DICOM stack.",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class _Portal:
    """The series to take of a patient, and its phase where two series tell it."""

    series_id: str
    incomplete: bool
    phase: str


def read(given: Given) -> Reading:
    """One case per patient of ``train.csv``.

    Raises:
        InputError: a table is not given, or an aortic_hu is no number.
    """
    if given.folder is not None:
        given.require_folder(ABOUT.title)
    tables = find_tables(given.tables, given.folder, (TRAIN, SERIES))
    series: dict[str, list[Mapping[str, str]]] = {}
    for row in tables["series"].rows:
        series.setdefault(row["patient_id"], []).append(row)
    cases = [_case(row, series.get(row["patient_id"], ()), given, tables["series"]) for row in tables["train"].rows]
    return Reading(tuple(cases), (), tuple(tables.values()))


def portal_series(rows: Sequence[Mapping[str, str]], table: TableFile) -> _Portal | None:
    """The series with the lowest aortic enhancement; None where a patient has none."""
    ranked = []
    for row in rows:
        hu = number(row["aortic_hu"])
        if hu is None:
            raise InputError(
                f"{table.path.name}: series {row['series_id']} has the aortic_hu {row['aortic_hu']!r}, which "
                f"is no number."
            )
        ranked.append((hu, row["series_id"], _yes(row["incomplete_organ"])))
    if not ranked:
        return None
    ranked.sort()
    told = len(ranked) > 1 and ranked[0][0] < ranked[1][0]
    return _Portal(ranked[0][1], ranked[0][2], PORTAL if told else "")


def _case(row: Mapping[str, str], rows: Sequence[Mapping[str, str]], given: Given, table: TableFile) -> Case:
    patient, portal = row["patient_id"], portal_series(rows, table)
    image = None
    if portal is not None and given.folder is not None:
        roots = (given.folder / IMAGES, given.folder)
        image = next((p for root in roots if (p := root / patient / portal.series_id).is_dir()), None)
    healthy = not _yes(row["any_injury"]) and _yes(row["liver_healthy"]) and _yes(row["spleen_healthy"])
    scan = f"rsna_{patient}"
    return Case(
        scan,
        scan,
        (0,) if healthy else (),
        "no injury" if healthy else "injury",
        image,
        _reason(healthy, portal) or ("" if image else NO_IMAGE),
        values={
            "reference": CONTROL if healthy else "",
            "modality": CT,
            "phase": "" if portal is None else portal.phase,
            "series_id": "" if portal is None else portal.series_id,
        },
        case_key=f"rsna2023:{patient}",
    )


def _reason(healthy: bool, portal: _Portal | None) -> str:
    if not healthy:
        return "injury"
    if portal is None:
        return "no CT series"
    return "organ incomplete in the portal venous series" if portal.incomplete else ""


def _yes(text: str) -> bool:
    return text.casefold() in ("1", "1.0", "true")


SOURCE = Source(ABOUT, read, (TRAIN, SERIES))

"""The same case in two cohorts: told by its name, by its series UID, or by its Hounsfield units.

A case key is the same in sources that number the same CTs alike (the Decathlon's liver task and LiTS). A
SeriesInstanceUID is looked for in the column ``series_uid`` and in the image's path, where CADS writes it. The hash of
the Hounsfield units is the one of `fibrolens cohort check`: it finds a copy under another name and in another format,
but not one that was resampled or cut.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fibrolens.cohort.content import content_hash
from fibrolens.cohort.sources.base import SideTable
from fibrolens.cohort.table import scan_table
from fibrolens.errors import InputError
from fibrolens.io import read_volume
from fibrolens.progress import ReporterFactory, silent

UID = re.compile(r"\d+(?:\.\d+){5,}")
BY_KEY, BY_UID, BY_VALUES = "case of the same set", "SeriesInstanceUID", "Hounsfield units"
COLUMNS = ("scan_id", "other_table", "other_scan_id", "found_by")
PROVENANCE = ".provenance.json"


@dataclass(frozen=True)
class Match:
    """A scan that another cohort holds too."""

    scan_id: str
    other_table: str
    other_scan_id: str
    found_by: str


@dataclass(frozen=True)
class Candidate:
    """What a row tells of its case.

    Args:
        table: the cohort's file name.
        scan_id: of the row.
        key: case key; empty where it has none.
        uid: SeriesInstanceUID; empty where it has none.
        image: the file, where there is one.
    """

    table: str
    scan_id: str
    key: str
    uid: str
    image: Path | None


def candidates(rows: Sequence[Mapping[str, str]], table: Path) -> list[Candidate]:
    """The rows of a cohort as candidates; images that do not exist are passed over."""
    return [_candidate(row, table) for row in rows]


def cohort_candidates(path: Path) -> list[Candidate]:
    """The rows of a cohort on disk.

    Raises:
        CohortError: the file is no cohort table.
    """
    return candidates([record.cells for record in scan_table(path).records], path)


def source_of(path: Path) -> str:
    """The source that a cohort on disk was imported from; empty where its provenance does not say."""
    try:
        content = json.loads(path.with_suffix(PROVENANCE).read_text(encoding="utf-8"))
        return str(content["source"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def neighbours(out: Path, sources: Sequence[str]) -> list[str]:
    """Tables in the folder of `out` that were imported from one of the sources, by file name."""
    found = []
    for path in sorted(out.absolute().parent.glob(f"*{PROVENANCE}")):
        table = path.with_name(path.name.removesuffix(PROVENANCE) + ".csv")
        if table.name != out.name and source_of(table) in sources:
            found.append(table.name)
    return found


def find_shared(
    ours: Sequence[Candidate], others: Sequence[Candidate], images: bool = True, progress: ReporterFactory = silent
) -> tuple[list[Match], list[str]]:
    """Scans of ours that others hold too, each by the first way that finds it.

    Args:
        ours: the cohort that is being made.
        others: of the cohorts beside it.
        images: whether to compare Hounsfield units where names and UIDs do not settle it.
        progress: makes the reporter of the reading; one unit per image.

    Returns:
        The matches in the order of ours, and sentences on images that could not be compared.
    """
    by_key = _index((one.key, one) for one in others)
    by_uid = _index((one.uid, one) for one in others)
    found: dict[str, Match] = {}
    for one in ours:
        for value, index, way in ((one.key, by_key, BY_KEY), (one.uid, by_uid, BY_UID)):
            if value in index and one.scan_id not in found:
                found[one.scan_id] = _match(one, index[value], way)
    notes: list[str] = []
    open_questions = [one for one in ours if one.scan_id not in found and one.image is not None]
    rest = [one for one in others if one.image is not None]
    if images and open_questions and rest:
        notes = _by_values(open_questions, rest, found, progress)
    return [found[one.scan_id] for one in ours if one.scan_id in found], notes


def side_table(matches: Sequence[Match]) -> SideTable:
    """Which rows are the same case as which: ``cohort.shared.csv``."""
    rows = tuple((one.scan_id, one.other_table, one.other_scan_id, one.found_by) for one in matches)
    return SideTable("shared", COLUMNS, rows)


def _candidate(row: Mapping[str, str], table: Path) -> Candidate:
    name = row.get("image", "")
    image = table.parent / name if name else None
    uid = row.get("series_uid", "") or next(iter(UID.findall(name)[-1:]), "")
    exists = image is not None and image.exists()
    return Candidate(table.name, row.get("scan_id", ""), row.get("case_key", ""), uid, image if exists else None)


def _by_values(
    ours: Sequence[Candidate], others: Sequence[Candidate], found: dict[str, Match], progress: ReporterFactory
) -> list[str]:
    """Add the matches by Hounsfield units; returns what could not be read."""
    unread: list[str] = []
    with progress(len(ours) + len(others), "comparing images") as report:

        def digest(one: Candidate) -> str:
            report.advance(note=one.scan_id)
            try:
                return "" if one.image is None else content_hash(read_volume(one.image))
            except (InputError, OSError):
                unread.append(one.scan_id)
                return ""

        index = _index((digest(one), one) for one in others)
        for one in ours:
            value = digest(one)
            if value and value in index:
                found[one.scan_id] = _match(one, index[value], BY_VALUES)
    return [f"images that could not be read and so not be compared: {', '.join(unread)}"] if unread else []


def _index(pairs: Iterable[tuple[str, Candidate]]) -> dict[str, Candidate]:
    """Candidates by a value, the first where several share it; empty values are left out."""
    index: dict[str, Candidate] = {}
    for value, one in pairs:
        if value:
            index.setdefault(value, one)
    return index


def _match(one: Candidate, other: Candidate, way: str) -> Match:
    return Match(one.scan_id, other.table, other.scan_id, way)

"""Asks a PACS which studies an accession number has, and which CT series those have: C-FIND or QIDO-RS."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydicom import Dataset
from pynetdicom import build_context
from pynetdicom.association import Association
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind  # type: ignore[attr-defined]

from fibrolens.errors import UsageError
from fibrolens.pacs.calling import Caller, RemoteError, status_word
from fibrolens.pacs.peers import Peer, Remote, WebServer, told
from fibrolens.pacs.web import web_client

#: Statuses of C-FIND (PS3.4 C.4.1.1.4).
PENDING, DONE = (0xFF00, 0xFF01), 0x0000
#: More studies than an examination has; a PACS that tells more did not understand the question.
MOST_STUDIES = 20
SERIES_COUNT = "NumberOfSeriesRelatedInstances"
#: What a value to look for may hold: ASCII, and none of the wildcards of PS3.4 C.2.2.2.4, by which other patients came.
ACCESSION_NUMBER, UID = re.compile(r"(?=.*\S)[\x20-\x7e]{1,64}"), re.compile(r"[0-9.]{1,64}")
WILD = re.compile(r"[*?\\]")
#: Tags of what DICOM JSON answers (PS3.18 F.2).
TAGS = {
    "AccessionNumber": "00080050",
    "Modality": "00080060",
    "StudyInstanceUID": "0020000D",
    "SeriesInstanceUID": "0020000E",
    SERIES_COUNT: "00201209",
}
Row = Mapping[str, str]


@dataclass(frozen=True)
class Asked:
    """What is looked for: exactly one of both.

    Args:
        accession_number: of an examination.
        study_uid: StudyInstanceUID.
    """

    accession_number: str = ""
    study_uid: str = ""

    @classmethod
    def checked(cls, accession_number: str, study_uid: str) -> Asked:
        """What somebody typed in.

        Raises:
            UsageError: both or neither are given, or what is given cannot be one, or holds a wildcard.
        """
        if bool(accession_number) == bool(study_uid):
            raise UsageError("Give accession_number or study_uid, one of both.")
        if WILD.search(accession_number):
            raise UsageError("An accession number is looked for as a whole; it must not hold '*', '?' or a backslash.")
        if accession_number and not ACCESSION_NUMBER.fullmatch(accession_number):
            raise UsageError("An accession number has up to 64 letters of ASCII.")
        if study_uid and not UID.fullmatch(study_uid):
            raise UsageError("A study_uid has up to 64 digits and dots.")
        return cls(accession_number.strip(), study_uid)

    @property
    def key(self) -> tuple[str, str]:
        """DICOM keyword and value."""
        if self.accession_number:
            return "AccessionNumber", self.accession_number
        return "StudyInstanceUID", self.study_uid


@dataclass(frozen=True)
class FoundStudy:
    """A study that a PACS has.

    Args:
        uid: StudyInstanceUID.
        series: SeriesInstanceUIDs of its CT series.
        instances: how many those have; None where the PACS does not tell.
    """

    uid: str
    series: tuple[str, ...]
    instances: int | None


def find(asked: Asked, remote: Remote, caller: Caller) -> list[FoundStudy]:
    """The studies of an accession number or UID with their CT series; those without CT are left out.

    Raises:
        RemoteError: the PACS cannot be asked, or answers with what was not asked for.
    """
    if isinstance(remote, WebServer):
        return _find_by_web(asked, remote)
    with caller.association(remote, [build_context(StudyRootQueryRetrieveInformationModelFind)]) as association:
        return _studies(asked, remote, lambda level, keys: _query(association, remote, level, keys))


def _find_by_web(asked: Asked, server: WebServer) -> list[FoundStudy]:
    with web_client(server) as client:

        def query(level: str, keys: Row) -> list[Row]:
            wanted = {name: value for name, value in keys.items() if value}
            if level == "STUDY":
                rows = client.search_for_studies(search_filters=wanted, limit=MOST_STUDIES + 1)
            else:
                study = wanted.pop("StudyInstanceUID")
                rows = client.search_for_series(study, search_filters=wanted, fields=[TAGS[SERIES_COUNT]])
            return [_row_of_json(row) for row in rows]

        return _studies(asked, server, query)


def _studies(asked: Asked, remote: Remote, query: Any) -> list[FoundStudy]:
    keyword, value = asked.key
    keys = {"AccessionNumber": "", "StudyInstanceUID": "", keyword: value}
    # A PACS that does not know a key answers with everything that it has.
    uids = [row["StudyInstanceUID"] for row in query("STUDY", keys) if row[keyword] == value]
    uids = list(dict.fromkeys(uid for uid in uids if uid))
    if len(uids) > MOST_STUDIES:
        raise RemoteError(f"{told(remote)} names more than {MOST_STUDIES} studies; ask for one by its study_uid.")
    found = [_study(uid, query) for uid in uids]
    return [study for study in found if study.series]


def _study(uid: str, query: Any) -> FoundStudy:
    keys = {"StudyInstanceUID": uid, "SeriesInstanceUID": "", "Modality": "CT", SERIES_COUNT: ""}
    rows = [row for row in query("SERIES", keys) if row["Modality"] == "CT" and row["SeriesInstanceUID"]]
    counts = [row[SERIES_COUNT] for row in rows]
    known = all(count.isdecimal() for count in counts)
    series = tuple(dict.fromkeys(row["SeriesInstanceUID"] for row in rows))
    return FoundStudy(uid, series, sum(map(int, counts)) if known else None)


def _query(association: Association, peer: Peer, level: str, keys: Row) -> list[Row]:
    """The answers to one C-FIND."""
    asked = Dataset()
    asked.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(asked, keyword, value or None)
    rows: list[Row] = []
    answers: Iterable[tuple[Any, Dataset | None]] = association.send_c_find(
        asked, StudyRootQueryRetrieveInformationModelFind
    )
    for status, answer in answers:
        if getattr(status, "Status", None) in PENDING and answer is not None:
            rows.append({keyword: str(answer.get(keyword) or "").strip() for keyword in TAGS})
        elif getattr(status, "Status", None) != DONE:
            raise RemoteError(f"{peer.ae_title} does not answer the query ({status_word(status)}).")
    return rows


def _row_of_json(row: Mapping[str, Any]) -> Row:
    values = {keyword: (row.get(tag) or {}).get("Value") or [""] for keyword, tag in TAGS.items()}
    return {keyword: str(value[0]).strip() for keyword, value in values.items()}

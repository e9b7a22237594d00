"""The contrast phase of each series of a study: by its name, by the time since the injection, by its neighbours.

The name comes first: whoever wrote it saw the pictures. The injection's time in the header is next, for some scanners
write the begin of the protocol there. Series of one acquisition share what is known of one of them. What is left is
guessed from the order of the scans, and only where nothing better can be had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from fibrolens.io.dicom.phase_names import phase_after, phase_by_name
from fibrolens.io.dicom.record import SeriesRecord

KNOWN = ("native", "arterial", "portal", "delayed")
BY_NAME, BY_TIMING, BY_SIBLING, BY_ORDER, BY_HU = (
    "name",
    "contrast timing",
    "same acquisition",
    "scan order",
    "organ HU",
)
#: A scan more than this before the injection belongs to another one.
BEFORE_S = 3600.0
#: Usual seconds from the injection to a scan, to tell when it was from a phase that is known.
USUAL_S = {"arterial": 35.0, "portal": 70.0}
#: An arterial and a portal venous scan are this far apart.
ARTERIAL_TO_PORTAL_S = (15.0, 75.0)


@dataclass(frozen=True)
class PhaseEvidence:
    """A phase and what tells it; `phase` is ``unknown`` where nothing does, `source` then says what the name says."""

    phase: str
    source: str = ""

    @property
    def sure(self) -> bool:
        """Whether a choice may rest on it."""
        return self.phase != "unknown" and self.source != BY_ORDER

    def __str__(self) -> str:
        return f"{self.phase} by {self.source}" if self.phase != "unknown" else self.source or "unknown"


def phase_evidence(records: Sequence[SeriesRecord]) -> list[PhaseEvidence]:
    """The phase of each series of one study."""
    own = [_own(record) for record in records]
    shared = [_shared(n, records, own) for n in range(len(records))]
    start = _injection(records, shared)
    return [
        evidence if evidence.sure else _ordered(r, evidence, start) for r, evidence in zip(records, shared, strict=True)
    ]


def _own(record: SeriesRecord) -> PhaseEvidence:
    named = phase_by_name(record.description)
    if named in KNOWN:
        return PhaseEvidence(named, BY_NAME)
    if record.injected_s is not None and record.acquired_s is not None:
        timed = _after(record.acquired_s - record.injected_s)
        if timed:
            return PhaseEvidence(timed, BY_TIMING)
    words = {"several": "several by name", "enhanced": "contrast by name"}
    return PhaseEvidence("unknown", words.get(named, ""))


def _after(seconds: float) -> str:
    return "native" if -BEFORE_S <= seconds < 0 else phase_after(seconds)


def _shared(n: int, records: Sequence[SeriesRecord], own: Sequence[PhaseEvidence]) -> PhaseEvidence:
    """What the series tells, or else what the others of its acquisition agree on."""
    if own[n].sure:
        return own[n]
    told = {e.phase for r, e in zip(records, own, strict=True) if e.sure and r.same_acquisition(records[n])}
    return PhaseEvidence(told.pop(), BY_SIBLING) if len(told) == 1 else own[n]


def _injection(records: Sequence[SeriesRecord], known: Sequence[PhaseEvidence]) -> float | None:
    """When contrast was probably injected, seconds of the day: from a known phase, or else from two enhanced scans."""
    for record, evidence in zip(records, known, strict=True):
        if evidence.phase in USUAL_S and record.acquired_s is not None:
            return record.acquired_s - USUAL_S[evidence.phase]
    times = sorted({r.acquired_s for r in records if r.contrast and r.acquired_s is not None and r.images > 1})
    low, high = ARTERIAL_TO_PORTAL_S
    return next((one - USUAL_S["arterial"] for one, other in pairwise(times) if low <= other - one <= high), None)


def _ordered(record: SeriesRecord, evidence: PhaseEvidence, start: float | None) -> PhaseEvidence:
    if start is None or record.acquired_s is None:
        return evidence
    phase = _after(record.acquired_s - start)
    return PhaseEvidence(phase, BY_ORDER) if phase else evidence

"""Which CT series of a study is staged: the best by rules, and by the organs where names and times leave it open.

Everything is judged by headers. Only where the best series differ in phase and nothing tells which is portal venous,
the few best are read and measured, by a function that the caller brings: this room does not know the segmentation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from fibrolens.errors import InputError, PhaseError, SeriesError
from fibrolens.io.dicom.judge import Criterion, Judged, judge
from fibrolens.io.dicom.phase_evidence import BY_HU, BY_SIBLING, PhaseEvidence, phase_evidence
from fibrolens.io.dicom.record import SeriesRecord
from fibrolens.io.dicom.selection import Selection, in_words, row_of

#: Acquisitions that are measured at most: each takes seconds.
MOST_MEASURED = 3
#: Two acquisitions whose scores differ by less are alike.
CLOSE = 4
#: What a measuring function says of a scan without a liver.
NO_LIVER = "no liver"

OPEN = "its phase is not known, nor that of another"

#: Reads a series and tells its phase from the organs: native, arterial, portal, delayed, unknown, or `NO_LIVER`.
MeasureRecord = Callable[[SeriesRecord], str]


@dataclass(frozen=True)
class _Study:
    """The series of a study with the evidence of their phases so far, and what was found on reading some."""

    records: tuple[SeriesRecord, ...]
    phases: tuple[PhaseEvidence, ...]
    any_phase: bool
    flaws: tuple[str, ...]

    @property
    def judged(self) -> list[Judged]:
        """Every series, best first, those ruled out last."""
        found = [
            replace(one, against=one.against or flaw)
            for record, phase, flaw in zip(self.records, self.phases, self.flaws, strict=True)
            for one in [judge(record, phase, self.any_phase)]
        ]
        return sorted(found, key=_rank)

    def told(self, record: SeriesRecord, phase: str, flaw: str = "") -> _Study:
        """The study after a series was measured; the others of its acquisition have its phase."""
        found = PhaseEvidence(phase, BY_HU)
        phases = tuple(
            found if r is record else PhaseEvidence(phase, BY_SIBLING) if not e.sure and _shares(r, record, flaw) else e
            for r, e in zip(self.records, self.phases, strict=True)
        )
        flaws = tuple(flaw if r is record else f for r, f in zip(self.records, self.flaws, strict=True))
        return replace(self, phases=phases, flaws=flaws)


def select(records: Sequence[SeriesRecord], measure: MeasureRecord | None = None, any_phase: bool = False) -> Selection:
    """Choose the portal-venous scan among the CT series of one study.

    Args:
        records: the series, in any order.
        measure: tells the phase of a series from its organs, raises InputError where it cannot be read; None where
            nothing can be measured.
        any_phase: take the best scan of another phase where none can be portal venous.

    Returns:
        The table, with one chosen row, or without one: then no series is a sensible candidate.
    """
    ordered = tuple(sorted(records, key=lambda r: (r.number is None, r.number or 0, r.uid)))
    study = _Study(ordered, tuple(phase_evidence(ordered)), any_phase, ("",) * len(ordered))
    if measure is not None:
        study = _measured(study, measure)
    judged = study.judged
    fit = [one for one in judged if not one.against]
    best = _best(fit, any_phase)
    if best is None:
        return Selection(tuple(row_of(one, f"not chosen: {one.against or _open(one)}") for one in judged))
    rows = tuple(row_of(one, _verdict(one, best)) for one in judged)
    return Selection(rows, _warning(best, fit))


def refuse(selection: Selection, source: str) -> InputError:
    """The error for a selection without a chosen row."""
    rows = selection.rows
    hint = "Choose one by its series UID (--series UID)"
    if any(row.verdict == f"not chosen: {OPEN}" for row in rows):
        what = "more than one of them may be the portal-venous scan"
        return SeriesError(f"{source} holds {len(rows)} CT series, and {what}. {hint}: {in_words(rows)}.")
    if any(row.verdict.startswith(f"not chosen: {row.phase} by") for row in rows):
        what = "none is a portal-venous scan of the abdomen"
        return PhaseError(f"{source} holds {len(rows)} CT series, and {what}. {hint}: {in_words(rows)}.")
    what = "none is an axial scan of the abdomen that can be staged"
    return SeriesError(f"{source} holds {len(rows)} CT series, and {what}. {hint}: {in_words(rows)}.")


def _open(one: Judged) -> str:
    return OPEN if one.phase.phase == "unknown" else f"phase {one.phase}"


def _rank(one: Judged) -> tuple[bool, int, int, int, str]:
    """Best first; of two alike the later series, for the portal venous phase follows the arterial."""
    return bool(one.against), -one.score, -one.record.images, -(one.record.number or 0), one.record.uid


def _shares(record: SeriesRecord, measured: SeriesRecord, flaw: str) -> bool:
    return not flaw and record.same_acquisition(measured)


def _measured(study: _Study, measure: MeasureRecord) -> _Study:
    """Measure the best acquisitions of unknown phase, until one is portal venous or one is known to be."""
    for _ in range(MOST_MEASURED):
        fit = [one for one in study.judged if not one.against]
        if not fit or _settled(fit):
            return study
        record = next(one.record for one in fit if _undecided(one))
        try:
            phase = measure(record)
        except InputError as error:
            study = study.told(record, "unknown", f"cannot be read: {str(error).split(';')[0]}")
            continue
        study = study.told(record, "unknown", NO_LIVER) if phase == NO_LIVER else study.told(record, phase)
    return study


def _settled(fit: Sequence[Judged]) -> bool:
    """Whether nothing is left to measure: the best is portal venous for sure, or it is the only acquisition."""
    return fit[0].phase.sure or not any(map(_undecided, fit)) or len(_acquisitions(fit)) == 1


def _undecided(one: Judged) -> bool:
    """Whether measuring may tell more than is known."""
    return not one.phase.sure and one.phase.source != BY_HU


def _acquisitions(fit: Sequence[Judged]) -> list[Judged]:
    """The best series of each acquisition."""
    first: list[Judged] = []
    for one in fit:
        if not any(one.record.same_acquisition(other.record) for other in first):
            first.append(one)
    return first


def _best(fit: Sequence[Judged], any_phase: bool) -> Judged | None:
    """The series to take; None where the phase of several acquisitions is open."""
    if not fit or any_phase:
        return fit[0] if fit else None
    portal = [one for one in fit if one.phase.phase == "portal"]
    known = next((one for one in portal if one.phase.sure), None) or next(iter(portal), None)
    return known or (fit[0] if len(_acquisitions(fit)) == 1 else None)


def _verdict(one: Judged, best: Judged) -> str:
    if one is best:
        return "chosen"
    if one.against:
        return f"not chosen: {one.against}"
    same = "same acquisition, " if one.record.same_acquisition(best.record) else ""
    lost: dict[Criterion, int] = {k: best.points[k] - one.points[k] for k in one.points}
    worst = max(lost, key=lambda k: lost[k])
    if lost[worst] > 0:
        return f"not chosen: {same}{one.words(worst)}"
    return f"not chosen: {same}as good, but shorter or earlier"


def _warning(best: Judged, fit: Sequence[Judged]) -> str | None:
    """A sentence where another acquisition is nearly as good, or where the phase is a guess."""
    label = row_of(best, "").label
    for one in fit:
        if one is best or one.record.same_acquisition(best.record) or abs(best.score - one.score) >= CLOSE:
            continue
        other = row_of(one, "").label
        return (
            f"{label} was chosen, but {other} ({one.record.uid}) is nearly as good "
            f"({best.score} and {one.score} points); look at both, and choose by --series UID."
        )
    if best.phase.phase == "portal" and not best.phase.sure and len(_acquisitions(fit)) > 1:
        return f"{label} was taken for the portal venous phase by the order of the scans; look at it."
    return None

"""The CT series that was meant: the one asked for, the only one, or the best of a study."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fibrolens.errors import SeriesError
from fibrolens.io.dicom.files import Instance
from fibrolens.io.dicom.frames import text
from fibrolens.io.dicom.judge import judge
from fibrolens.io.dicom.phase_evidence import phase_evidence
from fibrolens.io.dicom.record import SeriesRecord, record_of
from fibrolens.io.dicom.select import refuse, select
from fibrolens.io.dicom.selection import Selection, row_of
from fibrolens.io.dicom.series import Series, ct_series, named_series
from fibrolens.volume import Volume


@dataclass(frozen=True)
class SeriesChoice:
    """How a series is chosen where an input holds several.

    Args:
        series_uid: the one to take, whatever speaks against it.
        measure: the contrast phase of a CT by its organs (native, arterial, portal, delayed, unknown, ``no liver``);
            without it, series whose phase no header tells are refused where there are several.
        any_phase: take the best of another phase where none can be portal venous.
        explain: is given the table, also where nothing is chosen.
    """

    series_uid: str | None = None
    measure: Callable[[Volume], str] | None = None
    any_phase: bool = False
    explain: Callable[[Selection], None] | None = None


def choose_series(
    found: Sequence[Instance], source: str, how: SeriesChoice, read: Callable[[Series], Volume]
) -> tuple[Series, Selection | None]:
    """The CT series among the instances that was meant, and the table where it was chosen among several.

    Args:
        found: instances of a folder, zip or file.
        source: what messages call it.
        how: see `SeriesChoice`.
        read: makes the volume of a series, to measure it.

    Raises:
        InputError: there is no CT.
        SeriesError: the series asked for is absent, several studies, or no series that can be staged.
        PhaseError: every series of the abdomen states another phase.
    """
    if how.series_uid is not None:
        asked = named_series(found, source, how.series_uid)
        _explain_one(ct_series(found, source), asked.uid, "chosen: asked for by --series", how)
        return asked, None
    series = ct_series(found, source)
    if len(series) == 1:
        _explain_one(series, series[0].uid, "chosen: the only CT series", how)
        return series[0], None
    _require_one_study(found, series, source)
    records = [record_of(one) for one in series]
    selection = select(records, _measuring(series, records, how, read), how.any_phase)
    if how.explain is not None:
        how.explain(selection)
    if selection.chosen is None:
        raise refuse(selection, source)
    return next(one for one in series if one.uid == selection.chosen.uid), selection


def _measuring(
    series: Sequence[Series], records: Sequence[SeriesRecord], how: SeriesChoice, read: Callable[[Series], Volume]
) -> Callable[[SeriesRecord], str] | None:
    """The phase of a record's series, from its organs."""
    measure = how.measure
    if measure is None:
        return None
    return lambda record: measure(read(series[records.index(record)]))


def _explain_one(series: Sequence[Series], uid: str, verdict: str, how: SeriesChoice) -> None:
    """Tell of a choice that needed no rules, the other series with what speaks against them."""
    if how.explain is None:
        return
    records = [record_of(one) for one in series]
    judged = [judge(r, phase) for r, phase in zip(records, phase_evidence(records), strict=True)]
    rows = [
        row_of(j, verdict if one.uid == uid else f"not chosen: {j.against or 'another was asked for'}")
        for one, j in zip(series, judged, strict=True)
    ]
    how.explain(Selection(tuple(sorted(rows, key=lambda row: not row.chosen))))


def _require_one_study(found: Sequence[Instance], series: Sequence[Series], source: str) -> None:
    """Raise SeriesError for several patients or studies, which no choice may mix."""
    headers = [one.instances[0].header for one in series]
    studies = sorted({text(header, "StudyInstanceUID") for header in headers})
    patients = {text(header, "PatientID") for header in headers}
    if len(studies) > 1 or len(patients) > 1:
        of = f"{len(studies)} studies" if len(patients) == 1 else f"{len(patients)} patients"
        named = ", ".join(uid or "one without a UID" for uid in studies)
        raise SeriesError(
            f"{source} holds CT of {of} ({named}); give one study at a time, or choose a series by --series UID."
        )

"""Many CTs into one folder: a folder per scan, a row per scan in ``summary.csv``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from fibrolens.cases import Case, Cases, check_scan_id
from fibrolens.determinism import operations_named
from fibrolens.dispatch import Lost
from fibrolens.engine import Engine
from fibrolens.errors import FibrolensError, InputError, OutputError, UsageError, place_of
from fibrolens.output import MANIFEST, is_done, output_folder
from fibrolens.progress import Progress, silent
from fibrolens.summary import SUMMARY, Summary
from fibrolens.summary_rows import DONE, check_columns

RESULT = "result.json"
#: What every row of ``summary.csv`` tells, whatever is done to the scans.
FIRST_COLUMNS = ("scan_id", "input", "status", "exit_status", "reason")
#: Markers whose value every verb tells there.
VOLUMES = ("liver_volume_ml", "spleen_volume_ml")
#: Exit statuses of scans, the one that a batch ends with first.
WORST_FIRST = (3, 5, 4, 2, 1)


@runtime_checkable
class Scan(Protocol):
    """A CT that was read."""

    @property
    def scan_id(self) -> str:
        """Its name unless the user gives one."""

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What identifies it, for the manifest."""


@runtime_checkable
class Result(Protocol):
    """What became of a CT."""

    @property
    def timings(self) -> Mapping[str, float]:
        """Seconds per step."""

    def to_dict(self) -> dict[str, Any]:
        """The content of its ``result.json``."""


@runtime_checkable
class Work(Protocol):
    """What a verb does to each CT of a batch, with its networks loaded: `stage` or `segment`."""

    @property
    def command(self) -> str:
        """The verb, for the manifest."""

    @property
    def done(self) -> str:
        """What a person reads of a scan that needs nothing again."""

    @property
    def written(self) -> tuple[str, ...]:
        """Names of the files of a scan's folder."""

    @property
    def fingerprint(self) -> dict[str, Any]:
        """Options and weights, for the manifest."""

    def read(self, path: Path) -> Scan:
        """A CT; raises InputError where it is none."""

    def perform(self, scan: Any, scan_id: str) -> Result:
        """Do the work."""

    def write(self, result: Any, folder: Path) -> Mapping[str, float]:
        """Write the scan's files; returns seconds per step."""

    def row(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """The figures for ``summary.csv`` from the content of a ``result.json``."""

    def sentence(self, row: Mapping[str, Any]) -> str:
        """What a person reads of a finished scan."""


@runtime_checkable
class Verb(Protocol):
    """A verb with its options, without its networks: small enough to be sent to other processes."""

    @property
    def doing(self) -> str:
        """Title of the progress bar."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Of ``summary.csv`` behind `FIRST_COLUMNS`."""

    def __hash__(self) -> int:
        """Of its options: a process that works for others loads the networks of a verb once."""

    def load(self) -> Work:
        """Get ready to work; raises ModelError where the weights cannot be used."""


@dataclass(frozen=True)
class Outcome:
    """What became of one input.

    Args:
        row: its cells of ``summary.csv``.
        said: what a person reads of it.
        exit_status: 0, or that of its error.
    """

    row: dict[str, Any]
    said: str
    exit_status: int = 0


@dataclass(frozen=True)
class Place:
    """Where the results go.

    Args:
        out: folder of the scans' folders and of ``summary.csv``.
        scan_id: name of the folder; None takes the scan's own.
        overwrite: replace results of other inputs or options.
        unnamed: what the table and the results call an input, by its path, where neither may say it; what errors say is
            left out of the table then, for they name files and series. None calls it by its path.
    """

    out: Path
    scan_id: str | None = None
    overwrite: bool = False
    unnamed: Callable[[str], str] | None = None

    def prepare(self, columns: tuple[str, ...]) -> None:
        """Check that results can be written, before any weights are loaded.

        Raises:
            UsageError: a scan id that cannot name a folder, or a summary of another verb.
            OutputError: the folder cannot be written.
        """
        if self.scan_id is not None:
            check_scan_id(self.scan_id)
        _require_folder(self.out)
        check_columns(self.out / SUMMARY, columns)


class _TwinError(UsageError):
    """An input whose scan id is that of another."""


@dataclass(frozen=True)
class _Desk:
    """What a process needs to know of the run that it works for.

    Args:
        out: folder of the scans' folders.
        overwrite: replace results of other inputs or options.
        unnamed: as in `Place`.
        scratch: where folders are written before they are put in place.
        began_ns: when the run began, by the clock of the file system.
    """

    out: Path
    overwrite: bool
    unnamed: Callable[[str], str] | None
    scratch: Path
    began_ns: int

    def name(self, path: Path) -> str:
        """What the table and the results call an input."""
        return str(path) if self.unnamed is None else self.unnamed(str(path))

    def row_of(self, case: Case) -> dict[str, Any]:
        """The beginning of a case's row."""
        return {"input": self.name(case.path), "scan_id": case.scan_id or ""}

    def failure(self, row: dict[str, Any], error: FibrolensError | str) -> Outcome:
        """The outcome of a case that could not be done, for an error or a defect."""
        exit_status = FibrolensError.exit_status if isinstance(error, str) else error.exit_status
        status = "refused" if isinstance(error, InputError) else "not done"
        kind = "a defect" if isinstance(error, str) else type(error).__name__.strip("_")
        reason = str(error) if self.unnamed is None else f"{kind}; what was said of it may name the patient."
        row = row | {"status": status, "exit_status": exit_status, "reason": reason}
        return Outcome(row, f"fibrolens: {error}", exit_status)

    def require_first(self, folder: Path, path: Path) -> None:
        """Raise _TwinError where another input of this run has the scan id, and made `folder`."""
        try:
            is_new = (folder / MANIFEST).stat().st_mtime_ns >= self.began_ns
            other = json.loads((folder / RESULT).read_text(encoding="utf-8"))["input"]["path"]
        except FileNotFoundError:
            return
        if is_new and other != self.name(path):
            raise _TwinError(f"{path} has the scan id {folder.name} of {other}; give it alone with another --scan-id.")


def run_batch(verb: Verb, cases: Cases, place: Place, engine: Engine) -> int:
    """Do a verb's work on every CT; a refused one is a row of ``summary.csv`` and leaves no folder.

    Args:
        verb: what is done.
        cases: any number; they are taken as they are needed.
        place: where the results go.
        engine: where the work is done; entered here.

    Returns:
        0; 3 where a scan was refused, else 5 or 4 where its output or the model failed, else 2 where a result of other
        options was in the way, else 1 where there was a defect or processes were ended.

    Raises:
        ModelError: the weights cannot be used.
        OutputError: the folder cannot be written.
    """
    place.prepare((*FIRST_COLUMNS, *verb.columns))
    statuses = set()
    # One CT takes seconds; a bar is for those who wait for many.
    with (
        Summary(place.out, (*FIRST_COLUMNS, *verb.columns)) as summary,
        engine,
        Progress(len(cases), verb.doing) if len(cases) > 1 else silent() as progress,
    ):
        desk = _Desk(place.out, place.overwrite, place.unnamed, summary.scratch, summary.began_ns)
        for outcome in _outcomes(verb, cases, desk, engine):
            (sys.stderr if outcome.exit_status else sys.stdout).write(f"{outcome.said}\n")
            summary.add(outcome.row)
            statuses.add(outcome.exit_status)
            progress.advance()
    return next((status for status in WORST_FIRST if status in statuses), 0)


def volumes(markers: Mapping[str, float | None]) -> dict[str, str]:
    """The volumes for ``summary.csv``; empty where one is not measurable."""
    return {name: "" if (value := markers[name]) is None else f"{value:.1f}" for name in VOLUMES}


def _outcomes(verb: Verb, cases: Cases, desk: _Desk, engine: Engine) -> Iterator[Outcome]:
    """What becomes of each case, in the order in which they end."""
    if engine.apart:
        work_apart = partial(_do_apart, verb, desk)
        found = engine.stream(work_apart, cases, prepare=partial(_get_ready, verb))
    else:
        # A defect over a single CT may end everything, which shows where it is.
        do = _do_one if len(cases) == 1 else _do_any
        found = engine.stream(partial(do, verb.load(), desk), cases)
    for case, outcome in found:
        if isinstance(outcome, Lost):
            reason = f"{case.path} ended {outcome.attempts} worker processes, perhaps for want of memory; try it alone."
            yield desk.failure(desk.row_of(case), reason)
        else:
            yield outcome


@lru_cache(maxsize=1)
def _loaded(verb: Verb) -> Work:
    """The networks, loaded once by each process that works for others."""
    return verb.load()


def _get_ready(verb: Verb) -> None:
    _loaded(verb)


def _do_apart(verb: Verb, desk: _Desk, case: Case) -> Outcome:
    return _do_any(_loaded(verb), desk, case)


def _do_any(work: Work, desk: _Desk, case: Case) -> Outcome:
    """One case, whose defects too become its outcome: in a batch every scan is tried."""
    try:
        return _do_one(work, desk, case)
    except Exception as error:  # noqa: BLE001  (one scan of a million must not end the others)
        reason = f"{case.path} met a defect of fibrolens ({place_of(error)}); run it alone with --debug and report it."
        return desk.failure(desk.row_of(case), reason)


def _do_one(work: Work, desk: _Desk, case: Case) -> Outcome:
    """One case; its own errors become its outcome."""
    row = desk.row_of(case)
    try:
        scan = work.read(case.path)
        scan_id = case.scan_id or scan.scan_id
        check_scan_id(scan_id)
        folder = desk.out / scan_id
        desk.require_first(folder, case.path)
        row["scan_id"] = scan_id
        # Only the terminal tells which CT has become which scan without its patient.
        called = scan_id if desk.unnamed is None else f"{case.path} is {scan_id}"
        run = {"command": work.command, **scan.fingerprint, **work.fingerprint}
        if is_done(folder, run, desk.overwrite, work.written):
            return _finished(work, folder, row, called, unchanged=True)
        with operations_named():
            result = work.perform(scan, scan_id)
        timings = dict(result.timings)
        with output_folder(folder, run, timings, desk.scratch) as inside:
            timings.update(work.write(result, inside))
            # Another process may have had the same scan id meanwhile.
            desk.require_first(folder, case.path)
        return _finished(work, folder, row, called)
    except _TwinError as error:
        return desk.failure(row | {"scan_id": ""}, error)
    except FibrolensError as error:
        return desk.failure(row, error)


def _finished(work: Work, folder: Path, row: dict[str, Any], called: str, unchanged: bool = False) -> Outcome:
    """A finished scan, from what its folder holds: writing may have added warnings."""
    content = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    row = row | {"status": DONE, "exit_status": 0, **work.row(content)}
    said = (
        f"already {work.done} with the same input and options"
        if unchanged
        else f"{work.sentence(row)}; research use only"
    )
    return Outcome(row, f"{called}: {said}")


def _require_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".fibrolens-probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror}. Choose another --out.") from None

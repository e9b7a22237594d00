"""Many CTs into one folder: a folder per scan, a row per scan in ``summary.csv``."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from fibrolens.errors import FibrolensError, InputError, OutputError, UsageError
from fibrolens.output import MANIFEST, is_done, output_folder
from fibrolens.progress import Progress, silent

RESULT = "result.json"
#: What every row of ``summary.csv`` tells, whatever is done to the scans.
FIRST_COLUMNS = ("scan_id", "input", "status", "exit_status", "reason")
#: Markers whose value every verb tells there.
VOLUMES = ("liver_volume_ml", "spleen_volume_ml")
#: Characters that no scan id may hold, for it becomes the name of a folder.
LONGEST_ID = 150
FORBIDDEN = set('/\\:*?"<>|\0')


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
    """What a verb does to each CT of a batch: `stage` or `segment`."""

    @property
    def command(self) -> str:
        """The verb, for the manifest."""

    @property
    def done(self) -> str:
        """What a person reads of a scan that needs nothing again."""

    @property
    def doing(self) -> str:
        """Title of the progress bar."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Of ``summary.csv`` behind `FIRST_COLUMNS`."""

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


@dataclass(frozen=True)
class Outcome:
    """What became of one input."""

    row: dict[str, Any]
    exit_status: int = 0
    unchanged: bool = False


@dataclass(frozen=True)
class Place:
    """Where the results go.

    Args:
        out: folder of the scans' folders and of ``summary.csv``.
        scan_id: name of the folder; None takes the scan's own.
        overwrite: replace results of other inputs or options.
    """

    out: Path
    scan_id: str | None = None
    overwrite: bool = False

    def prepare(self, columns: tuple[str, ...]) -> None:
        """Check that results can be written, before any weights are loaded.

        Raises:
            UsageError: a scan id that cannot name a folder, or a summary of another verb.
            OutputError: the folder cannot be written.
        """
        if self.scan_id is not None:
            check_scan_id(self.scan_id)
        _require_folder(self.out)
        _read_summary(self.out / "summary.csv", columns)


def run_batch(work: Work, inputs: Sequence[Path], place: Place) -> int:
    """Do the work on every input; a refused one is a row of ``summary.csv`` and leaves no folder.

    Returns:
        0; 3 where a scan was refused, else 5 or 4 where its output or the model failed, else 2 where a result of other
        options was in the way.

    Raises:
        OutputError: the folder cannot be written.
    """
    claims = _Claims(place.scan_id, {})
    outcomes = []
    # One CT takes seconds; a bar is for those who wait for many.
    with Progress(len(inputs), work.doing) if len(inputs) > 1 else silent() as progress:
        for path in inputs:
            outcome = _do_one(work, path, place, claims)
            outcomes.append(outcome)
            _say(work, outcome)
            _update_summary(place.out, outcome.row, (*FIRST_COLUMNS, *work.columns))
            progress.advance()
    return next((s for s in (3, 5, 4, 2) if any(o.exit_status == s for o in outcomes)), 0)


def volumes(markers: Mapping[str, float | None]) -> dict[str, str]:
    """The volumes for ``summary.csv``; empty where one is not measurable."""
    return {name: "" if (value := markers[name]) is None else f"{value:.1f}" for name in VOLUMES}


def check_scan_id(scan_id: str) -> None:
    """Raise UsageError where `scan_id` cannot be the name of a folder."""
    nameable = bool(scan_id.strip(". ")) and scan_id.isprintable() and len(scan_id) <= LONGEST_ID
    if not nameable or FORBIDDEN & set(scan_id) or scan_id.startswith("."):
        raise UsageError(f"The scan id {scan_id!r} cannot name a folder; use letters, digits, '-' and '_'.")


@dataclass(frozen=True)
class _Claims:
    scan_id: str | None
    taken: dict[str, Path]

    def claim(self, default: str, path: Path) -> str:
        """The scan id for `path`, which no other input of this batch may have."""
        scan_id = self.scan_id or default
        check_scan_id(scan_id)
        if scan_id in self.taken:
            raise UsageError(
                f"{path} has the scan id {scan_id} of {self.taken[scan_id]}; give it alone with another --scan-id."
            )
        self.taken[scan_id] = path
        return scan_id


def _do_one(work: Work, path: Path, place: Place, claims: _Claims) -> Outcome:
    """One input; its own errors become its outcome."""
    row: dict[str, Any] = {"input": str(path), "scan_id": place.scan_id or ""}
    try:
        scan = work.read(path)
        scan_id = row["scan_id"] = claims.claim(scan.scan_id, path)
        run = {"command": work.command, **scan.fingerprint, **work.fingerprint}
        folder = place.out / scan_id
        if is_done(folder, run, place.overwrite, work.written):
            return Outcome(row | _finished(work, folder), unchanged=True)
        result = work.perform(scan, scan_id)
        timings = dict(result.timings)
        with output_folder(folder, run, timings) as inside:
            timings.update(work.write(result, inside))
        return Outcome(row | _finished(work, folder))
    except FibrolensError as error:
        status = "refused" if isinstance(error, InputError) else "not done"
        return Outcome(row | _failure(status, error), error.exit_status)


def _finished(work: Work, folder: Path) -> dict[str, Any]:
    """The row of a finished scan, from what its folder holds: writing may have added warnings."""
    content = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    return {"status": "done", "exit_status": 0, **work.row(content)}


def _failure(status: str, error: FibrolensError) -> dict[str, Any]:
    return {"status": status, "exit_status": error.exit_status, "reason": str(error)}


def _say(work: Work, outcome: Outcome) -> None:
    row = outcome.row
    name = row["scan_id"] or row["input"]
    if outcome.exit_status:
        sys.stderr.write(f"fibrolens: {row['reason']}\n")
    elif outcome.unchanged:
        sys.stdout.write(f"{name}: already {work.done} with the same input and options\n")
    else:
        sys.stdout.write(f"{name}: {work.sentence(row)}; research use only\n")


def _require_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".fibrolens-probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror}. Choose another --out.") from None


def _update_summary(out: Path, row: dict[str, Any], columns: tuple[str, ...]) -> None:
    """Replace the row of this scan, keep the others; the file is whole at any time.

    A row whose scan folder stands is not replaced by an attempt that left the folder as it was.
    """
    path = out / "summary.csv"
    rows = _read_summary(path, columns)
    stands = bool(row["scan_id"]) and (out / row["scan_id"] / MANIFEST).exists()
    if row["exit_status"] and stands and any(_same(r, row) and r["status"] == "done" for r in rows):
        return
    # A scan that could not be read had no id yet; once it can, its refusal is history.
    rows = [r for r in rows if not _same(r, row) and (r["scan_id"] or r["input"] != row["input"])]
    rows.append(row)
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    aside = path.with_name(f".{path.name}.partial")
    try:
        aside.write_text(text.getvalue(), encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        raise OutputError(f"{path} could not be written: {error.strerror}. Choose another --out.") from None


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two rows are of one scan: by its id, or by the input where there is no id."""
    key = "scan_id" if one["scan_id"] or other["scan_id"] else "input"
    return bool(one[key] == other[key])


def _read_summary(path: Path, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            table = csv.DictReader(stream)
            if tuple(table.fieldnames or ()) != columns:
                raise UsageError(f"{path} is not a summary of this verb; move it away or choose another --out.")
            return list(table)
    except (OSError, ValueError) as error:
        raise OutputError(f"{path} cannot be read ({error}); move it away or choose another --out.") from None

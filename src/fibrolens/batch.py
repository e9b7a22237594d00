"""Staging many CTs into one folder: a folder per scan, a row per scan in ``summary.csv``."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fibrolens.errors import FibrolensError, InputError, OutputError, UsageError
from fibrolens.output import MANIFEST, is_done, output_folder
from fibrolens.pipeline import Models, StageOptions, StagingInput
from fibrolens.plan import STAGES
from fibrolens.progress import Progress, silent
from fibrolens.report.patient import RESULT, WRITTEN, write_result

COLUMNS = (
    "scan_id",
    "input",
    "status",
    "exit_status",
    "reason",
    "predicted",
    "expected",
    *(f"p_{stage}" for stage in STAGES),
    "liver_volume_ml",
    "spleen_volume_ml",
    "phase",
    "forced",
    "warnings",
)
#: Characters that no scan id may hold, for it becomes the name of a folder.
LONGEST_ID = 150
FORBIDDEN = set('/\\:*?"<>|\0')


@dataclass(frozen=True)
class Outcome:
    """What became of one input."""

    row: dict[str, Any]
    exit_status: int = 0
    unchanged: bool = False


def stage_batch(
    inputs: Sequence[Path],
    out: Path,
    options: StageOptions,
    scan_id: str | None = None,
    overwrite: bool = False,
) -> int:
    """Stage every input; a refused one is a row of ``summary.csv`` and leaves no folder.

    Returns:
        0, or the gravest exit status: 3 where a scan was refused, 2 where a result of other options was in the way.

    Raises:
        UsageError: options for one scan with several inputs, or a scan id that cannot name a folder.
        ModelError: the weights cannot be used.
        OutputError: `out` cannot be written.
    """
    if len(inputs) > 1 and (scan_id is not None or options.masks.given or options.series_uid is not None):
        raise UsageError("--scan-id, --series and own masks belong to one scan; give a single INPUT with them.")
    if scan_id is not None:
        check_scan_id(scan_id)
    _require_folder(out)
    _read_summary(out / "summary.csv")
    models = Models.load(options.model, options.segmentation_model)
    taken: dict[str, Path] = {}
    outcomes = []
    # One CT takes seconds; a bar is for those who wait for many.
    with Progress(len(inputs), "staging") if len(inputs) > 1 else silent() as progress:
        for path in inputs:
            outcome = _stage_one(path, out, options, models, _Naming(scan_id, taken, overwrite))
            outcomes.append(outcome)
            _say(outcome)
            _update_summary(out / "summary.csv", outcome.row, out)
            progress.advance()
    return next((s for s in (5, 4, 3, 2) if any(o.exit_status == s for o in outcomes)), 0)


def check_scan_id(scan_id: str) -> None:
    """Raise UsageError where `scan_id` cannot be the name of a folder."""
    nameable = bool(scan_id.strip(". ")) and scan_id.isprintable() and len(scan_id) <= LONGEST_ID
    if not nameable or FORBIDDEN & set(scan_id) or scan_id.startswith("."):
        raise UsageError(f"The scan id {scan_id!r} cannot name a folder; use letters, digits, '-' and '_'.")


@dataclass(frozen=True)
class _Naming:
    scan_id: str | None
    taken: dict[str, Path]
    overwrite: bool

    def claim(self, default: str, path: Path) -> str:
        """The scan id for `path`, which no other input of this batch may have."""
        scan_id = self.scan_id or default
        check_scan_id(scan_id)
        if scan_id in self.taken:
            raise UsageError(
                f"{path} has the scan id {scan_id} of {self.taken[scan_id]}; stage it alone with another --scan-id."
            )
        self.taken[scan_id] = path
        return scan_id


def _stage_one(path: Path, out: Path, options: StageOptions, models: Models, naming: _Naming) -> Outcome:
    """Stage one input; its own errors become its outcome."""
    row: dict[str, Any] = {"input": str(path), "scan_id": naming.scan_id or ""}
    try:
        case = StagingInput.read(path, options)
        scan_id = row["scan_id"] = naming.claim(case.scan_id, path)
        run = {"command": "stage", **case.fingerprint, **options.fingerprint, "models": models.fingerprint}
        if is_done(out / scan_id, run, naming.overwrite, WRITTEN):
            content = json.loads((out / scan_id / RESULT).read_text(encoding="utf-8"))
            return Outcome(row | result_row(content), unchanged=True)
        result = case.stage(models, options, scan_id)
        timings = dict(result.timings)
        with output_folder(out / scan_id, run, timings) as folder:
            timings.update(write_result(result, folder, all_maps=options.all_maps))
        return Outcome(row | result_row(result.to_dict()))
    except FibrolensError as error:
        status = "refused" if isinstance(error, InputError) else "not done"
        return Outcome(row | _failure(status, error), error.exit_status)


def result_row(content: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of a staged scan for ``summary.csv``, from the content of its ``result.json``."""
    stage, markers, quality = content["stage"], content["markers"], content["quality"]
    volumes = {
        name: "" if markers[name] is None else f"{markers[name]:.1f}"
        for name in ("liver_volume_ml", "spleen_volume_ml")
    }
    return {
        "status": "done",
        "exit_status": 0,
        "predicted": stage["predicted"],
        "expected": f"{stage['expected']:.3f}",
        **{f"p_{name}": f"{probability:.4f}" for name, probability in stage["probabilities"].items()},
        **volumes,
        "phase": quality["phase"],
        "forced": str(quality["forced"]).lower(),
        "warnings": " ".join(content["warnings"]),
    }


def _failure(status: str, error: FibrolensError) -> dict[str, Any]:
    return {"status": status, "exit_status": error.exit_status, "reason": str(error)}


def _say(outcome: Outcome) -> None:
    row = outcome.row
    name = row["scan_id"] or row["input"]
    if outcome.exit_status:
        sys.stderr.write(f"fibrolens: {row['reason']}\n")
    elif outcome.unchanged:
        sys.stdout.write(f"{name}: already staged with the same input and options\n")
    else:
        forced = "FORCED, " if row["forced"] == "true" else ""
        sys.stdout.write(f"{name}: {row['predicted']} (expected stage {row['expected']}); {forced}research use only\n")


def _require_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".fibrolens-probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror}. Choose another --out.") from None


def _update_summary(path: Path, row: dict[str, Any], out: Path) -> None:
    """Replace the row of this scan, keep the others; the file is whole at any time.

    A row whose scan folder stands is not replaced by an attempt that left the folder as it was.
    """
    rows = _read_summary(path)
    stands = bool(row["scan_id"]) and (out / row["scan_id"] / MANIFEST).exists()
    if row["exit_status"] and stands and any(_same(r, row) and r["status"] == "done" for r in rows):
        return
    rows = [r for r in rows if not _same(r, row)]
    rows.append(row)
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
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


def _read_summary(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            table = csv.DictReader(stream)
            if tuple(table.fieldnames or ()) != COLUMNS:
                raise UsageError(f"{path} is not a summary of fibrolens; move it away or choose another --out.")
            return list(table)
    except (OSError, ValueError) as error:
        raise OutputError(f"{path} cannot be read ({error}); move it away or choose another --out.") from None

"""The folder of a cohort while it is being filled: begun with ``run.json``, gone on with after an interruption.

Each scan is written under ``.unfinished/scans`` and moved to its place file by file; its record, under
``.unfinished/records``, comes last and says that the scan is done. So every file in its place is whole.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any

from fibrolens.errors import OutputError, UsageError
from fibrolens.output import read_manifest, write_json

#: What a cohort is made from, written first, so that a later run can tell whether it may go on.
RUN = "run.json"
UNFINISHED = ".unfinished"
RECORDS, SCANS = f"{UNFINISHED}/records", f"{UNFINISHED}/scans"


class State(Enum):
    """What stands in a folder: the whole cohort that is wanted, a part of it, or nothing that must stay."""

    COMPLETE = 1
    BEGUN = 2
    FREE = 3


def state(out: Path, run: Mapping[str, Any], overwrite: bool = False) -> State:
    """What stands in `out`; nothing is changed.

    Args:
        out: the folder.
        run: what determines the cohort.
        overwrite: a cohort of other options, finished or not, may be replaced.

    Raises:
        UsageError: it holds something else, or a cohort of other options and `overwrite` is not set.
        OutputError: it cannot be read.
    """
    wanted = json.loads(json.dumps(run))
    with writing(out):
        manifest = read_manifest(out) if out.is_dir() else None
        found = _begun(out) if manifest is None else manifest.get("run")
        if found == wanted:
            return State.BEGUN if manifest is None else State.COMPLETE
        if isinstance(found, dict) and found.get("command") == run["command"]:
            if not overwrite:
                raise UsageError(f"{out} holds a cohort of other options; choose another --out or use --overwrite.")
        elif out.exists() and not (out.is_dir() and _is_empty(out)):
            raise UsageError(f"{out} exists and is not a simulated cohort; choose another --out.")
    return State.FREE


def begin(out: Path, run: Mapping[str, Any], found: State) -> None:
    """Make `out` ready to be filled, or to be filled further.

    Args:
        out: the folder.
        run: what determines the cohort.
        found: its `state`; what stands in a free folder is removed.

    Raises:
        OutputError: it cannot be made.
    """
    with writing(out):
        if found is State.FREE:
            _remove(out.absolute())
            out.mkdir(parents=True)
            write_aside(run, out / RUN)
        # What an interrupted run had not moved to its place is made anew.
        shutil.rmtree(out / SCANS, ignore_errors=True)
        (out / SCANS).mkdir(parents=True)
        (out / RECORDS).mkdir(exist_ok=True)


def require_space(out: Path, needed: float) -> None:
    """Refuse to begin what the disk cannot hold.

    Args:
        out: a folder that need not exist yet.
        needed: bytes.

    Raises:
        OutputError: less is free where `out` would stand.
    """
    parent = next(p for p in (out.absolute(), *out.absolute().parents) if p.exists())
    free = float(shutil.disk_usage(parent).free)
    if needed > free:
        raise OutputError(
            f"The cohort needs about {_size(needed)}, but {parent} has {_size(free)} free; "
            "free some space, choose another --out, or ask for fewer patients or --grid small."
        )


def write_aside(content: Any, path: Path) -> None:
    """Write a JSON file that appears whole."""
    aside = path.with_name(f".{path.name}.partial")
    write_json(content, aside)
    aside.replace(path)


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Turn an error of the file system inside the block into a sentence about `out`.

    Raises:
        OutputError: a file could not be written.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"{out} could not be written ({reason}); free some space or choose another --out, and start again to go on."
        ) from error


def _remove(out: Path) -> None:
    """Remove a cohort; it is renamed first, since half removed it could not be told from a folder that is not ours."""
    if out.exists():
        old = out.with_name(f".{out.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        out.rename(old)
        shutil.rmtree(old)


def _is_empty(folder: Path) -> bool:
    return next(folder.iterdir(), None) is None


def _begun(out: Path) -> Any:
    """The run that was begun in `out`, or None."""
    try:
        return json.loads((out / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _size(amount: float) -> str:
    return f"{amount / 1e9:.1f} GB" if amount >= 1e8 else f"{amount / 1e6:.1f} MB"

"""Folders that are filled over hours: begun with ``run.json``, gone on with while it fits, complete with a manifest."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any

from fibrolens.aside import aside_of
from fibrolens.errors import OutputError, UsageError
from fibrolens.jsonfile import read_json
from fibrolens.output import read_manifest, write_json, write_manifest

#: What a result is made from, written first, so that a later run can tell whether it may go on.
RUN = "run.json"


class State(Enum):
    """What stands in a folder: the whole result that is wanted, a part of it, or nothing that must stay."""

    COMPLETE = 1
    BEGUN = 2
    FREE = 3


def state(out: Path, run: Mapping[str, Any], overwrite: bool = False) -> State:
    """What stands in `out`; nothing is changed.

    Args:
        out: the folder.
        run: inputs and options that determine the result; its ``command`` tells whose folder it is.
        overwrite: what the same command left there from other inputs or options, finished or not, may be replaced. What
            the same inputs and options began is gone on with all the same: it may hold the work of hours.

    Raises:
        UsageError: it holds something else, or such a result and `overwrite` is not set.
        OutputError: it cannot be read.
    """
    wanted = json.loads(json.dumps(run))
    with writing(out):
        manifest = _manifest(out) if out.is_dir() else None
        found = _begun(out) if manifest is None else manifest.get("run")
        if found == wanted:
            return State.BEGUN if manifest is None else State.COMPLETE
        if isinstance(found, dict) and found.get("command") == run["command"]:
            if not overwrite:
                raise UsageError(
                    f"{out} holds a result of other inputs or options; choose another --out or use --overwrite."
                )
        elif out.exists() and not (out.is_dir() and _is_empty(out)):
            raise UsageError(f"{out} exists and was not made by fibrolens {run['command']}; choose another --out.")
    return State.FREE


def begin(out: Path, run: Mapping[str, Any], found: State) -> None:
    """Make `out` ready to be filled, or to be filled further.

    Args:
        out: the folder.
        run: inputs and options that determine the result.
        found: its `state`; what stands in a free folder is removed.

    Raises:
        OutputError: it cannot be made.
    """
    if found is State.FREE:
        with writing(out):
            _remove(out.absolute())
            out.mkdir(parents=True)
            write_json(run, out / RUN)


def complete(out: Path, run: Mapping[str, Any], timings: Mapping[str, float], work: str) -> None:
    """Write the manifest of a folder, then remove what only its making needed.

    In this order, for the work of hours may be lost only once the result is there.

    Args:
        out: the folder, which holds everything else.
        run: as it was begun with.
        timings: seconds per step.
        work: name of the folder inside that only the making needed.
    """
    write_manifest(out, run, timings, without=work)
    tidy(out, work)


def tidy(out: Path, work: str) -> None:
    """Remove what an end right after the manifest left of the making."""
    shutil.rmtree(out / work, ignore_errors=True)


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
    """Remove a result; it is renamed first, since half removed it could not be told from a folder that is not ours."""
    if out.exists():
        old = out.with_name(f".{out.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        out.rename(old)
        shutil.rmtree(old)


def _is_empty(folder: Path) -> bool:
    """Whether nothing stands there but, at most, the first file that was cut off while it was written."""
    return all(entry.name == aside_of(folder / RUN).name for entry in folder.iterdir())


def _manifest(out: Path) -> dict[str, Any] | None:
    """The manifest; one that cannot be read is none where we know what was begun there."""
    try:
        return read_manifest(out)
    except OutputError:
        if _begun(out) is None:
            raise
        return None


def _begun(out: Path) -> Any:
    """The run that was begun in `out`, or None."""
    try:
        return read_json(out / RUN)
    except (OSError, ValueError):
        return None

"""Folders that appear whole: written aside, renamed into place, their ``manifest.json`` last.

A folder is complete exactly when its manifest exists. Everything that may differ between two equal runs (times) stands
in the manifest alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fibrolens import __version__
from fibrolens.aside import appearing, aside_of, write_whole
from fibrolens.clock import created, timeless
from fibrolens.errors import OutputError, UsageError
from fibrolens.jsonfile import read_json
from fibrolens.workers import threads_asked

MANIFEST = "manifest.json"
SCHEMA_VERSION = 1


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes as hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_json(content: Any, path: Path, private: bool = False) -> None:
    """Write JSON with sorted keys by `write_whole`; a value that JSON cannot hold (NaN) is an error of ours."""
    write_whole(path, _text(content), private)


def _text(content: Any) -> str:
    return json.dumps(content, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a complete folder, or None where the folder is absent or incomplete."""
    try:
        content = read_json(folder / MANIFEST)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise OutputError(
            f"{folder / MANIFEST} cannot be read ({error}); remove the folder or use --overwrite."
        ) from None
    if not isinstance(content, dict):
        raise OutputError(f"{folder / MANIFEST} is no manifest; remove the folder or use --overwrite.")
    return content


def is_done(folder: Path, run: Mapping[str, Any], overwrite: bool = False, ours: Collection[str] = ()) -> bool:
    """Whether `folder` already holds the complete result of the same run (same inputs and options).

    Args:
        folder: where the result stands or shall stand.
        run: inputs and options that determine the result.
        overwrite: the result of a different run may be replaced.
        ours: names that an incomplete result may hold; with others beside them the folder is somebody else's.

    Raises:
        UsageError: it holds the result of a different run and `overwrite` is not set, or that of another verb, or it is
            not ours to replace, which `overwrite` does not change.
    """
    if not folder.exists():
        return False
    manifest = read_manifest(folder)
    if manifest is None or "fibrolens" not in manifest:
        if folder.is_dir() and all(entry.name in ours for entry in folder.iterdir()):
            return False
        raise UsageError(f"{folder} exists and is not a fibrolens result; choose another folder.")
    found = manifest.get("run")
    made_by = found.get("command") if isinstance(found, dict) else None
    if made_by != run.get("command"):
        raise UsageError(f"{folder} holds a result of fibrolens {made_by or 'another verb'}; choose another --out.")
    if overwrite:
        return False
    if found == _as_json(run):
        return True
    raise UsageError(f"{folder} holds a result of other inputs or options; choose another --out or use --overwrite.")


@contextmanager
def output_folder(
    folder: Path, run: Mapping[str, Any], timings: Mapping[str, float] | None = None, scratch: Path | None = None
) -> Iterator[Path]:
    """Yield a folder to write into; on success it becomes `folder`, on any error nothing is left of it.

    Args:
        folder: where the result shall stand; what stood there is replaced (see `is_done` for the check before).
        run: inputs and options that determine the result, for the manifest.
        timings: seconds per step; read when the block ends, so a dictionary may be filled inside.
        scratch: existing folder on the same file system, where several processes may write aside at once, each under a
            name of its own; None writes beside `folder`, which one process may do.

    Raises:
        OutputError: the folder cannot be written.
    """
    folder = folder.absolute()
    name = f".{folder.name}" if scratch is None else f"{folder.name}.{secrets.token_hex(4)}"
    aside, old = ((scratch or folder.parent).absolute() / f"{name}.{end}" for end in ("partial", "old"))
    try:
        _remove(aside)
        # Scratch that is gone belonged to a run that has ended.
        aside.mkdir(parents=scratch is None)
        yield aside
        write_manifest(aside, run, timings or {})
        _remove(old)
        if folder.exists():
            folder.rename(old)
        aside.rename(folder)
        _remove(old)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{folder} could not be written: {reason}. Free space or choose another --out.") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_manifest(
    folder: Path, run: Mapping[str, Any], timings: Mapping[str, float], without: str | None = None
) -> None:
    """Write ``manifest.json``, which makes `folder` complete; everything else must be there already.

    Args:
        folder: the folder that the manifest vouches for.
        run: inputs and options that determine the result.
        timings: seconds per step.
        without: a folder inside that does not belong to the result, if there is one.
    """
    apart = [aside_of(folder / MANIFEST), *([] if without is None else [folder / without])]
    files = sorted(p for p in folder.rglob("*") if p.is_file() and not any(map(p.is_relative_to, apart)))
    # Neither hashing nor waiting for the disk needs the interpreter.
    with ThreadPoolExecutor(threads_asked()) as beside:
        hashes = list(beside.map(_sha256_on_disk, files))
    content = {
        "schema_version": SCHEMA_VERSION,
        "fibrolens": __version__,
        "intended_use": "research use only",
        "run": _as_json(run),
        "files": {str(p.relative_to(folder)): digest for p, digest in zip(files, hashes, strict=True)},
        "created": created(),
        "timings_s": {} if timeless() else {name: round(seconds, 3) for name, seconds in timings.items()},
    }
    with appearing(folder / MANIFEST) as aside:
        aside.write_text(_text(content), encoding="utf-8")
        _to_disk(aside)


def _sha256_on_disk(path: Path) -> str:
    """The hash of a file that is on the disk: the manifest, which vouches for it, must not reach that before it."""
    digest = file_sha256(path)
    _to_disk(path)
    return digest


def _to_disk(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _as_json(run: Mapping[str, Any]) -> Any:
    """`run` as it reads back from a JSON file, so that tuples and lists compare equal."""
    return json.loads(json.dumps(run, sort_keys=True))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()

"""Folders that are filled over hours: begun with ``run.json``, resumed while it fits, complete with the manifest."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from fibrolens.errors import OutputError, UsageError
from fibrolens.output import read_manifest, write_json

#: What a result is made from, written first, so that a later run can tell whether it may go on.
RUN = "run.json"


def begin(out: Path, run: Mapping[str, Any], overwrite: bool = False) -> bool:
    """Whether `out` holds the result of `run`, complete; otherwise make it ready to begin or to go on.

    Args:
        out: the folder.
        run: inputs and options that determine the result.
        overwrite: what a run of the same command with other inputs left there, finished or not, may be removed.

    Raises:
        UsageError: it holds something else.
        OutputError: it cannot be made.
    """
    wanted = json.loads(json.dumps(run))
    manifest = read_manifest(out) if out.is_dir() else None
    if manifest is not None and manifest.get("run") == wanted:
        return True
    begun = _begun(out)
    if manifest is None and begun == wanted:
        return False
    try:
        if overwrite and begun is not None and begun.get("command") == run["command"]:
            shutil.rmtree(out)
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UsageError(
                f"{out} holds the result of other inputs or options, or something else; "
                "choose another --out or remove it."
            )
        out.mkdir(parents=True, exist_ok=True)
        write_json(wanted, out / RUN)
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror}. Choose another --out.") from None
    return False


def digest(weights: Mapping[str, Tensor] | None) -> str | None:
    """SHA-256 over names and values."""
    if weights is None:
        return None
    found = hashlib.sha256()
    for name in sorted(weights):
        found.update(name.encode() + weights[name].detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def _begun(out: Path) -> dict[str, Any] | None:
    """What was begun in `out`, or None."""
    try:
        content = json.loads((out / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None

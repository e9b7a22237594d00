"""``result.json`` without what leads back to the patient: paths, file names, hashes and UIDs of the source."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fibrolens.deidentify.key import Key

#: How the warnings begin that quote an error about the source; what follows may name a series or a file.
QUOTING = ("DICOM objects were not written",)
CHOSEN = "The choice between the series of the study was close."


@dataclass(frozen=True)
class Renamed:
    """The new names of what a result speaks of.

    Args:
        scan_id: of the scan.
        path: of the CT in the export.
        sha256: of the exported CT.
        series_uid: of the exported series; None for other formats.
    """

    scan_id: str
    path: str
    sha256: str
    series_uid: str | None


def new_content(content: Mapping[str, Any], new: Renamed, rewrite: Callable[[str], str]) -> dict[str, Any]:
    """The content of the exported ``result.json``.

    Args:
        content: of the result.
        new: names that change.
        rewrite: an old text to the one that stands there instead; see `text_changes`.
    """
    told = _walk(content, rewrite)
    told["scan_id"] = new.scan_id
    told["input"] |= {"path": new.path, "series_uid": new.series_uid, "sha256": new.sha256, "selection": None}
    return dict(told)


def text_changes(content: Mapping[str, Any], source: Path, key: Key) -> tuple[dict[str, str], dict[str, str]]:
    """Texts of a result that change as a whole, and pieces that change wherever they stand.

    Args:
        content: of ``result.json``.
        source: where the CT was given to the export; errors and warnings call it by its name.
        key: replaces hashes of the user's own masks.
    """
    parts = {}
    for organ, mask in content["masks"].items():
        if mask["kind"] == "file":
            parts[str(mask["name"])] = f"own {organ} mask"
            if mask["sha256"]:
                parts[str(mask["sha256"])] = key.digest("mask", str(mask["sha256"]))
    names = {Path(str(content["input"]["path"])).name, str(content["input"]["path"]), source.name}
    selection = content["input"].get("selection") or {}
    sentences = [*content["warnings"], *content["quality"]["reasons"]]
    whole = {old: _sentence(old, names, selection.get("warning")) for old in sentences}
    return {old: new for old, new in whole.items() if old != new}, parts


def _sentence(old: str, names: set[str], chosen: str | None) -> str:
    """A warning or a reason without the name of the input and without what a header says."""
    if old == chosen:
        return CHOSEN
    for start in QUOTING:
        if old.startswith(start):
            return f"{start}."
    for name in sorted(filter(None, names), key=len, reverse=True):
        old = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "the CT", old)
    return old


def _walk(value: Any, rewrite: Callable[[str], str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _walk(inner, rewrite) for name, inner in value.items()}
    if isinstance(value, list):
        return [_walk(inner, rewrite) for inner in value]
    return rewrite(value) if isinstance(value, str) else value

"""``result.json`` without what leads back to the patient: paths, file names, hashes and UIDs of the source."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fibrolens.deidentify.key import Key
from fibrolens.errors import shown
from fibrolens.io.reading import source_name

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
    masks = _mask_names(content)
    told = dict(_walk(content, rewrite, masks))
    told["scan_id"] = new.scan_id
    told["input"] |= {"path": new.path, "series_uid": new.series_uid, "sha256": new.sha256, "selection": None}
    for organ, mask in content["masks"].items():
        told["masks"][organ]["name"] = masks.get(mask["name"], mask["name"])
    return told


def text_changes(content: Mapping[str, Any], source: Path, key: Key) -> tuple[dict[str, str], dict[str, str]]:
    """Sentences of a result that change as a whole, and hashes that change wherever they stand.

    Names of files are replaced in sentences alone: a mask may be called ``F4``, which is a stage elsewhere.

    Args:
        content: of ``result.json``.
        source: where the CT was given to the export; errors and warnings call it by its name.
        key: replaces hashes of the user's own masks.
    """
    own = [str(mask["sha256"]) for mask in content["masks"].values() if mask["kind"] == "file" and mask["sha256"]]
    names = dict.fromkeys(_names(str(content["input"]["path"]), source), "the CT") | _mask_names(content)
    # An error shows a name as a terminal can.
    names |= {shown(name): said for name, said in names.items()}
    selection = content["input"].get("selection") or {}
    sentences = [*content["warnings"], *content["quality"]["reasons"]]
    whole = {old: _sentence(old, names, selection.get("warning")) for old in sentences}
    return {old: new for old, new in whole.items() if old != new}, {old: key.digest("mask", old) for old in own}


def _names(path: str, source: Path) -> Iterator[str]:
    """What sentences may call the CT: its path as given, its name, and its folder's own name where that is ``.``."""
    for name in (path, Path(path).name, str(source), source_name(source), source_name(Path(path))):
        if name.strip("."):
            yield name


def _mask_names(content: Mapping[str, Any]) -> dict[str, str]:
    """The names of the user's own masks, which may be a patient's, and what is said instead."""
    names: dict[str, str] = {}
    for organ, mask in content["masks"].items():
        if mask["kind"] == "file":
            name = str(mask["name"])
            names[name] = "own mask" if name in names else f"own {organ} mask"
    return names


def _sentence(old: str, names: Mapping[str, str], chosen: str | None) -> str:
    """A warning or a reason without names of files and without what a header says."""
    if old == chosen:
        return CHOSEN
    for start in QUOTING:
        if old.startswith(start):
            return f"{start}."
    return _renamed(old, names)


def _renamed(text: str, names: Mapping[str, str]) -> str:
    """Text with every name in it replaced, in one pass: of a name that ends another nothing must be left."""
    longest_first = "|".join(re.escape(name) for name in sorted(filter(None, names), key=len, reverse=True))
    return (
        re.sub(rf"(?<!\w)(?:{longest_first})(?!\w)", lambda found: names[found.group()], text)
        if longest_first
        else text
    )


def _walk(value: Any, rewrite: Callable[[str], str], masks: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {
            name: _renamed(inner, masks)
            if name == "mask_source" and isinstance(inner, str)
            else _walk(inner, rewrite, masks)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_walk(inner, rewrite, masks) for inner in value]
    return rewrite(value) if isinstance(value, str) else value

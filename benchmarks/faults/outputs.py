"""What a run has left: its files without what may differ between two equal runs, and those that are not whole."""

import csv
import gzip
import hashlib
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pydicom

#: Of ``manifest.json``: the contract's fields that are no function of inputs, options and seed.
VOLATILE = ("created", "timings_s")
#: Of DICOM headers.
TIMES = ("DA", "TM", "DT")
#: Files that grow line by line, and are whole after every line.
GROWING = ("summary.csv", "train_log.jsonl")
MANIFEST = "manifest.json"

Files = Mapping[str, str]


def found(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a folder, the contract's volatile fields aside."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(masked(path)).hexdigest() for path in files}


def masked(path: Path) -> bytes:
    """The bytes of a file without the fields that may differ between two equal runs."""
    if path.name == MANIFEST:
        content = json.loads(path.read_text(encoding="utf-8"))
        kept = {name: value for name, value in content.items() if name not in VOLATILE}
        kept["files"] = {name: sha for name, sha in content["files"].items() if not name.endswith(".dcm")}
        return json.dumps(kept, sort_keys=True).encode()
    if path.suffix == ".dcm":
        return _timeless(path)
    return path.read_bytes()


def _timeless(path: Path) -> bytes:
    data = pydicom.dcmread(path)
    data.walk(_forget)
    stream = io.BytesIO()
    data.save_as(stream)
    return stream.getvalue()


def _forget(data: pydicom.Dataset, element: pydicom.DataElement) -> None:
    if element.VR in TIMES:
        data[element.tag].value = ""


def differing(one: Files, other: Files) -> list[str]:
    """Names of the files that only one has, or that differ."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def halves(folder: Path, whole: Files) -> list[str]:
    """Files under a final name that are neither those of the undisturbed run nor, of another name, whole.

    Hidden files and folders, and those that end on ``.partial``, are no final names.

    Args:
        folder: what a disturbed run has left.
        whole: what the undisturbed one has.
    """
    wrong = []
    for path in (path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else ():
        name = path.relative_to(folder)
        if any(part.startswith(".") or part.endswith(".partial") for part in name.parts):
            continue
        known = whole.get(str(name))
        if known is not None and path.name not in GROWING:
            wrong += [] if _is(path, known) else [str(name)]
        elif not readable(path):
            wrong.append(str(name))
    return sorted(wrong)


def reached(folder: Path, whole: Files) -> str:
    """How many of the undisturbed run's files stand in a folder."""
    return f"{sum((folder / name).exists() for name in whole)} of {len(whole)} files"


def share(reached: str) -> float:
    """Which part of a run stood: 0 to 1, by ``3 of 35 files``, or ``1 done, 2 queued`` of a service."""
    files = re.fullmatch(r"(\d+) of (\d+) files", reached)
    states = {state: int(count) for count, state in re.findall(r"(\d+) (\w+)", reached)}
    done, count = map(int, files.groups()) if files else (states.get("done", 0), sum(states.values()))
    return done / count if count else 0.0


def _is(path: Path, known: str) -> bool:
    try:
        return hashlib.sha256(masked(path)).hexdigest() == known
    except (OSError, ValueError, pydicom.errors.InvalidDicomError):
        return False


def readable(path: Path) -> bool:
    """Whether a file can be read to its end; of a kind that is not known here it can."""
    try:
        _read(path)
    except (OSError, ValueError, EOFError, AttributeError):
        return False
    return True


def _read(path: Path) -> Any:
    if path.suffix == ".json":
        return json.loads(path.read_text(encoding="utf-8"))
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    if path.suffix == ".csv":
        return _even(list(csv.reader(io.StringIO(path.read_text(encoding="utf-8")))))
    if path.suffix == ".safetensors":
        return _tensors(path.read_bytes())
    return None


def _even(rows: list[list[str]]) -> None:
    if len({len(row) for row in rows}) > 1:
        raise ValueError


def _tensors(content: bytes) -> None:
    """Check the length that the header of safetensors promises."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    ends = [about["data_offsets"][1] for name, about in header.items() if name != "__metadata__"]
    if 8 + length + max(ends, default=0) != len(content):
        raise ValueError

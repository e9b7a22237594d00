"""Model folders in one zip, for a machine without a network: written with the hash of every file, installed by it.

::

    bundle.json           schema, and per model and file: bytes, sha256
    <model>/card.json     and the other files of a model folder

Nothing is taken out of a zip that its list does not name, no name may hold a folder beyond the model's own, and what
is taken out is compared with its hash before anything stands at its place.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fibrolens import __version__
from fibrolens.aside import appearing
from fibrolens.errors import ModelError, OutputError, UsageError
from fibrolens.io.dicom.files import DAMAGED
from fibrolens.output import file_sha256, is_done, output_folder
from fibrolens.plan import PLAN
from fibrolens.result import INTENDED_USE
from fibrolens.transport.verify import verify
from fibrolens.weights import CALIBRATION, CARD, DOMAIN, PAGE, REFERENCE, WEIGHTS

LIST = "bundle.json"
SCHEMA_VERSION = 1
#: All that a model folder is, without what its training left beside it.
FILES = (CARD, PLAN, WEIGHTS, DOMAIN, CALIBRATION, REFERENCE, PAGE)
NEEDED = frozenset((CARD, PLAN, WEIGHTS))
MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
#: A list is small, and a model is no larger than this.
LONGEST_LIST, MOST_BYTES = 2**20, 2**32
CHUNK = 2**20
#: Zips begin here; equal weights give equal bytes.
EARLIEST = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Entry:
    """A file of a bundle.

    Args:
        name: in the zip: model, slash, file.
        size: in bytes.
        sha256: as hexadecimal digits.
    """

    name: str
    size: int
    sha256: str


def write_bundle(folders: Sequence[Path], out: Path, overwrite: bool = False) -> bool:
    """Verify model folders and write them into one zip.

    Args:
        folders: their names are those of the models in the bundle.
        out: the zip.
        overwrite: another file may be replaced.

    Returns:
        Whether the same bundle stood there before.

    Raises:
        ModelError: a folder cannot be used.
        UsageError: two folders of one name, a name that a bundle cannot have, or `out` is another file.
        OutputError: the zip cannot be written.
    """
    models = _named(folders)
    for folder in folders:
        verify(folder)
    try:
        with appearing(out.absolute()) as aside:
            _write(models, aside)
            same = out.exists() and out.is_file() and file_sha256(out) == file_sha256(aside)
            if out.exists() and not (same or overwrite):
                raise UsageError(f"{out} exists and is another file; choose another --out or use --overwrite.")
    except OSError as error:
        raise OutputError(f"{out} could not be written: {error.strerror or error}. Choose another --out.") from None
    return same


def _named(folders: Sequence[Path]) -> dict[str, Path]:
    models: dict[str, Path] = {}
    for folder in folders:
        name = folder.resolve().name
        if not MODEL_NAME.fullmatch(name):
            raise UsageError(f"{folder} needs a name of letters, digits, - and _ in a bundle; rename it.")
        if name in models:
            raise UsageError(f"{models[name]} and {folder} have the same name; rename one.")
        models[name] = folder
    return models


def _write(models: Mapping[str, Path], path: Path) -> None:
    listed = {name: {file: _facts(folder / file) for file in _files(folder)} for name, folder in models.items()}
    content = {
        "schema_version": SCHEMA_VERSION,
        "fibrolens": __version__,
        "intended_use": INTENDED_USE,
        "models": listed,
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo(LIST, EARLIEST), json.dumps(content, indent=2, sort_keys=True) + "\n")
        for name, folder in sorted(models.items()):
            for file in _files(folder):
                with archive.open(zipfile.ZipInfo(f"{name}/{file}", EARLIEST), "w", force_zip64=True) as to:
                    to.write((folder / file).read_bytes())


def _files(folder: Path) -> list[str]:
    return [name for name in FILES if (folder / name).is_file()]


def _facts(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": file_sha256(path)}


def verify_bundle(path: Path) -> list[str]:
    """Check every file of a bundle by its hash, without installing it; the names of its models.

    Raises:
        ModelError: it is no bundle, or a file of it is damaged.
    """
    with _opened(path) as archive:
        entries = _entries(archive, path)
        for entry in entries:
            for _ in _checked(archive, entry, path):
                pass
    return _models(entries)


def install_bundle(path: Path, out: Path, overwrite: bool = False) -> tuple[list[str], bool]:
    """Take the models out of a bundle; `out` appears whole, with every hash checked, or not at all.

    Args:
        path: the bundle.
        out: folder that shall hold a folder per model.
        overwrite: what another bundle installed there may be replaced.

    Returns:
        Names of the models, and whether the same bundle was installed there before.

    Raises:
        ModelError: the bundle is damaged, or what it holds is not what its cards say.
        UsageError: `out` holds something else.
        OutputError: `out` cannot be written.
    """
    with _opened(path) as archive:
        entries = _entries(archive, path)
        models = _models(entries)
        run = {"command": "weights install", "bundle_sha256": _sha256(path)}
        if is_done(out, run, overwrite):
            return models, True
        with output_folder(out, run) as made:
            for model in models:
                (made / model).mkdir()
            for entry in entries:
                with (made / entry.name).open("wb") as to:
                    to.writelines(_checked(archive, entry, path))
            for model in models:
                verify(made / model)
    return models, False


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except DAMAGED as error:
        raise ModelError(f"{path} cannot be opened as a bundle ({error}); copy it again.") from None


def _sha256(path: Path) -> str:
    """Of the whole bundle; raises ModelError where it cannot be read."""
    try:
        return file_sha256(path)
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror or error}); copy it again.") from None


def _models(entries: Sequence[Entry]) -> list[str]:
    return sorted({entry.name.partition("/")[0] for entry in entries})


def _entries(archive: zipfile.ZipFile, path: Path) -> list[Entry]:
    """The files that the list names: all that the zip holds, and nothing that could lie elsewhere."""
    try:
        with archive.open(LIST) as stream:
            content = json.loads(stream.read(LONGEST_LIST))
        if content["schema_version"] != SCHEMA_VERSION:
            raise ModelError(f"{path} has schema {content['schema_version']}; this version reads {SCHEMA_VERSION}.")
        entries = [
            Entry(f"{model}/{file}", int(facts["bytes"]), str(facts["sha256"]))
            for model, files in content["models"].items()
            for file, facts in _plain(model, files).items()
        ]
    except DAMAGED:
        raise ModelError(f"{path} has no usable {LIST}; it is no bundle of fibrolens weights bundle.") from None
    inside = sorted(archive.namelist())
    if inside != sorted([LIST, *(entry.name for entry in entries)]):
        raise ModelError(f"{path} does not hold exactly the files of its {LIST}; make the bundle again.")
    if not entries or not all(0 <= entry.size <= MOST_BYTES for entry in entries):
        raise ModelError(f"{path} names no files, or such as no model has; make the bundle again.")
    return entries


def _plain(model: str, files: Mapping[str, Any]) -> Mapping[str, Any]:
    """The files of a model whose names are ours; raises ValueError at any other name."""
    if not MODEL_NAME.fullmatch(model) or not NEEDED <= set(files) <= set(FILES):
        raise ValueError(model)
    return files


def _checked(archive: zipfile.ZipFile, entry: Entry, path: Path) -> Iterator[bytes]:
    """The bytes of a file, piece by piece.

    Raises:
        ModelError: at the latest after the last piece, where they are not those of the list.
    """
    try:
        found = yield from _counted(archive, entry)
    except DAMAGED:
        found = ""
    if found != entry.sha256:
        raise ModelError(f"{entry.name} in {path} is not the file of its {LIST} (SHA-256 differs); copy it again.")


def _counted(archive: zipfile.ZipFile, entry: Entry) -> Generator[bytes, None, str]:
    """Pass on no more bytes than were told; returns their hash."""
    digest, left = hashlib.sha256(), entry.size
    with archive.open(entry.name) as stream:
        while content := stream.read(CHUNK):
            left -= len(content)
            if left < 0:
                return ""
            digest.update(content)
            yield content
    return digest.hexdigest()

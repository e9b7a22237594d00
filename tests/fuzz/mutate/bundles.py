"""Damage to bundles of model folders: to their list, and to the zip that they are."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping

from numpy.random import Generator
from tests.fuzz.mutate.trees import mutate_json
from tests.fuzz.mutate.zips import mutate_zip

LIST = "bundle.json"


def mutate_bundle(content: bytes, rng: Generator) -> bytes:
    """A bundle whose list says something else, or whose zip was damaged."""
    if rng.random() < 0.4:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                told = archive.read(LIST)
            return repacked(content, {LIST: mutate_json(told, rng)})
        except (zipfile.BadZipFile, OSError, zlib.error, EOFError, LookupError, ValueError, RuntimeError):
            pass
    return mutate_zip(content, rng)


def repacked(content: bytes, changed: Mapping[str, bytes]) -> bytes:
    """The zip deflated, with other content under some of its names."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as to:
        for name in archive.namelist():
            to.writestr(name, changed[name] if name in changed else archive.read(name))
    return made.getvalue()

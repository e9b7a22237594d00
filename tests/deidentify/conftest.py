"""One planted CT, its staged result and its export, for every test of the room."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.marks import readable
from tests.once import made_once
from tests.planted import planted_series
from tests.staged import simulated, untrained_models

from fibrolens import stage_batch as module
from fibrolens.batch import Place
from fibrolens.deidentify import deidentify_case
from fibrolens.deidentify.key import Key
from fibrolens.pipeline import StageOptions
from fibrolens.stage_batch import stage_batch

KEY = Key(b"a key for tests, known to all")


@dataclass(frozen=True)
class Case:
    """Where the CT, its result and its export lie, and the UIDs of the CT."""

    source: Path
    results: Path
    export: Path
    uids: set[str]


def stage_into(out, source, truth, key=None, scan_id=None, **options):
    """Stage one scan by the command's own way with small networks, with `key` without its patient; returns a folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.Models, "load", classmethod(lambda cls, *folders: untrained_models(truth)))
        assert stage_batch([source], StageOptions(**options), Place(out, scan_id), key=key) == 0
    return next(path.parent for path in out.glob("*/manifest.json"))


def contents(folder):
    """Name and bytes of every file, unpacked as far as it is packed."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        yield str(path.relative_to(folder)), readable(path.name, path.read_bytes())


@pytest.fixture(scope="session")
def rendering():
    return simulated()


@pytest.fixture(scope="session")
def case(shared, rendering):
    """To be read only."""

    def make(folder):
        (folder / "uids.txt").write_text("\n".join(planted_series(folder, rendering)))
        results = stage_into(folder / "staged", folder / "study", rendering.labels, all_maps=True)
        deidentify_case(folder / "study", results, folder / "export", KEY)

    folder = made_once(shared / "planted", make)
    results = next(path.parent for path in (folder / "staged").glob("*/manifest.json"))
    return Case(folder / "study", results, folder / "export", set((folder / "uids.txt").read_text().split()))

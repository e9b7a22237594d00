"""The readers that are given damaged input, each with sound input to begin with, and what a valid result is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.random import Generator
from tests.fuzz import seeds
from tests.fuzz.mutate.bundles import mutate_bundle
from tests.fuzz.mutate.dicom import mutate_dicom
from tests.fuzz.mutate.nifti import mutate_nifti
from tests.fuzz.mutate.plain import Mutator, choice, mixed
from tests.fuzz.mutate.tables import mutate_table
from tests.fuzz.mutate.tensors import mutate_tensors
from tests.fuzz.mutate.trees import mutate_json
from tests.fuzz.mutate.zips import mutate_zip
from tests.fuzz.valid import put, require, require_volume

from fibrolens.begun import state
from fibrolens.cases import Manifest
from fibrolens.cohort.check import check_values
from fibrolens.io import read_labels, read_organs, read_volume
from fibrolens.output import is_done
from fibrolens.volume import Geometry, Volume

#: Reads one input; returns where the result is valid, raises what the reader raises.
Read = Callable[[bytes], None]
RUN = {"command": "stage", "input": {"sha256": "0" * 64}}
GRID = Volume(np.zeros((4, 6, 8), np.int16), Geometry((4, 6, 8), (5.0, 3.0, 3.0)), "ct")


@dataclass(frozen=True)
class Target:
    """One reader.

    Args:
        name: of its files and folders.
        what: the public function, for tables.
        seeds: sound inputs.
        mutator: damages one.
        reader: makes the function that reads inputs; it may put files into the folder that it is given.
        patience_s: how long one input may take.
    """

    name: str
    what: str
    seeds: Callable[[], list[bytes]]
    mutator: Mutator
    reader: Callable[[Path], Read]
    patience_s: float = 10.0

    def mutated(self, sound: list[bytes], seed: int, index: int) -> bytes:
        """Input number `index` of a campaign: a function of the numbers and the sound inputs alone."""
        rng: Generator = np.random.default_rng((seed, index))
        return mixed(self.mutator)(choice(sound, rng), rng)


def _slice(folder: Path) -> Read:
    series = folder / "series"
    series.mkdir()
    (series / "sound.dcm").write_bytes(seeds.neighbour())
    return lambda content: require_volume(read_volume(put(series / "damaged.dcm", content).parent))


def _file(name: str) -> Callable[[Path], Read]:
    return lambda folder: lambda content: require_volume(read_volume(put(folder / name, content)))


def _nifti(folder: Path) -> Read:
    return lambda content: require_volume(read_volume(put(folder / _nifti_name(content), content)))


def _labels(folder: Path) -> Read:
    def read(content: bytes) -> None:
        labels = read_labels(put(folder / _nifti_name(content), content))
        require(labels.array.dtype == np.uint8, f"labels of type {labels.array.dtype}")

    return read


def _nifti_name(content: bytes) -> str:
    return "damaged.nii.gz" if content[:2] == b"\x1f\x8b" else "damaged.nii"


def _segmentation(folder: Path) -> Read:
    def read(content: bytes) -> None:
        organs = read_organs(put(folder / "seg.dcm", content), GRID)
        require({"liver", "spleen"} >= organs.keys() and bool(organs), f"organs {sorted(organs)}")
        fits = all(one.shape == GRID.array.shape and one.dtype == bool for one in organs.values())
        require(fits, "masks of another shape or type")

    return read


def _cohort(folder: Path) -> Read:
    seeds.place_scans(folder)

    def read(content: bytes) -> None:
        rows = check_values(put(folder / "cohort.csv", content))
        ids = [row.scan_id for row in rows]
        require(len(set(ids)) == len(ids) and all(ids), f"scan ids {ids}")

    return read


def _list(folder: Path) -> Read:
    def read(content: bytes) -> None:
        manifest = Manifest(put(folder / ("scans.csv" if b"image" in content[:40] else "scans.txt"), content))
        require(len(list(manifest)) == len(manifest) > 0, f"{len(manifest)} cases")

    return read


def _manifest(folder: Path) -> Read:
    """Looked at by those who write a folder at once, and by those who fill one over hours."""

    def read(content: bytes) -> None:
        put(folder / "manifest.json", content)
        try:
            require(isinstance(is_done(folder, RUN), bool), "no answer")
        finally:
            state(folder, RUN)

    return read


def _verbs() -> ModuleType:
    from tests.fuzz import verbs  # noqa: PLC0415 - as below

    return verbs


def _models() -> ModuleType:
    from tests.fuzz import models  # noqa: PLC0415 - brings torch, without which the other readers are quicker

    return models


ALL = (
    Target("dicom", "read_volume of a series with one damaged slice", seeds.slices, mutate_dicom, _slice),
    Target("multiframe", "read_volume of a multi-frame file", seeds.frames, mutate_dicom, _file("ct.dcm")),
    Target("nifti", "read_volume", seeds.volumes, mutate_nifti, _nifti),
    Target("labels", "read_labels", seeds.labels, mutate_nifti, _labels),
    Target("zip", "read_volume of a zipped series", seeds.zips, mutate_zip, _file("series.zip")),
    Target("seg", "read_organs of a DICOM SEG", lambda: seeds.segmentations(GRID), mutate_dicom, _segmentation),
    Target("cohort", "check_values", seeds.cohorts, mutate_table, _cohort),
    Target("list", "stage --manifest (cases.Manifest)", seeds.lists, mutate_table, _list),
    Target("plan", "read_plan, StagingModel.load, Segmenter.load", lambda: _models().plans(), mutate_json,
           lambda folder: _models().plan_reader(folder)),
    Target("manifest", "is_done, begun.state", lambda: seeds.manifests(RUN), mutate_json, _manifest),
    Target("weights", "StagingModel.load", lambda: _models().weights(), mutate_tensors,
           lambda folder: _models().weights_reader(folder)),
    Target("card", "load_model_folder", lambda: _models().cards(), mutate_json,
           lambda folder: _models().card_reader(folder)),
    Target("bundle", "transport.bundle.verify_bundle", lambda: _models().bundles(), mutate_bundle,
           lambda folder: _models().bundle_reader(folder)),
)  # fmt: skip
#: Whole verbs, which take seconds for an input that they do not refuse.
VERBS = (
    Target(
        "stage", "fibrolens stage", lambda: _verbs().scans(), mutate_nifti, lambda f: _verbs().stage_reader(f), 120.0
    ),
    Target("check", "fibrolens cohort check", seeds.cohorts, mutate_table, lambda f: _verbs().check_reader(f)),
)
TARGETS = {target.name: target for target in (*ALL, *VERBS)}

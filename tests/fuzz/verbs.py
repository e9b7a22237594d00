"""Whole verbs on damaged CTs: the exit status is one of the contract's, and a refused scan leaves nothing."""

from __future__ import annotations

import contextlib
import gzip
import io
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from tests.fuzz.models import segmentation_folder, staging_folder
from tests.fuzz.seeds import place_scans
from tests.fuzz.valid import InvalidResultError, put, require
from tests.staged import simulated

from fibrolens import errors
from fibrolens.cli import main
from fibrolens.io import write_nifti
from fibrolens.phantom.labels import Organ
from fibrolens.volume import Volume

#: Of the errors, by exit status; 1 is a defect of ours.
BY_STATUS = {2: errors.UsageError, 3: errors.InputError, 4: errors.ModelError, 5: errors.OutputError}
#: What a batch leaves beside the folders of its scans.
BESIDE = {"summary.csv"}


def scans() -> list[bytes]:
    """A simulated CT on a coarse grid, plain and compressed."""
    with TemporaryDirectory() as folder:
        ct, _ = _simulated()
        plain, packed = Path(folder) / "ct.nii", Path(folder) / "ct.nii.gz"
        write_nifti(ct, packed)
        plain.write_bytes(gzip.decompress(packed.read_bytes()))
        return [plain.read_bytes(), packed.read_bytes()]


def stage_reader(folder: Path) -> Callable[[bytes], None]:
    """Stages what a file holds, by networks that know nothing and the true organs."""
    write_nifti(_simulated()[1], folder / "labels.nii.gz")
    models = ("--model", staging_folder(folder / "lfs"), "--segmentation-model", segmentation_folder(folder / "vnet"))
    options = (*models, "--labels", folder / "labels.nii.gz", "--force", "--skip", "report")

    def read(content: bytes) -> None:
        name = "ct.nii.gz" if content[:2] == b"\x1f\x8b" else "ct.nii"
        path, out = put(folder / name, content), folder / "out"
        try:
            _require_whole(out, _status("stage", path, "--out", out, *options))
        finally:
            shutil.rmtree(out, ignore_errors=True)
            path.unlink()

    return read


def check_reader(folder: Path) -> Callable[[bytes], None]:
    """Checks a cohort table."""
    place_scans(folder)

    def read(content: bytes) -> None:
        _require_whole(None, _status("cohort", "check", put(folder / "cohort.csv", content)))

    return read


def _simulated() -> tuple[Volume, Volume]:
    """CT and organs of a simulated patient, every second voxel along each axis."""
    patient = simulated()
    organs = patient.labels.array
    labels = np.select([organs == Organ.LIVER, organs == Organ.SPLEEN], [1, 2], 0).astype(np.uint8)
    few = patient.hu.array[::2, ::2, ::2]
    spacing = tuple(2 * step for step in patient.hu.geometry.spacing)
    ct = Volume(few, replace(patient.hu.geometry, shape=few.shape, spacing=spacing), "simulated")
    return ct, ct.with_array(labels[::2, ::2, ::2])


def _status(*words: object) -> tuple[int, str]:
    """Exit status of a command, and what it said on stderr."""
    with contextlib.redirect_stderr(io.StringIO()) as told, contextlib.redirect_stdout(io.StringIO()):
        status = main([str(word) for word in words])
    return status, told.getvalue()


def _require_whole(out: Path | None, ended: tuple[int, str]) -> None:
    """Raise our error of the exit status; InvalidResultError where a folder is left that is not whole, or at 1."""
    status, told = ended
    require("Traceback" not in told, told)
    if out is not None:
        left = {path.name for path in out.iterdir()} - BESIDE if out.is_dir() else set()
        whole = {name for name in left if (out / name / "manifest.json").is_file()}
        require(left == whole and len(whole) == (status == 0), f"status {status} leaves {sorted(left)}")
    if status in BY_STATUS:
        raise BY_STATUS[status](told.strip())
    if status:
        raise InvalidResultError(told)

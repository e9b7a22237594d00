"""Source CTs in any orientation, what validates a DICOM file, and what reads one back, for tests of DICOM objects."""

import shutil
import subprocess
from pathlib import Path

import highdicom as hd
import numpy as np
import pytest
from pydicom import Dataset
from tests.dicom_files import ct_slice, save

from fibrolens.io import read_volume
from fibrolens.io.dicom.objects.maker import Maker
from fibrolens.io.dicom.objects.source import Source, open_source
from fibrolens.volume import Volume

MAKER = Maker("0.1.0", "toy weights", "a" * 64, "key")
MASKS = {organ: {"kind": "segmenter", "name": "toy", "sha256": "b" * 64} for organ in ("liver", "spleen")}
SHAPE = (9, 14, 16)
TURN = np.radians(20.0)
C, S = np.cos(TURN), np.sin(TURN)
#: Direction of a row (toward growing column), of a column, and of the slices as they are numbered.
ORIENTATIONS = {
    "supine, feet first": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "supine, head first in file order": ((1, 0, 0), (0, 1, 0), (0, 0, -1)),
    "columns flipped": ((-1, 0, 0), (0, 1, 0), (0, 0, -1)),
    "rows flipped": ((1, 0, 0), (0, -1, 0), (0, 0, -1)),
    "prone": ((-1, 0, 0), (0, -1, 0), (0, 0, 1)),
    "coronal": ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
    "sagittal": ((0, 1, 0), (0, 0, -1), (-1, 0, 0)),
    "rotated": ((C, S, 0), (-S, C, 0), (0, 0, 1)),
    "oblique": ((1, 0, 0), (0, C, -S), (0, S, C)),
}


def oriented_series(folder: Path, orientation: str = "supine, feet first", **tags: object) -> Path:
    """A series of noise whose slices lie as `ORIENTATIONS` says; 2 mm apart, pixels of 0.8 x 0.7 mm."""
    row, column, normal = (np.array(axis, float) for axis in ORIENTATIONS[orientation])
    hu = np.random.default_rng(1).integers(-200, 300, SHAPE).astype(np.int16)
    first = np.array((-10.0, -20.0, 30.0))
    slices = [
        ct_slice(
            image,
            [round(float(v), 6) for v in first + 2.0 * k * normal],
            k + 1,
            ImageOrientationPatient=[round(float(v), 8) for v in (*row, *column)],
            FrameOfReferenceUID="1.2.826.0.1.3680043.8.498.12",
        )
        for k, image in enumerate(hu)
    ]
    for file in slices:
        for keyword, value in tags.items():
            if value is None:
                file.pop(keyword, None)
            else:
                setattr(file, keyword, value)
    return save(slices, folder)


def opened(folder: Path) -> tuple[Volume, Source]:
    """The CT and its source."""
    ct = read_volume(folder)
    return ct, open_source(folder, ct)


def organs_of(ct: Volume) -> Volume:
    """A liver and a smaller spleen that no symmetry maps onto themselves."""
    labels = np.zeros(ct.array.shape, np.uint8)
    d, h, w = labels.shape
    labels[d // 4 : d - 2, 1 : h // 2, 2 : w // 2] = 1
    labels[d // 2 : d - 1, h // 2 + 1 : h - 1, w // 2 + 2 : w - 1] = 2
    return ct.with_array(labels)


def map_of(ct: Volume) -> Volume:
    """A location map, every voxel its own value; the first and the last slice are not covered."""
    values = np.random.default_rng(2).uniform(0.1, 3.0, ct.array.shape).astype(np.float32)
    values[[0, -1]] = 0
    return ct.with_array(values)


def centroid_mm(volume: Volume, label: int) -> np.ndarray:
    """Centre of an organ in the patient, LPS."""
    return volume.geometry.to_world(np.argwhere(volume.array == label).astype(float)).mean(axis=0)


def written(data: Dataset, path: Path) -> Path:
    """The object as a file."""
    data.save_as(path, enforce_file_format=True)
    return path


def complaints(path: Path) -> list[str]:
    """The errors that dciodvfy finds; the test is skipped where that program is not installed."""
    if not shutil.which("dciodvfy"):
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
    checked = subprocess.run(
        ["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False, errors="replace"
    )
    errors = [line for line in (checked.stdout + checked.stderr).splitlines() if line.startswith("Error")]
    assert checked.returncode == (1 if errors else 0)
    return errors


def array_at(image: hd.Volume, ct: Volume) -> np.ndarray:
    """An object's array on the CT's grid, put there by its geometry alone; NaN where it holds no voxel."""
    index = np.stack(np.meshgrid(*map(np.arange, ct.array.shape), indexing="ij"), -1).reshape(-1, 3)
    at = np.linalg.inv(image.affine) @ np.c_[ct.geometry.to_world(index.astype(float)), np.ones(len(index))].T
    found = np.round(at[:3].T).astype(int)
    assert np.abs(at[:3].T - found).max() < 0.01  # voxel centres meet
    inside = ((found >= 0) & (found < image.array.shape)).all(axis=1)
    values = np.full(len(index), np.nan)
    values[inside] = image.array[tuple(found[inside].T)]
    return values.reshape(ct.array.shape)

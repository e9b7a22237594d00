"""A service with two staged files of one simulated patient, and a browser that looks at it."""

import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import nibabel as nib
import numpy as np
import pytest
from matplotlib.image import imread
from tests.serve.process import ROOT, until
from tests.staged import simulated

from fibrolens.io import write_nifti
from fibrolens.phantom.labels import Organ

#: Without a graphics card a shader takes its time, longer still beside other tests.
SLOW_MS = 60_000
#: A block of metal in the air to the right of, in front of and above the patient: voxels of slice, row and column.
PLANTED = (slice(-12, -4), slice(4, 12), slice(4, 12))
PLANTED_HU = 3000


def written(folder: Path) -> tuple[Path, Path]:
    """The same CT of one patient in two orientations; the organs of both beside them, each named by its orientation."""
    rendering = simulated()
    hu = rendering.hu.array.copy()
    hu[PLANTED] = PLANTED_HU
    organs = np.select([rendering.labels.array == organ for organ in (Organ.LIVER, Organ.SPLEEN)], [1, 2], 0).astype(
        np.uint8
    )
    first, labels = folder / "first.nii.gz", folder / "LPS.nii.gz"
    write_nifti(rendering.hu.with_array(hu), first)
    write_nifti(rendering.hu.with_array(organs), labels)
    second = folder / "second.nii.gz"
    _turned(first, second)
    _turned(labels, folder / "SAR.nii.gz")
    return first, second


def _turned(source: Path, path: Path) -> None:
    """Write the same volume with columns from feet to head, rows to the front and slices to the right."""
    image = nib.load(source)
    to = nib.orientations.axcodes2ornt(("S", "A", "R"))
    turned = image.as_reoriented(nib.orientations.ornt_transform(nib.io_orientation(image.affine), to))
    turned.header["descrip"] = image.header["descrip"]
    nib.save(turned, path)


@dataclass
class Served:
    """A running service."""

    process: subprocess.Popen
    origin: str
    token: str
    folder: Path

    @classmethod
    def start(cls, folder: Path) -> "Served":
        """Start it over an empty data folder."""
        command = [sys.executable, "-m", "tests.serve.viewer_server", str(folder / "data"), str(folder)]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        place = urlsplit(process.stdout.readline().removeprefix("Open ").strip())
        return cls(process, f"{place.scheme}://{place.netloc}", parse_qs(place.query)["token"][0], folder)

    def ask(self, path: str, body: bytes | None = None) -> bytes:
        """What the interface answers."""
        request = urllib.request.Request(  # noqa: S310
            f"{self.origin}/api/v1{path}", body, {"Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return answer.read()

    def staged(self, path: Path) -> str:
        """Upload a file; the id of its job when that is done."""
        job = json.loads(self.ask(f"/jobs?filename={path.name}", path.read_bytes()))["id"]
        until("not staged", lambda: json.loads(self.ask(f"/jobs/{job}"))["state"] not in ("queued", "running"), 180)
        assert json.loads(self.ask(f"/jobs/{job}"))["state"] == "done", self.ask(f"/jobs/{job}")
        return job

    def image_of(self, name: str) -> nib.Nifti1Image:
        """A file that was made for it."""
        return nib.load(self.folder / f"{name}.nii.gz")

    def image(self, job: str, name: str) -> nib.Nifti1Image:
        """A file of a result."""
        return nib.Nifti1Image.from_bytes(gzip.decompress(self.ask(f"/jobs/{job}/files/{name}")))

    def end(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.communicate(timeout=60)


def launch(play):
    """Playwright's own Chromium where it was installed, else the machine's; skips where there is none."""
    own = Path(play.chromium.executable_path)
    path = own if own.exists() else shutil.which("chromium")
    if path is None:
        pytest.skip("there is no Chromium here: the viewer is not driven")
    return play.chromium.launch(executable_path=path)


def at(image: nib.Nifti1Image, mm: list[float]) -> float:
    """The value of an image at a place, right, anterior, superior in millimetres."""
    index = np.rint(np.linalg.inv(image.affine) @ [*mm, 1])[:3].astype(int)
    return float(np.asanyarray(image.dataobj)[tuple(index)])


def picture(page, selector: str = "canvas.slices") -> np.ndarray:
    """What an element shows, ``[row, column, rgb]`` from 0 to 1, once it does not change any more."""
    box = page.locator(selector).first
    before = box.screenshot()
    for _ in range(100):
        time.sleep(0.15)
        after = box.screenshot()
        if after == before:
            return imread(io.BytesIO(after))[..., :3]
        before = after
    raise AssertionError("the picture does not come to rest")


def colored(seen: np.ndarray) -> float:
    """The share of points that are red, orange or purple: of a map, not of CT, outlines or the yellow crosshair."""
    return float((seen[..., 0] - seen[..., 1] > 0.15).mean())

"""TotalSegmentator as the segmenter, where the user has installed it (Wasserthal 2023, doi 10.1148/ryai.230024).

It is called by its command line, so that its libraries and ours need not agree. Its weights are its own download.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from fibrolens.errors import ModelError
from fibrolens.io import read_labels, write_nifti
from fibrolens.labelmaps import label_map
from fibrolens.segment.predict import Segmentation
from fibrolens.volume import Volume

COMMAND = "TotalSegmentator"
ROI = ("liver", "spleen", "aorta")
#: Number of the aorta in its task ``total``, version 2.
AORTA = 52


@dataclass(frozen=True)
class TotalSegmentator:
    """The installed program.

    Args:
        path: of its command.
        name: with its version, where that can be told; it stands beside every figure.
        sha256: empty, for its weights are several files that are not ours to know.
    """

    path: str
    name: str
    sha256: str = ""

    @classmethod
    def find(cls) -> TotalSegmentator:
        """The program on the user's path.

        Raises:
            ModelError: it is not installed.
        """
        path = shutil.which(COMMAND)
        if path is None:
            raise ModelError(
                f"{COMMAND} is not installed; pip install {COMMAND} (version 2), or leave --segmenter out."
            )
        try:
            version = metadata.version(COMMAND)
        except metadata.PackageNotFoundError:
            version = "of unknown version"
        return cls(path, f"{COMMAND} {version}")

    def segment(self, ct: Volume) -> Segmentation:
        """Liver, spleen and aorta of a CT, in any orientation.

        Raises:
            ModelError: the program failed, or wrote nothing; its own last words are told.
            GeometryError: what it wrote is not on the CT's grid.
        """
        with TemporaryDirectory() as folder:
            scan, found = Path(folder) / "ct.nii.gz", Path(folder) / "organs.nii.gz"
            write_nifti(ct, scan)
            call = [self.path, "-i", str(scan), "-o", str(found), "--ml", "--roi_subset", *ROI]
            ended = subprocess.run(call, capture_output=True, text=True, errors="replace", check=False)
            if ended.returncode or not found.is_file():
                said = (ended.stderr.strip() or ended.stdout.strip() or "nothing was said").splitlines()[-1]
                raise ModelError(f"{self.name} found no organs in {ct.source} (status {ended.returncode}: {said}).")
            numbers = read_labels(found, ct).array
        known = label_map("totalsegmentator")
        liver, spleen = np.isin(numbers, list(known.liver)), np.isin(numbers, list(known.spleen))
        labels = np.where(liver, 1, np.where(spleen, 2, 0)).astype(np.uint8)
        return Segmentation(ct.with_array(labels), ct.with_array((numbers == AORTA).astype(np.uint8)), self.name)

"""TotalSegmentator as the segmenter, where the user has installed it (Wasserthal 2023, doi 10.1148/ryai.230024).

It is called by its command line, so that its libraries and ours need not agree. Its weights are its own download. Of
the scan it gets the voxels and their grid, no name and no other header.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from fibrolens.errors import InputError, ModelError
from fibrolens.io import read_labels, write_nifti
from fibrolens.labelmaps import LIVER, SPLEEN, label_map
from fibrolens.segment.predict import Segmentation
from fibrolens.volume import Volume

COMMAND = "TotalSegmentator"
ROI = ("liver", "spleen", "aorta")
#: Number of the aorta in its task ``total``, version 2; version 1 had another
#: (wasserth/TotalSegmentator, totalsegmentator/map_to_binary.py).
AORTA = 52
VERSION = 2
INSTALL = (
    f"pip install '{COMMAND}>={VERSION},<{VERSION + 1}' (best into an environment of its own), or leave --segmenter out"
)


@dataclass(frozen=True)
class TotalSegmentator:
    """The installed program.

    Args:
        path: of its command.
        name: with its version; it stands beside every figure.
        sha256, files_sha256: empty, for its weights are several files that are not ours to know.
    """

    path: str
    name: str
    sha256: str = ""
    files_sha256: str = ""

    @classmethod
    def find(cls) -> TotalSegmentator:
        """The program on the user's path, or beside this Python where its environment is not activated.

        Raises:
            ModelError: it is not installed, does not start, or is not of version 2.
        """
        path = shutil.which(COMMAND) or shutil.which(COMMAND, path=str(Path(sys.executable).parent))
        if path is None:
            raise ModelError(f"{COMMAND} is not installed; {INSTALL}.")
        ended = _call([path, "--version"])
        # The program's own word: what our environment holds need not be what the path leads to.
        version = re.search(r"\b(\d+)\.\d[\w.]*", ended.stdout)
        if ended.returncode or version is None:
            raise ModelError(f"{COMMAND} does not tell its version ({_last_words(ended)}); run it alone to see why.")
        if int(version[1]) != VERSION:
            raise ModelError(f"{COMMAND} {version[0]} is not of version {VERSION}, whose numbers are known; {INSTALL}.")
        return cls(path, f"{COMMAND} {version[0]}")

    def segment(self, ct: Volume) -> Segmentation:
        """Liver, spleen and aorta of a CT, in any orientation.

        Raises:
            ModelError: the program failed, wrote nothing, or no masks on the CT's grid; its last words are told.
        """
        with TemporaryDirectory() as folder:
            scan, found = Path(folder) / "ct.nii.gz", Path(folder) / "organs.nii.gz"
            write_nifti(ct, scan)
            ended = _call([self.path, "-i", str(scan), "-o", str(found), "--ml", "--roi_subset", *ROI])
            if ended.returncode or not found.is_file():
                raise ModelError(
                    f"{self.name} failed on {ct.source} (status {ended.returncode}: {_last_words(ended)}); "
                    "run it alone to see why, its weights may be missing."
                )
            try:
                numbers = read_labels(found, ct).array
            except InputError as error:
                # Not the user's file is at fault, so what there is to do about such a file is left out.
                what = str(error).partition(";")[0]
                raise ModelError(
                    f"{self.name} gave no usable masks of {ct.source}: {what}; run it alone to see why."
                ) from None
        known = label_map("totalsegmentator")
        labels = np.zeros(numbers.shape, np.uint8)
        labels[np.isin(numbers, known.liver)] = LIVER
        labels[np.isin(numbers, known.spleen)] = SPLEEN
        return Segmentation(ct.with_array(labels), ct.with_array((numbers == AORTA).astype(np.uint8)), self.name)

    def glance(self, ct: Volume) -> Segmentation:
        """As `segment`, which is what it can."""
        return self.segment(ct)


def _call(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        # Such as a launcher whose Python was removed.
        raise ModelError(f"{COMMAND} cannot be started ({error.strerror}); install it again: {INSTALL}.") from None


def _last_words(ended: subprocess.CompletedProcess[str]) -> str:
    """The last line that a program wrote; of a traceback that is its reason."""
    said = ended.stderr.strip() or ended.stdout.strip() or "nothing was said"
    return said.splitlines()[-1].strip().rstrip(".")

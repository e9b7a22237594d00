"""A CT as a verb was given it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fibrolens import __version__
from fibrolens.engine import one_blas_thread
from fibrolens.io import read_volume
from fibrolens.io.dicom.choose import SeriesChoice
from fibrolens.io.dicom.select import NO_LIVER
from fibrolens.io.dicom.selection import Selection
from fibrolens.quality import assess, require_ct
from fibrolens.segment.predict import OrganSegmenter
from fibrolens.volume import Volume


@dataclass(frozen=True)
class ScanInput:
    """A CT that was read and looks like one, with the path as the user gave it and the seconds that reading took."""

    ct: Volume
    path: str
    seconds: float

    @property
    def scan_id(self) -> str:
        """Name of the scan unless the user gives one."""
        return str(self.ct.get("scan_id"))

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What identifies the input, for the manifest."""
        return {"input": {"sha256": self.ct.get("sha256")}, "version": __version__}


def read_scan(path: Path, how: SeriesChoice) -> ScanInput:
    """Read a CT.

    Raises:
        InputError: it cannot be read, is no CT volume, or is a study without a series to take.
    """
    started = time.perf_counter()
    ct = read_volume(path, how=how)
    require_ct(ct)
    return ScanInput(ct, str(path), time.perf_counter() - started)


def series_choice(series_uid: str | None, explain: bool, segmenter: OrganSegmenter | None) -> SeriesChoice:
    """How a verb chooses a series: by headers, and where they leave the phase open, by the organs."""
    measure = None if segmenter is None else phase_by_organs(segmenter)
    return SeriesChoice(series_uid, measure, explain=_say if explain else None)


def phase_by_organs(segmenter: OrganSegmenter) -> Callable[[Volume], str]:
    """A function that reads the contrast phase of a CT from liver, spleen and aorta."""

    def measure(ct: Volume) -> str:
        require_ct(ct)
        with one_blas_thread():
            found = segmenter.segment(ct)
        quality = assess(ct, found.labels, found.aorta)
        return NO_LIVER if quality.liver_coverage == "none" else quality.phase

    return measure


def _say(selection: Selection) -> None:
    sys.stdout.write(f"{selection}\n")

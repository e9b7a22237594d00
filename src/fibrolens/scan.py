"""A CT as a verb was given it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fibrolens import __version__
from fibrolens.io import read_volume
from fibrolens.quality import require_ct
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


def read_scan(path: Path, series_uid: str | None) -> ScanInput:
    """Read a CT.

    Raises:
        InputError: it cannot be read, or is no CT volume.
    """
    started = time.perf_counter()
    ct = read_volume(path, series_uid)
    require_ct(ct)
    return ScanInput(ct, str(path), time.perf_counter() - started)

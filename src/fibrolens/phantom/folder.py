"""The folder of a cohort while it is being filled.

Each scan is written under ``.unfinished/scans`` and moved to its place file by file; its record, under
``.unfinished/records``, comes last and says that the scan is done. So every file in its place is whole.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from fibrolens.begun import writing
from fibrolens.errors import OutputError

UNFINISHED = ".unfinished"
RECORDS, SCANS = f"{UNFINISHED}/records", f"{UNFINISHED}/scans"


def make_room(out: Path) -> None:
    """Make the folders for unfinished scans; what an interrupted run had not moved to its place is made anew.

    Raises:
        OutputError: they cannot be made.
    """
    with writing(out):
        shutil.rmtree(out / SCANS, ignore_errors=True)
        (out / SCANS).mkdir(parents=True)
        (out / RECORDS).mkdir(exist_ok=True)


def require_space(out: Path, needed: float) -> None:
    """Refuse to begin what the disk cannot hold.

    Args:
        out: a folder that need not exist yet.
        needed: bytes.

    Raises:
        OutputError: less is free where `out` would stand.
    """
    parent = next(p for p in (out.absolute(), *out.absolute().parents) if p.exists())
    free = float(shutil.disk_usage(parent).free)
    if needed > free:
        raise OutputError(
            f"The cohort needs about {_size(needed)}, but {parent} has {_size(free)} free; "
            "free some space, choose another --out, or ask for fewer patients or --grid small."
        )


def _size(amount: float) -> str:
    return f"{amount / 1e9:.1f} GB" if amount >= 1e8 else f"{amount / 1e6:.1f} MB"

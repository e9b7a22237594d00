"""Whether a folder is a study: known at once, while the libraries that its steps need take seconds to load."""

from __future__ import annotations

from pathlib import Path

from fibrolens.errors import UsageError
from fibrolens.plan import PLAN

SOURCE = "source.json"


def require_begun(out: Path) -> None:
    """Refuse a folder that no study was begun in.

    Raises:
        UsageError: it is one.
    """
    if not (out / PLAN).is_file() or not (out / SOURCE).is_file():
        raise UsageError(f"{out} is not a study that was begun; begin one by fibrolens study COHORT.csv --out DIR.")

"""What ``fibrolens serve`` leaves in its data folder, by the CT instead of by the job, whose name is drawn."""

import hashlib
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from benchmarks.faults.outputs import MANIFEST, Files, found

PARTS = ("scan", "view")
DATABASE = "jobs.sqlite3"
#: The folder's own name for itself.
NAME = "name"
NO_JOBS = "no jobs yet"


def found_jobs(data: Path) -> dict[str, str]:
    """The files of every finished scan, by the SHA-256 of its upload; a job that was done twice would count twice."""
    files: dict[str, str] = {}
    for number, claim in enumerate(sorted((data / "results").glob("*/*"))):
        upload = next((data / "uploads" / claim.parent.name).iterdir())
        name = hashlib.sha256(upload.read_bytes()).hexdigest()[:8]
        name = f"{name} again {number}" if f"{name}/scan/{MANIFEST}" in files else name
        files |= {f"{name}/{part}/{file}": sha for part in PARTS for file, sha in found(claim / part).items()}
    return files


def half_jobs(data: Path, whole: Files) -> list[str]:
    """Parts of results under their final names that differ from the undisturbed ones; database or name, if not whole.

    Args:
        data: the data folder, which no process uses.
        whole: of the undisturbed service.
    """
    wrong = []
    for claim in (data / "results").glob("*/*") if (data / "results").is_dir() else ():
        wrong += [str(part) for part in claim.iterdir() if part.name in PARTS and not _is_whole(part, whole)]
    database, name = data / DATABASE, data / NAME
    wrong += [] if not name.exists() or name.stat().st_size else [NAME]
    return wrong + ([] if not database.exists() or _is_sound(database) else [DATABASE])


def reached(data: Path, whole: Files) -> str:
    """How far the jobs of a data folder have come, as ``1 done, 1 queued, 1 running (finding the organs)``."""
    database = data / DATABASE
    if not database.exists():
        return NO_JOBS
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as source:
        try:
            jobs = source.execute("SELECT state, step FROM jobs").fetchall()
        except sqlite3.OperationalError:
            # Its tables are not made yet.
            return NO_JOBS
    told = Counter(f"{state} ({step})" if state == "running" else state for state, step in jobs)
    return ", ".join(f"{count} {state}" for state, count in sorted(told.items())) or NO_JOBS


def _is_whole(part: Path, whole: Files) -> bool:
    if not (part / MANIFEST).exists():
        return False
    own = {f"{part.name}/{name}": sha for name, sha in found(part).items()}
    return any(
        own
        == {
            name.removeprefix(f"{scan}/"): sha for name, sha in whole.items() if name.startswith(f"{scan}/{part.name}/")
        }
        for scan in {name.split("/")[0] for name in whole}
    )


def _is_sound(database: Path) -> bool:
    """By SQLite's own check of a copy: to open the original would tidy its log up."""
    with (
        closing(sqlite3.connect(":memory:")) as copy,
        closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as source,
    ):
        source.backup(copy)
        return copy.execute("PRAGMA integrity_check").fetchone()[0] == "ok"

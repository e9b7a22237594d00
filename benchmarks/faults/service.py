"""What ``fibrolens serve`` leaves in its data folder, by the CT instead of by the job, whose name is drawn."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from benchmarks.faults.outputs import MANIFEST, Files, found

PARTS = ("scan", "view")


def found_jobs(data: Path) -> dict[str, str]:
    """The files of every finished scan, by the SHA-256 of its CT; a job that was done twice would count twice."""
    files: dict[str, str] = {}
    for number, claim in enumerate(sorted((data / "results").glob("*/*"))):
        result = json.loads((claim / "scan" / "result.json").read_text(encoding="utf-8"))
        name = result["input"]["sha256"]
        name = f"{name} again {number}" if f"{name}/scan/{MANIFEST}" in files else name
        files |= {f"{name}/{part}/{file}": sha for part in PARTS for file, sha in found(claim / part).items()}
    return files


def half_jobs(data: Path, whole: Files) -> list[str]:
    """Parts of results under their final names that differ from the undisturbed ones, or a database that is not whole.

    Args:
        data: the data folder, which no process uses.
        whole: of the undisturbed service.
    """
    wrong = []
    for claim in (data / "results").glob("*/*") if (data / "results").is_dir() else ():
        wrong += [str(part) for part in claim.iterdir() if part.name in PARTS and not _is_whole(part, whole)]
    database = data / "jobs.sqlite3"
    return wrong + ([] if not database.exists() or _is_sound(database) else [database.name])


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

"""The write-ahead log of the service's database, damaged after the server was killed."""

import multiprocessing
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.faults.kills import stands
from benchmarks.faults.verbs import Whole

from fibrolens.errors import OutputError
from fibrolens.serve.database import FILE, connect, sqlite_url, upgrade
from fibrolens.serve.jobs import Jobs, Submission

JOBS = 20
#: Shares of a server's jobs between which so many are done when its log is damaged.
DONE = (0.01, 0.8)


def _cut(content: bytearray, rng: np.random.Generator) -> bytearray:
    return content[: int(rng.integers(len(content)))]


def _changed(content: bytearray, rng: np.random.Generator) -> bytearray:
    for place in rng.integers(len(content), size=20):
        content[place] ^= 255
    return content


def _noise(content: bytearray, rng: np.random.Generator) -> bytearray:
    return bytearray(rng.bytes(len(content)))


DAMAGES: dict[str, Callable[[bytearray, np.random.Generator], bytearray]] = {
    "cut short": _cut,
    "bytes changed": _changed,
    "noise": _noise,
    "gone": lambda content, rng: bytearray(),
}


def damaged_journal(place: Path, name: str, rng: np.random.Generator) -> dict[str, Any]:
    """Kill a process that has submitted jobs, damage the log, open the queue as a server does, and submit them again.

    Returns:
        ``kept``: jobs that survived; ``jobs``: after all were submitted again; ``sound``: SQLite's own check.
    """
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    writer = multiprocessing.get_context("forkserver").Process(target=_submit_and_die, args=(place,))
    writer.start()
    writer.join()
    log = place / f"{FILE}-wal"
    log.write_bytes(DAMAGES[name](bytearray(log.read_bytes()), rng))
    try:
        upgrade(connect(sqlite_url(place)))
    except OutputError as error:
        return {"status": error.exit_status, "said": str(error)}
    jobs = Jobs(connect(sqlite_url(place)))
    jobs.recover()
    kept = len(jobs.all())
    _submit(jobs)
    count = len(jobs.all())
    jobs.engine.dispose()
    with closing(sqlite3.connect(place / FILE)) as database:
        sound = database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    return {"status": 0, "kept": kept, "jobs": count, "sound": sound}


def damaged_under_server(whole: Whole, name: str, rng: np.random.Generator) -> dict[str, Any]:
    """Kill a server that has jobs, damage the log, start it again, and upload to it what it no longer knows."""
    whole.verb.clear(whole.out)
    command = whole.verb.start(whole.out)
    stands(whole, command, float(rng.uniform(*DONE)))
    command.kill()
    command.ended()
    reached = whole.verb.reached(whole.out, whole.files)
    log = whole.out / f"{FILE}-wal"
    log.write_bytes(DAMAGES[name](bytearray(log.read_bytes()), rng))
    whole.verb.cleared(whole.out)
    return {"reached": reached, "end": whole.ends(), "halves": whole.halves()}


def _submit(jobs: Jobs) -> None:
    for number in range(JOBS):
        jobs.submit(Submission(f"job{number}", f"key{number}", "user", "ct.nii.gz", "upload", "upload.nii.gz"))


def _submit_and_die(place: Path) -> None:
    engine = connect(sqlite_url(place))
    upgrade(engine)
    _submit(Jobs(engine))
    # The log stays as it is, for nobody closes the database.
    os.kill(os.getpid(), signal.SIGKILL)

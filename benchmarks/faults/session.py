"""A client and its ``fibrolens serve`` in one process group: every CT is uploaded and waited for, then the server ends.

What the server has accepted is written down outside its disk, so that the next session knows when a job was lost.
The exit status is that of a server that did not start, 5 where the server could not do the work and said why, 6 where
it is gone, 1 where an accepted job was lost, done in vain, or failed for a defect.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from benchmarks.serve_kills import ENDED, Server

#: Seconds for which nothing may change.
PATIENCE_S = 60.0


def main() -> int:
    """Serve, upload, wait, end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("scans", nargs="+", type=Path)
    parser.add_argument("--model", type=Path, help="the weights; without any, nothing is staged in --seconds instead")
    parser.add_argument("--seconds", default="1")
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args()
    real = ("fibrolens", "serve", "--data", options.data, "--port=0", "--model", options.model)
    quick = ("tests.serve.fast_server", options.seconds, options.data)
    command = [sys.executable, "-m", *(real if options.model else quick)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    server = Server.of(process)
    if server is None:
        return process.wait()
    try:
        return session(server, options.scans, accepted_file(options.data))
    except HTTPError as error:
        return _told(5, f"answered {error.code}: {error.read().decode()}")
    except OSError as error:
        return _told(6, f"the server is gone: {error}")
    finally:
        server.end()


def accepted_file(data: Path) -> Path:
    """The ids of the jobs that were accepted, one a line; beside the parent of the data folder, which may be a disk."""
    return data.parent.with_name(f"{data.parent.name}-{data.name}.accepted")


def cleared(data: Path) -> None:
    """Forget what was accepted: there is a new data folder, or one whose log was damaged."""
    accepted_file(data).unlink(missing_ok=True)


def session(server: Server, scans: list[Path], accepted: Path) -> int:
    """Upload all CTs and wait for them."""
    known = {job["id"] for job in server.jobs()}
    lost = set(accepted.read_text(encoding="utf-8").split() if accepted.exists() else ()) - known
    if lost:
        return _told(1, f"accepted and lost: {sorted(lost)}")
    with accepted.open("a", encoding="utf-8") as stream:
        for scan in scans:
            stream.write(f"{server.upload(scan, forced=True)['id']}\n")
            stream.flush()
            os.fsync(stream.fileno())
    jobs = _waited(server)
    for job in jobs:
        _told(0, f"{job['name']}: {job['state']} {job['step']} {job['reason'] or ''}")
    if len(jobs) != len(scans) or any("defect" in (job["reason"] or "") for job in jobs):
        return 1
    return 5 if any(job["state"] != "done" for job in jobs) else 0


def _waited(server: Server) -> list[dict[str, Any]]:
    """The jobs when all have ended, or when nothing has changed for long."""
    jobs, changed = server.jobs(), time.monotonic()
    while any(job["state"] not in ENDED for job in jobs) and time.monotonic() < changed + PATIENCE_S:
        time.sleep(0.2)
        found = server.jobs()
        jobs, changed = found, changed if found == jobs else time.monotonic()
    return jobs


def _told(status: int, sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())

"""A client and its ``fibrolens serve`` in one process group: every CT is uploaded and waited for, then the server ends.

The exit status is that of a server that did not start, 5 where an upload was not taken in, 1 where a job failed.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit

from benchmarks.serve_kills import ENDED, Server


def main() -> int:
    """Serve, upload, wait, end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("scans", nargs="+", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args()
    command = [sys.executable, "-m", "fibrolens", "serve", "--data", options.data, "--port=0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    link = (process.stdout.readline() if process.stdout else "").removeprefix("Open ").strip()
    if not link:
        return process.wait()
    place = urlsplit(link)
    server = Server(process, f"http://{place.netloc}/api/v1", parse_qs(place.query)["token"][0])
    try:
        return session(server, options.scans)
    finally:
        server.end()


def session(server: Server, scans: list[Path]) -> int:
    """Upload all CTs and wait for them."""
    try:
        for scan in scans:
            server.upload(scan)
        jobs = server.jobs()
        while any(job["state"] not in ENDED for job in jobs):
            time.sleep(0.2)
            jobs = server.jobs()
    except HTTPError as error:
        sys.stderr.write(f"answered {error.code}: {error.read().decode()}\n")
        return 5
    for job in jobs:
        sys.stderr.write(f"{job['name']}: {job['state']} {job['reason'] or ''}\n")
    return int(any(job["state"] != "done" for job in jobs))

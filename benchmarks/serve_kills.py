"""Twenty uploads at once while the worker is killed five times and the server once, against one upload at a time.

Simulated CTs go through ``fibrolens serve`` with the shipped weights twice: one after the other, undisturbed; and all
at once, while a worker gets SIGKILL at random moments and at last the server itself, which is started again. Every job
must end once, and every file that holds no times must have the same bytes both times. Writes ``serve_kills.json``.

usage: serve_kills.py [--out DIR] [--scans 20] [--kills 5] [--workers 1] [--seed 0]
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import numpy as np

COMMAND = (sys.executable, "-m", "fibrolens")
COMPARED = ("result.json", "report.html", "labels.nii.gz", "map.nii.gz", "map_recommended.nii.gz")
MAPS = tuple(f"maps/F{stage}.nii.gz" for stage in range(5))
ENDED = ("done", "refused", "failed")


def main() -> None:
    """Both runs; exits with 1 where a job did not end once or ended differently."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench/serve_kills"))
    parser.add_argument("--scans", type=int, default=20)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    shutil.rmtree(options.out, ignore_errors=True)
    options.out.mkdir(parents=True)
    scans = simulated(options.out / "cohort", options.scans)
    whole, seconds = serial(options.out / "serial", scans, options.workers)
    report = disturbed(options, scans, seconds)
    report["same"] = sum(report["results"][name] == whole[name] for name in whole)
    report |= {"scans": len(scans), "serial_s": round(seconds, 1), "compared": [*COMPARED, *MAPS]}
    del report["results"]
    (options.out / "serve_kills.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))
    good = report["same"] == len(scans) and report["states"] == {"done": len(scans)}
    sys.exit(0 if good and report["ended_more_than_once"] == 0 else 1)


def simulated(folder: Path, count: int) -> list[Path]:
    """CTs of a simulated cohort."""
    made = ("phantom", "--patients", str(count), "--grid", "small", "--out", folder)
    subprocess.run([*COMMAND, *made], check=True, capture_output=True)
    return sorted((folder / "images").glob("*.nii.gz"))[:count]


def serial(data: Path, scans: Sequence[Path], workers: int) -> tuple[dict[str, dict[str, str]], float]:
    """The files of every scan, uploaded one after the other; and the seconds that all took."""
    server = Server.start(data, workers)
    started = time.monotonic()
    for scan in scans:
        server.upload(scan)
        server.wait()
    seconds = time.monotonic() - started
    found = server.results()
    server.end()
    return found, seconds


def disturbed(options: argparse.Namespace, scans: Sequence[Path], seconds: float) -> dict[str, Any]:
    """All uploads at once, with kills at random moments of the time that the undisturbed run took."""
    rng = np.random.default_rng(options.seed)
    data = options.out / "killed"
    server = Server.start(data, options.workers)
    started = time.monotonic()
    with ThreadPoolExecutor(len(scans)) as pool:
        list(pool.map(server.upload, scans))
    killed = []
    for _ in range(options.kills):
        time.sleep(float(rng.uniform(0.3, 0.9)) * seconds / (options.kills + 2))
        killed.append(server.kill_worker(rng))
    server.kill()
    server = Server.start(data, options.workers)
    server.wait()
    took = time.monotonic() - started
    jobs, results = server.jobs(), server.results()
    server.end()
    ends = Counter(line["job"] for line in log_of(data) if line["event"] == "job ended" and line["state"] in ENDED)
    return {
        "results": results,
        "killed_after_s": [round(moment - started, 1) for moment in killed],
        "took_s": round(took, 1),
        "states": dict(Counter(job["state"] for job in jobs)),
        "attempts": dict(Counter(str(job["attempts"]) for job in jobs)),
        "ended_more_than_once": sum(count > 1 for count in ends.values()),
    }


def log_of(data: Path) -> list[dict[str, Any]]:
    """What the servers of a data folder have logged."""
    lines = data.with_suffix(".log").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


@dataclass(frozen=True)
class Server:
    """A running ``fibrolens serve``."""

    process: subprocess.Popen[str]
    address: str
    token: str

    @classmethod
    def start(cls, data: Path, workers: int) -> "Server":
        """Start it and read its link."""
        command = [*COMMAND, "serve", "--data", data, "--port", "0", "--workers", str(workers)]
        with data.with_suffix(".log").open("a", encoding="utf-8") as log:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        server = cls.of(process)
        if server is None:
            raise SystemExit(f"the server did not start; see {data.with_suffix('.log')}")
        return server

    @classmethod
    def of(cls, process: "subprocess.Popen[str]") -> "Server | None":
        """The server of a process, by the link that it prints; None where it ends instead."""
        link = process.stdout.readline() if process.stdout else ""
        place = urlsplit(link.removeprefix("Open ").strip())
        return cls(process, f"http://{place.netloc}/api/v1", parse_qs(place.query)["token"][0]) if link else None

    def ask(self, path: str, content: bytes | None = None) -> Any:
        """GET, or POST where there is a content; what was answered."""
        request = Request(f"{self.address}{path}", content, {"Authorization": f"Bearer {self.token}"})  # noqa: S310
        with urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.load(answer)

    def upload(self, scan: Path, forced: bool = False) -> dict[str, Any]:
        """Send a CT; its job."""
        return dict(self.ask(f"/jobs?filename={scan.name}&force={str(forced).lower()}", scan.read_bytes()))

    def jobs(self) -> list[dict[str, Any]]:
        """All jobs."""
        return list(self.ask("/jobs?limit=1000")["jobs"])

    def wait(self) -> None:
        """Until every job has ended."""
        while any(job["state"] not in ENDED for job in self.jobs()):
            time.sleep(0.2)

    def results(self) -> dict[str, dict[str, str]]:
        """SHA-256 of the compared files of every scan, by the name of its upload."""
        done = [job for job in self.jobs() if job["state"] == "done"]
        hashes = {job["name"]: self.ask(f"/jobs/{job['id']}/files/manifest.json")["files"] for job in done}
        return {name: {file: known.get(file) for file in (*COMPARED, *MAPS)} for name, known in hashes.items()}

    def kill_worker(self, rng: np.random.Generator) -> float:
        """SIGKILL for one of the workers that lives; the moment of it."""
        while not (workers := self._workers()):
            time.sleep(0.1)
        os.kill(int(rng.choice(workers)), signal.SIGKILL)
        return time.monotonic()

    def kill(self) -> None:
        """SIGKILL for the server itself."""
        self.process.kill()
        self.process.communicate()

    def end(self) -> None:
        """End it as a service is ended."""
        self.process.terminate()
        self.process.communicate(timeout=60)

    def _workers(self) -> list[int]:
        """Process ids of the spawned workers (Linux)."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        children = {int(pid) for task in tasks for pid in task.read_text(encoding="ascii").split()}
        return sorted(pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes())


if __name__ == "__main__":
    main()

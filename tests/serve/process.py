"""A running service: start it, ask it, see its workers, end it or kill it."""

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).resolve().parents[2]
LONGEST_S = 60
LAST = "Ctrl-C ends it; nothing is lost. Research use only.\n"


@dataclass
class Running:
    """A service in a process group of its own, whose log is kept."""

    data: Path
    seconds: float = 0.0
    more: tuple[str, ...] = ()
    said: list[str] = field(default_factory=list)

    def __enter__(self) -> "Running":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def start(self) -> None:
        """Start it and read what it says first."""
        command = [sys.executable, "-m", "tests.serve.fast_server", str(self.seconds), str(self.data), *self.more]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        with self.log.open("ab") as log:
            own = {"cwd": ROOT, "env": environment, "start_new_session": True}
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, **own)
        first = self.process.stdout.readline()
        assert first.startswith("Open "), self.log.read_text()
        self.said = [first, *iter(self.process.stdout.readline, LAST)]
        place = urlsplit(first.removeprefix("Open ").strip())
        self.scheme, self.host, self.token = place.scheme, place.netloc, parse_qs(place.query)["token"][0]

    @property
    def log(self) -> Path:
        """Where the service and its workers log."""
        return self.data.with_suffix(".log")

    @property
    def events(self) -> list[dict]:
        """What was logged."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def connection(self) -> http.client.HTTPConnection:
        """To the service."""
        if self.scheme == "http":
            return http.client.HTTPConnection(self.host, timeout=20)
        context = ssl.create_default_context(cafile=self.more[1])
        return http.client.HTTPSConnection(self.host, timeout=20, context=context)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> http.client.HTTPResponse:
        """Send a request with the token."""
        connection = self.connection()
        connection.request(method, path, body, {"Authorization": f"Bearer {self.token}"} | headers)
        answer = connection.getresponse()
        answer.body = answer.read()
        connection.close()
        return answer

    def jobs(self) -> list[dict]:
        """Every job, newest first."""
        return json.loads(self.ask("GET", "/api/v1/jobs").body)["jobs"]

    def states(self) -> list[str]:
        """The state of every job."""
        return sorted(job["state"] for job in self.jobs())

    def workers(self) -> list[int]:
        """Process ids of the workers (Linux)."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        children = {int(pid) for task in tasks for pid in task.read_text().split()}
        return sorted(pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes())

    def end(self, number: signal.Signals, group: bool = False) -> float:
        """Send a signal and wait for the end; the seconds that it took."""
        began = time.monotonic()
        (os.killpg if group else os.kill)(self.process.pid, number)
        self.rest = self.process.communicate(timeout=LONGEST_S)[0]
        return time.monotonic() - began


def until(said, what, seconds=LONGEST_S) -> None:
    """Wait for something."""
    since = time.monotonic()
    while not what():
        assert time.monotonic() - since < seconds, said
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    try:
        return b"Z" in Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2][:3]
    except FileNotFoundError:
        return True

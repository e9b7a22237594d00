"""`fibrolens serve --pacs` as a process of its own, and a client of its REST interface."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

#: Starts the service; the second form stages with the fast stager of `tests.pacs.fast`.
REAL = [sys.executable, "-m", "fibrolens", "serve"]
FAST = [sys.executable, "-m", "tests.pacs.fast"]
READY_S = 180


@dataclass(frozen=True)
class Server:
    """One that runs."""

    process: subprocess.Popen
    url: str
    token: str
    dicom: int
    log: Path

    def ask(self, method: str, path: str, body: object = None) -> bytes:
        """A request with the token."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}api/v1/{path}", data, headers, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  (loopback)
            return answer.read()

    def json(self, method: str, path: str, body: object = None) -> dict:
        """A request whose answer is JSON."""
        return json.loads(self.ask(method, path, body))

    def refusal(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        """Status and sentence of a request that is refused."""
        try:
            self.ask(method, path, body)
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())["error"]
        raise AssertionError("was not refused")

    def jobs(self) -> list[dict]:
        """All jobs."""
        return self.json("GET", "jobs")["jobs"]

    def wait(self, there, seconds: float) -> list[dict]:
        """The jobs, as soon as `there` is true of them."""
        until = time.monotonic() + seconds
        while not there(jobs := self.jobs()):
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < until, f"{jobs}\n{self.log.read_text()[-3000:]}"
            time.sleep(0.1)
        return jobs

    def kill(self) -> None:
        """End it as a loss of power would."""
        self.process.kill()
        self.process.wait(30)


@contextmanager
def serving(folder: Path, settings: str, command=REAL):
    """Start a service whose data and settings lie in `folder`; it is ended by SIGTERM with the block."""
    folder.mkdir(exist_ok=True)
    (folder / "pacs.toml").write_text(settings)
    number = len(list(folder.glob("log*")))
    log = folder / f"log{number}"
    arguments = ["--data", str(folder / "data"), "--port", "0", "--pacs", str(folder / "pacs.toml")]
    root = Path(__file__).parents[2]
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "PYTHONPATH": str(root)}
    with (folder / f"out{number}").open("wb") as out, log.open("wb") as err:
        process = subprocess.Popen([*command, *arguments], stdout=out, stderr=err, env=environment, cwd=root)
    try:
        yield _ready(process, folder / f"out{number}", log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0


def _ready(process: subprocess.Popen, out: Path, log: Path) -> Server:
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()[-3000:]
        told = out.read_text()
        link = re.search(r"Open (http://\S+/)\?token=(\S+)", told)
        dicom = re.search(r"DICOM node \S+ on \S+ port (\d+)\.", told)
        if link and dicom:
            return Server(process, link[1], link[2], int(dicom[1]), log)
        time.sleep(0.1)
    raise AssertionError(f"{told}\n{log.read_text()[-3000:]}")

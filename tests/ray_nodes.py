"""Nodes of a Ray cluster on this machine, for tests and benchmarks."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROC = Path("/proc")
PDEATHSIG = 1
#: Of every process of the cluster and of those that use it.
ENVIRONMENT = os.environ | {"RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


class Node:
    """One `ray start`, which keeps its processes below it."""

    def __init__(self, *options: str, cores: int = 1) -> None:
        ray = Path(sys.executable).with_name("ray")
        size = (f"--num-cpus={cores}", "--object-store-memory=80000000", "--node-ip-address=127.0.0.1")
        command = [str(ray), "start", *options, *size, "--disable-usage-stats", "--block"]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=ENVIRONMENT,
            preexec_fn=_end_with_us,  # noqa: PLW1509 - it takes no lock that a thread could hold
        )

    @property
    def raylet(self) -> int | None:
        """Process of the node's scheduler; None before there is one."""
        for stat in PROC.glob("[0-9]*/stat"):
            try:
                name, _, rest = stat.read_text().partition("(")[2].rpartition(")")
            except OSError:
                continue
            if name == "raylet" and int(rest.split()[1]) == self.process.pid:
                return int(stat.parent.name)
        return None

    def stop(self) -> None:
        """End the node and its processes."""
        self.process.terminate()
        self.process.wait(30)


@contextmanager
def head(cores: int = 1) -> Iterator[str]:
    """A cluster of one node; its address."""
    # The paths of Ray's sockets must be short.
    folder, port = tempfile.mkdtemp(prefix="ray"), free_port()
    node = Node("--head", f"--port={port}", f"--temp-dir={folder}", "--include-dashboard=false", cores=cores)
    try:
        wait_for(lambda: _answers(port))
        yield f"127.0.0.1:{port}"
    finally:
        node.stop()
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(ready: Callable[[], object], seconds: float = 60.0) -> None:
    """Return as soon as `ready` is true; fail after so many seconds."""
    until = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > until:
            raise TimeoutError
        time.sleep(0.05)


def parent_of(process: int) -> int | None:
    """Which process started another; of a worker, the raylet of its node."""
    try:
        return int((PROC / str(process) / "stat").read_text().rpartition(")")[2].split()[1])
    except FileNotFoundError:
        return None


def _end_with_us() -> None:
    """Linux ends this process with the one that started it, so that a killed test leaves no cluster behind."""
    ctypes.CDLL(None).prctl(PDEATHSIG, signal.SIGTERM)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0

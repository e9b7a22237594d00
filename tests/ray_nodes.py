"""Nodes of a Ray cluster on this machine, for tests and benchmarks: each starts and ends in bounded time."""

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
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROC = Path("/proc")
PDEATHSIG = 1
#: Every process of Ray imports jsonschema, which builds a grammar for seconds where this package is installed; ten
#: processes at once then take longer than a node waits for its own parts, and it ends before it has begun.
SLOW_PACKAGE = "rfc3987_syntax"
#: Seconds that a node may take until it can be used, and until it is gone.
STARTS, ENDS = 120.0, 20.0


class Node:
    """One `ray start`, which keeps its processes below it.

    Args:
        folder: of the cluster.
        options: of `ray start`.
        cores: that it offers.
    """

    def __init__(self, folder: Path, *options: str, cores: int = 1) -> None:
        ray = Path(sys.executable).with_name("ray")
        size = (f"--num-cpus={cores}", "--object-store-memory=80000000", "--node-ip-address=127.0.0.1")
        # Ports that are told need not be waited for.
        ports = ("metrics-export", "dashboard-agent-grpc", "dashboard-agent-listen", "runtime-env-agent")
        told = [f"--{name}-port={port}" for name, port in zip(ports, free_ports(len(ports)), strict=True)]
        few = ("--include-log-monitor=false", "--disable-usage-stats", "--block")
        self._said = folder / f"node-{len(list(folder.glob('node-*')))}"
        with self._said.open("w") as said:
            self.process = subprocess.Popen(
                [str(ray), "start", *options, *size, *told, *few],
                stdout=said,
                stderr=said,
                env=environment(folder),
                start_new_session=True,
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

    def ready(self) -> bool:
        """Whether it can be used.

        Raises:
            RuntimeError: it ended instead.
        """
        said = self._said.read_text(errors="replace")
        if self.process.poll() is not None:
            raise RuntimeError(f"A node of Ray ended while it began: {said[-2000:]}")
        return "Ray runtime started" in said

    def stop(self) -> None:
        """End the node and its processes, if need be by force."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(ENDS)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(ENDS)


@dataclass(frozen=True)
class Cluster:
    """Its address, its nodes, and the environment of processes that use it."""

    address: str
    nodes: list[Node]
    environment: dict[str, str]


@contextmanager
def cluster(*cores: int) -> Iterator[Cluster]:
    """A cluster of a node for every number of cores."""
    # The paths of Ray's sockets must be short.
    folder, (port, page) = Path(tempfile.mkdtemp(prefix="ray")), free_ports(2)
    (folder / f"{SLOW_PACKAGE}.py").write_text("raise ImportError\n")
    address, nodes = f"127.0.0.1:{port}", list[Node]()
    first = (
        "--head",
        f"--port={port}",
        f"--temp-dir={folder}",
        "--include-dashboard=false",
        f"--dashboard-port={page}",
    )
    try:
        for number in cores:
            nodes.append(Node(folder, *(first if not nodes else (f"--address={address}",)), cores=number))
            # The second asks for the first only a few times.
            wait_for(nodes[-1].ready, "a node of Ray to start", STARTS)
        yield Cluster(address, nodes, environment(folder))
    finally:
        for node in reversed(nodes):
            node.stop()
        shutil.rmtree(folder, ignore_errors=True)


def environment(folder: Path) -> dict[str, str]:
    """Of every process of the cluster in `folder` and of those that use it."""
    # A busy machine is slow, and its memory is not ours to watch.
    patient = {"RAY_raylet_start_wait_time_s": f"{STARTS:.0f}", "RAY_memory_monitor_refresh_ms": "0"}
    paths = os.pathsep.join(str(path) for path in (folder, ROOT / "src", ROOT))
    return os.environ | patient | {"RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1", "PYTHONPATH": paths}


def free_ports(count: int) -> list[int]:
    """Ports that nobody has now."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return found


def wait_for(ready: Callable[[], object], what: str, seconds: float) -> None:
    """Return as soon as `ready` is true; fail after so many seconds, and say what did not come."""
    until = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > until:
            raise TimeoutError(f"{seconds:.0f} s were not enough for {what}")
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

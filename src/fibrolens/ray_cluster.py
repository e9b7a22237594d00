"""Workers on a Ray cluster: actors that do one job at a time, each a process on one of its nodes."""

from __future__ import annotations

import os
import queue
import socket
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from types import ModuleType, TracebackType
from typing import Any

import torch

from fibrolens.dispatch import Worker, WorkerLost, translated
from fibrolens.engine import Messages, in_threads
from fibrolens.errors import UsageError

ANSWER_SECONDS = 10.0


class RayCluster:
    """The site of an engine whose workers are on a Ray cluster.

    Args:
        address: of the cluster, ``HOST:PORT``, or ``auto`` for the one that this machine belongs to.
        workers: at once, each with as many cores as ``OMP_NUM_THREADS`` says, else with one; None takes all cores.

    Raises:
        UsageError: Ray is not installed.
    """

    def __init__(self, address: str, workers: int | None = None) -> None:
        self._ray = _import_ray()
        self._address, self._workers = address, workers
        self.threads = torch.get_num_threads() if "OMP_NUM_THREADS" in os.environ else 1

    def __enter__(self) -> RayCluster:
        try:
            _require_answer(self._address)
            self._ray.init(self._address, log_to_driver=False, logging_level="ERROR")
        except (OSError, RuntimeError, ValueError) as error:
            reason = str(error).partition("\n")[0].rstrip(".")
            raise UsageError(
                f"No Ray cluster can be used at {self._address} ({reason}); start one with ray start, or give its "
                "address with --ray-address."
            ) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ray.shutdown()

    @property
    def places(self) -> int:
        """Workers at once: as many as were asked for, else as the cluster has cores for now."""
        return self._workers or int(self._ray.cluster_resources().get("CPU", 0) // self.threads)

    def start(self) -> Worker:
        """Start a worker where there are cores for it, or as soon as there are."""
        actor = self._ray.remote(_Actor).options(num_cpus=self.threads, scheduling_strategy="SPREAD")
        return _RayWorker(self._ray, actor.remote(os.getcwd(), self.threads))

    def messages(self) -> Messages:
        """A channel by way of an actor on the machine of the process that reads it."""
        here = self._ray.get_runtime_context().get_node_id()
        beside = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(here, soft=True)
        mailbox = self._ray.remote(_Mailbox).options(num_cpus=0, scheduling_strategy=beside)
        return _RayMessages(mailbox.remote())


def _import_ray() -> ModuleType:
    # Ray looks when it is imported; nothing is to be reported to anybody.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray  # noqa: PLC0415
        import ray.util.scheduling_strategies  # noqa: PLC0415
    except ModuleNotFoundError:
        raise UsageError("--engine ray needs Ray, which is not installed: pip install 'fibrolens[ray]'.") from None
    return ray


def _require_answer(address: str) -> None:
    """Raise OSError where nobody answers at ``HOST:PORT``, which Ray would find out after minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.rpartition("/")[2], int(port)), ANSWER_SECONDS).close()


class _Actor:
    """A worker's process; relative paths mean there what they mean to the one that started it."""

    def __init__(self, folder: str, threads: int) -> None:
        self._folder, self._threads = folder, threads

    def do(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            os.chdir(self._folder)
        except OSError:
            raise UsageError(
                f"The folder {self._folder} is not there on {socket.gethostname()}; start from one that all nodes of "
                "the cluster share."
            ) from None
        return in_threads(self._threads, function, *arguments)


class _RayWorker:
    def __init__(self, ray: ModuleType, actor: Any) -> None:
        self._ray, self._actor = ray, actor

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        return translated(self._actor.do.remote(function, *arguments).future(), self._own_error)

    def stop(self) -> None:
        self._ray.kill(self._actor)

    def _own_error(self, error: BaseException) -> BaseException:
        """The job's own error, or WorkerLost where Ray tells of a process or a node that ended."""
        if isinstance(error, self._ray.exceptions.RayTaskError):
            return getattr(error, "cause", error)
        return WorkerLost(str(error)) if isinstance(error, self._ray.exceptions.RayError) else error


class _Mailbox:
    """What workers have said and nobody has read yet."""

    def __init__(self) -> None:
        self._said: list[tuple[int, str]] = []

    def put(self, message: tuple[int, str]) -> None:
        self._said.append(message)

    def take(self) -> list[tuple[int, str]]:
        said, self._said = self._said, []
        return said


class _RayMessages:
    def __init__(self, mailbox: Any) -> None:
        self._mailbox = mailbox
        self._taken: deque[tuple[int, str]] = deque()

    def put(self, message: tuple[int, str], /) -> None:
        # Waited for, so that it is there before the job has ended.
        _import_ray().get(self._mailbox.put.remote(message))

    def get_nowait(self) -> tuple[int, str]:
        if not self._taken:
            self._taken.extend(_import_ray().get(self._mailbox.take.remote()))
        if not self._taken:
            raise queue.Empty
        return self._taken.popleft()

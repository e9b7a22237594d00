"""Jobs for workers that may be lost: one at a time to each, and tried again by another where one ended before it."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

#: Workers that may be lost over one job, or one after the other while they get ready.
ATTEMPTS = 3
POLL_SECONDS = 0.2

Job = TypeVar("Job")
Job_co = TypeVar("Job_co", covariant=True)


@runtime_checkable
class Jobs(Protocol[Job_co]):
    """Jobs, and how many they are; there may be more of them than memory holds."""

    def __len__(self) -> int:
        """How many."""

    def __iter__(self) -> Iterator[Job_co]:
        """One after the other."""


def nothing() -> None:
    """What is done where nothing needs to be."""


class WorkerLost(Exception):  # noqa: N818 - an event that is dealt with, nobody's error
    """A worker ended before its job did."""


@runtime_checkable
class Worker(Protocol):
    """A process that does one job at a time."""

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Begin a job; the future raises WorkerLost where the process ends before it."""

    def stop(self) -> None:
        """End the process, which may end its job first."""


@dataclass(frozen=True)
class Lost:
    """What comes of a job that no worker came back from."""

    attempts: int


@dataclass
class _Trial(Generic[Job]):
    job: Job
    lost: int = 0


class Dispatch:
    """Workers, each given its next job when it has ended one: little waits here, however many jobs there are.

    Args:
        start: starts a worker.
    """

    def __init__(self, start: Callable[[], Worker]) -> None:
        self._start = start
        self._idle: list[Worker] = []
        self._beginning: dict[Future[Any], Worker] = {}
        self._busy: dict[Future[Any], tuple[Worker, _Trial[Any]]] = {}
        self._ended: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
        self._failed_starts = 0

    def results(
        self,
        function: Callable[[Job], Any],
        jobs: Iterable[Job],
        places: int,
        prepare: Callable[[], None] = nothing,
        meanwhile: Callable[[], None] = nothing,
    ) -> Iterator[tuple[Job, Any]]:
        """Call ``function(job)`` for every job, as workers get free.

        Args:
            function: known by name to the workers.
            jobs: taken one by one, each when a worker waits for it.
            places: workers at once.
            prepare: called by each worker when it starts.
            meanwhile: called several times a second.

        Yields:
            A job with what the function returned, or with `Lost`; in the order in which they end.

        Raises:
            Exception: the first that `function` or `prepare` raises.
            WorkerLost: workers end before they are ready, and none is left.
        """
        waiting = _Waiting(jobs)
        while waiting or self._busy:
            places = self._worth_filling(places)
            self._fill(function, waiting, places, prepare)
            meanwhile()
            try:
                future = self._ended.get(timeout=POLL_SECONDS)
            except queue.Empty:
                continue
            yield from self._take(future, waiting)
        meanwhile()

    def stop(self) -> None:
        """Let all workers end."""
        for worker in [*self._idle, *self._beginning.values(), *(worker for worker, _ in self._busy.values())]:
            worker.stop()

    @property
    def _present(self) -> int:
        return len(self._idle) + len(self._beginning) + len(self._busy)

    def _worth_filling(self, places: int) -> int:
        """How many places there are, less those where workers end again and again before they are ready."""
        if self._failed_starts < ATTEMPTS:
            return places
        self._failed_starts = 0
        if not self._present:
            raise WorkerLost
        return self._present

    def _fill(
        self, function: Callable[[Any], Any], waiting: _Waiting, places: int, prepare: Callable[[], None]
    ) -> None:
        """Give jobs to free workers, and start workers while there are places and jobs for them."""
        while self._idle and waiting:
            worker, trial = self._idle.pop(), waiting.take()
            self._busy[self._watched(worker.submit(function, trial.job))] = worker, trial
        while waiting and self._present < places:
            worker = self._start()
            self._beginning[self._watched(worker.submit(prepare))] = worker

    def _watched(self, future: Future[Any]) -> Future[Any]:
        future.add_done_callback(self._ended.put)
        return future

    def _take(self, future: Future[Any], waiting: _Waiting) -> Iterator[tuple[Any, Any]]:
        """What comes of a future that has ended."""
        if (worker := self._beginning.pop(future, None)) is not None:
            self._begun(future, worker)
            return
        worker, trial = self._busy.pop(future)
        try:
            result = future.result()
        except WorkerLost:
            worker.stop()
            trial.lost += 1
            if trial.lost < ATTEMPTS:
                waiting.again(trial)
                return
            result = Lost(trial.lost)
        else:
            self._idle.append(worker)
        yield trial.job, result

    def _begun(self, future: Future[Any], worker: Worker) -> None:
        try:
            future.result()
        except WorkerLost:
            worker.stop()
            self._failed_starts += 1
        else:
            self._failed_starts = 0
            self._idle.append(worker)


class _Waiting:
    """Jobs in their order, before all others those whose worker was lost; true while there is one."""

    def __init__(self, jobs: Iterable[Any]) -> None:
        self._rest = iter(jobs)
        self._next: deque[_Trial[Any]] = deque()

    def __bool__(self) -> bool:
        if not self._next:
            self._next.extend(_Trial(job) for job in islice(self._rest, 1))
        return bool(self._next)

    def take(self) -> _Trial[Any]:
        return self._next.popleft()

    def again(self, trial: _Trial[Any]) -> None:
        self._next.appendleft(trial)


def translated(future: Future[Any], translate: Callable[[BaseException], BaseException]) -> Future[Any]:
    """A future with the same result, but another error."""
    other: Future[Any] = Future()

    def pass_on(done: Future[Any]) -> None:
        if done.cancelled():
            other.cancel()
        elif (error := done.exception()) is not None:
            other.set_exception(translate(error))
        else:
            other.set_result(done.result())

    future.add_done_callback(pass_on)
    return other

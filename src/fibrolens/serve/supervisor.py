"""Keeps worker processes alive: one that ends is replaced, and its job goes back to the queue at once."""

from __future__ import annotations

import multiprocessing
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import SpawnProcess

from sqlalchemy.exc import SQLAlchemyError

from fibrolens.serve.jobs import Jobs
from fibrolens.serve.logs import complain, say
from fibrolens.serve.worker import WorkerPlan, run_worker

WATCH_S = 0.1
#: A worker that ends sooner than this after its start is not replaced at once.
EARLY_S = 5.0
LONGEST_PAUSE_S = 30.0
#: Seconds for a worker to end when it is asked to, before it is killed.
GRACE_S = 5.0


@dataclass
class _Place:
    """One of the workers, whichever process it is at the moment."""

    name: str = ""
    process: SpawnProcess | None = None
    started: float = 0.0
    not_before: float = 0.0
    pause: float = 0.0


@dataclass
class Supervisor:
    """Worker processes; they run inside a ``with`` block.

    Args:
        plan: of every worker.
        jobs: the queue, in this process.
        count: how many workers.
    """

    plan: WorkerPlan
    jobs: Jobs
    count: int
    _places: list[_Place] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Supervisor:
        self._places = [_Place() for _ in range(self.count)]
        for place in self._places:
            self._start(place)
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for place in self._places:
            if place.process is not None:
                place.process.terminate()
        for place in self._places:
            if place.process is not None:
                place.process.join(GRACE_S)
                place.process.kill()
                place.process.join()
                self._release_at_end(place)

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that live."""
        processes = [place.process for place in self._places]
        return [p.pid for p in processes if p is not None and p.is_alive() and p.pid is not None]

    def _watch(self) -> None:
        while not self._stop.wait(WATCH_S):
            try:
                for place in self._places:
                    self._look(place)
                self.jobs.expire()
            except SQLAlchemyError as error:
                complain("database does not answer", error)
                self._stop.wait(1.0)

    def _look(self, place: _Place) -> None:
        process = place.process
        if process is not None and not process.is_alive():
            say("worker ended", worker=place.name, status=process.exitcode)
            self._release(place)
            early = time.monotonic() - place.started < EARLY_S
            place.pause = min(LONGEST_PAUSE_S, place.pause * 2 or WATCH_S) if early else 0.0
            place.not_before, place.process = time.monotonic() + place.pause, None
        if place.process is None and time.monotonic() >= place.not_before:
            self._start(place)

    def _release_at_end(self, place: _Place) -> None:
        try:
            self._release(place, counted=False)
        except SQLAlchemyError as error:
            # The next start takes every running job back.
            complain("database does not answer", error)

    def _release(self, place: _Place, counted: bool = True) -> None:
        count = self.jobs.release(place.name, counted)
        if count:
            say("job taken back", worker=place.name)

    def _start(self, place: _Place) -> None:
        place.name, place.started = secrets.token_hex(16), time.monotonic()
        # A fork would copy torch's threads in whatever state they are.
        context = multiprocessing.get_context("spawn")
        place.process = context.Process(target=run_worker, args=(self.plan, place.name), daemon=True)
        with _no_interrupt():
            place.process.start()


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """What is started inside never sees Ctrl-C, which a terminal sends to all: the server ends its workers itself."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

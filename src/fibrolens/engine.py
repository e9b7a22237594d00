"""Where work runs: in this process, or side by side in spawned ones."""

from __future__ import annotations

import multiprocessing
import os
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, TypeVar

import torch
from threadpoolctl import threadpool_limits

from fibrolens.errors import FibrolensError
from fibrolens.progress import Reporter
from fibrolens.workers import begin_worker

#: More processes than this at once would need more memory than a workstation has.
MOST_WORKERS = 2
POLL_SECONDS = 0.2

Job = TypeVar("Job")


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Engine:
    """Runs jobs and passes on their progress; use it in a ``with`` statement.

    Args:
        workers: processes at once; 1 is this process alone. Torch's threads (``OMP_NUM_THREADS``, else the cores) are
            shared out evenly among them.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = min(MOST_WORKERS, cores()) if workers is None else workers
        self.threads = max(1, torch.get_num_threads() // self.workers)
        self._stack = ExitStack()
        self._pool: ProcessPoolExecutor | None = None
        self._said: Any = None

    def __enter__(self) -> Engine:
        if self.workers > 1:
            # A fork would copy torch's threads in whatever state they are.
            context = multiprocessing.get_context("spawn")
            self._said = self._stack.enter_context(context.Manager()).Queue()
            self._pool = ProcessPoolExecutor(self.workers, context, begin_worker)
            self._stack.callback(self._pool.shutdown, cancel_futures=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def run(self, function: Callable[[Job, Reporter], None], jobs: Sequence[Job], report: Reporter) -> None:
        """Call ``function(job, reporter)`` for every job; the first error ends the run.

        Args:
            function: importable by name, as the spawned processes import it.
            jobs: arguments that can be pickled.
            report: told of what the jobs report.

        Raises:
            FibrolensError: of a job, or a process that was ended from outside.
        """
        if self._pool is None:
            with _threads(self.threads):
                for job in jobs:
                    function(job, report)
            return
        waiting = {self._pool.submit(_work, function, job, self._said, self.threads) for job in jobs}
        try:
            while waiting:
                done, waiting = wait(waiting, POLL_SECONDS, FIRST_COMPLETED)
                self._pass_on(report)
                _raise_first(done)
        except BrokenProcessPool:
            raise FibrolensError(
                "A worker process was ended from outside, often for want of memory; start again to go on."
            ) from None
        finally:
            for future in waiting:
                future.cancel()

    def _pass_on(self, report: Reporter) -> None:
        while True:
            try:
                report.advance(*self._said.get_nowait())
            except queue.Empty:
                return


class _Messages:
    """The reporter of a worker process."""

    def __init__(self, said: Any) -> None:
        self._said = said

    def advance(self, n: int = 1, note: str = "") -> None:
        self._said.put((n, note))


def _work(function: Callable[[Any, Reporter], None], job: Any, said: Any, threads: int) -> None:
    """One job in a worker process."""
    with _threads(threads):
        function(job, _Messages(said))


def _raise_first(done: set[Future[None]]) -> None:
    for future in done:
        future.result()


def one_blas_thread() -> threadpool_limits:
    """NumPy's matrix products in one thread inside a ``with`` block.

    Ours are many and small. OpenBLAS threads that spin for a core which another process holds cost far more than they
    gain: 24 s against 1 s for the borders of one liver on two shared cores.
    """
    return threadpool_limits(1, user_api="blas")


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Torch on `count` threads inside the block: the last bits of its sums depend on it."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with one_blas_thread():
            yield
    finally:
        torch.set_num_threads(before)

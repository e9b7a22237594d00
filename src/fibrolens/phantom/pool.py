"""Simulating side by side in spawned processes that end with the one that started them."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice
from typing import TypeVar

from threadpoolctl import threadpool_limits

from fibrolens.errors import FibrolensError
from fibrolens.workers import begin_worker

#: Jobs per worker that wait for it or run, so that memory does not grow with their number.
AHEAD = 2

Job = TypeVar("Job")
Result = TypeVar("Result")


def each(function: Callable[[Job], Result], jobs: Iterable[Job], workers: int) -> Generator[Result, None, None]:
    """Results of ``function(job)`` as they come, in any order.

    Args:
        function: importable by name, as the spawned processes import it.
        jobs: arguments that can be pickled; taken as they are needed.
        workers: processes; 1 is this process. No more than there are processor cores are started.

    Raises:
        FibrolensError: a process was ended from outside.
    """
    workers, alone = min(workers, _cores()), partial(_in_one_thread, function)
    if workers == 1:
        yield from map(alone, jobs)
        return
    # Spawned processes start clean: a fork would copy the parent's threads in whatever state they are.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), begin_worker) as pool:
        try:
            yield from _in_pool(pool, alone, iter(jobs), AHEAD * workers)
        except BrokenProcessPool:
            raise FibrolensError(
                "A worker process was ended from outside, often for want of memory; start again to go on, "
                "with fewer --workers if need be."
            ) from None
        finally:
            # After an error or Ctrl-C nobody wants the jobs that have not begun.
            pool.shutdown(cancel_futures=True)


def _in_pool(
    pool: ProcessPoolExecutor, function: Callable[[Job], Result], jobs: Iterator[Job], most: int
) -> Iterator[Result]:
    waiting: set[Future[Result]] = set()
    while True:
        waiting |= {pool.submit(function, job) for job in islice(jobs, most - len(waiting))}
        if not waiting:
            return
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()


def _in_one_thread(function: Callable[[Job], Result], job: Job) -> Result:
    """One thread per process: several would contend for cores, and their sums' last bits depend on their number.

    The limit holds for libraries that are loaded, and a worker loads them with its first job.
    """
    with threadpool_limits(1, user_api="blas"):
        return function(job)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

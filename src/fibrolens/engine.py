"""Where work runs: in this process, side by side in spawned ones, or on a Ray cluster."""

from __future__ import annotations

import multiprocessing
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from functools import partial
from types import TracebackType
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
from threadpoolctl import threadpool_limits

from fibrolens.clock import timeless
from fibrolens.determinism import Repeatable
from fibrolens.dispatch import Dispatch, Jobs, Lost, Worker, WorkerLost, nothing, translated
from fibrolens.errors import FibrolensError
from fibrolens.progress import Reporter
from fibrolens.workers import begin_worker, cores

#: More processes than this at once would need more memory than a workstation has.
MOST_WORKERS = 2
ENDED = "A worker process was ended from outside, often for want of memory; start again to go on."

Job = TypeVar("Job")


@runtime_checkable
class Messages(Protocol):
    """What workers say, on its way to the process that started them."""

    def put(self, message: tuple[int, str], /) -> None:
        """Called by a worker."""

    def get_nowait(self) -> tuple[int, str]:
        """Called by the process that started it; raises queue.Empty where nothing was said."""


@runtime_checkable
class Site(Protocol):
    """Where workers are, entered and left with the engine."""

    @property
    def threads(self) -> int:
        """Torch's threads of one worker."""

    @property
    def places(self) -> int:
        """Workers at once."""

    def __enter__(self) -> Site:
        """Make it ready."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave it; workers that were not stopped end."""

    def start(self) -> Worker:
        """Start a worker."""

    def messages(self) -> Messages:
        """A channel that can be pickled."""


class Engine:
    """Runs jobs and passes on their progress; use it in a ``with`` statement.

    Args:
        workers: processes of this machine at once; 1 is this process alone. Torch's threads (``OMP_NUM_THREADS``, else
            the cores) are shared out evenly among them.
        site: where the workers are if not on this machine.
    """

    def __init__(self, workers: int | None = None, site: Site | None = None) -> None:
        workers = min(MOST_WORKERS, cores()) if workers is None else workers
        self.threads = max(1, torch.get_num_threads() // workers) if site is None else site.threads
        self._site = LocalSite(workers, self.threads) if site is None and workers > 1 else site
        self._stack = ExitStack()
        self._dispatch: Dispatch | None = None
        self._said: Messages | None = None

    @property
    def apart(self) -> bool:
        """Whether jobs are done by other processes, to which everything must be sent."""
        return self._site is not None

    def __enter__(self) -> Engine:
        if self._site is not None:
            self._stack.enter_context(self._site)
            self._dispatch = Dispatch(self._site.start)
            self._stack.callback(self._dispatch.stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def run(self, function: Callable[[Job, Reporter], None], jobs: Sequence[Job], report: Reporter) -> None:
        """Call ``function(job, reporter)`` for every job; the first error ends the run.

        Args:
            function: importable by name, as other processes import it.
            jobs: arguments that can be pickled; one whose process is ended from outside is begun anew by another.
            report: told of what the jobs report.

        Raises:
            FibrolensError: of a job, or processes that were ended from outside.
        """
        if self._site is None:
            for _ in self.stream(partial(_reporting, function, report), jobs):
                pass
            return
        said = self._said = self._said or self._site.messages()
        reporting = partial(_reporting, function, _Said(said))
        for _, result in self.stream(reporting, jobs, meanwhile=partial(_pass_on, said, report)):
            if isinstance(result, Lost):
                raise FibrolensError(ENDED)

    def stream(
        self,
        function: Callable[[Job], Any],
        jobs: Jobs[Job],
        prepare: Callable[[], None] = nothing,
        meanwhile: Callable[[], None] = nothing,
    ) -> Iterator[tuple[Job, Any]]:
        """Call ``function(job)`` for every job and yield job and result, in the order in which they end.

        Jobs are taken when a worker waits for one, and results are not kept, so there may be any number of them.

        Args:
            function: where `apart`, importable by name.
            jobs: arguments, where `apart` such that can be pickled.
            prepare: called by each worker when it starts; not in this process.
            meanwhile: called several times a second while other processes work.

        Yields:
            The job, and what the function returned, or `Lost` where workers were ended from outside again and again.

        Raises:
            FibrolensError: of a job, or no worker comes to the end of `prepare`.
        """
        if self._site is None or self._dispatch is None:
            for job in jobs:
                yield job, in_threads(self.threads, function, job)
            return
        places = max(1, min(self._site.places, len(jobs)))
        function = Repeatable(function) if timeless() else function
        try:
            yield from self._dispatch.results(function, jobs, places, prepare, meanwhile)
        except WorkerLost as lost:
            raise FibrolensError(f"{ENDED} {lost}".rstrip()) from None


def open_engine(workers: int | None = None, ray: str | None = None) -> Engine:
    """The engine of a verb's options.

    Args:
        workers: processes at once; None suits the machine, or the cluster.
        ray: address of a Ray cluster; None is this machine.

    Raises:
        UsageError: Ray is wanted and not installed.
    """
    if ray is None:
        return Engine(workers)
    from fibrolens.ray_cluster import RayCluster  # noqa: PLC0415 - an extra

    return Engine(site=RayCluster(ray, workers))


class LocalSite:
    """Processes of this machine.

    Args:
        places: how many at once.
        threads: torch's threads of each.
    """

    def __init__(self, places: int, threads: int) -> None:
        self.places, self.threads = places, threads
        # A fork would copy torch's threads in whatever state they are.
        self._context = multiprocessing.get_context("spawn")
        self._stack = ExitStack()

    def __enter__(self) -> LocalSite:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def start(self) -> Worker:
        """Start a process."""
        return _LocalWorker(ProcessPoolExecutor(1, self._context, begin_worker), self.threads)

    def messages(self) -> Messages:
        """A queue between processes."""
        said: Messages = self._stack.enter_context(self._context.Manager()).Queue()
        return said


class _LocalWorker:
    """A pool of one process: where it breaks, it is plain over which job."""

    def __init__(self, pool: ProcessPoolExecutor, threads: int) -> None:
        self._pool, self._threads = pool, threads

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        try:
            future = self._pool.submit(in_threads, self._threads, function, *arguments)
        except BrokenProcessPool as error:
            future = Future()
            future.set_exception(error)
        return translated(future, _as_lost)

    def stop(self) -> None:
        # A job that went on would write into a folder that the next run fills as well.
        self._pool.shutdown(cancel_futures=True)


def _as_lost(error: BaseException) -> BaseException:
    return WorkerLost() if isinstance(error, BrokenProcessPool) else error


class _Said:
    """The reporter of a worker process."""

    def __init__(self, said: Messages) -> None:
        self._said = said

    def advance(self, n: int = 1, note: str = "") -> None:
        self._said.put((n, note))


def _reporting(function: Callable[[Any, Reporter], None], report: Reporter, job: Any) -> None:
    function(job, report)


def _pass_on(said: Messages, report: Reporter) -> None:
    while True:
        try:
            report.advance(*said.get_nowait())
        except queue.Empty:
            return


def in_threads(threads: int, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function with `threads` threads of torch and one of BLAS."""
    with _threads(threads):
        return function(*arguments)


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

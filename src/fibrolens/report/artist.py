"""A process that draws the pictures of staged scans while the one that staged them writes everything else.

Drawing is the interpreter's work, which the threads of one process cannot share, and what it is done with takes a
second to load: the artist loads it while the first CT is being staged.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache, partial

from fibrolens.report.pictures import Drawn, Pictures, draw_here
from fibrolens.workers import begin_worker


class Artist:
    """Draws in a process of its own, which starts with `begin` and ends with this one.

    Where it ends before its pictures are drawn, they are drawn here: nothing depends on it but time. It imports the
    main module of this process again, as all of multiprocessing does: for programs, not for whoever calls the library.
    """

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    def begin(self) -> None:
        """Start the process, unless there is one."""
        if self._pool is None:
            # A fork would copy torch's threads in whatever state they are.
            self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), begin_worker)
            self._pool.submit(_get_ready)

    def draw(self, pictures: Pictures) -> Callable[[], Drawn]:
        """Begin to draw; what is returned waits for the pictures."""
        drawing = self._begun(pictures)
        return draw_here(pictures) if drawing is None else cache(partial(_waited_for, drawing, pictures))

    def _begun(self, pictures: Pictures) -> Future[Drawn] | None:
        if self._pool is not None:
            try:
                return self._pool.submit(pictures.draw)
            except BrokenProcessPool:
                self._pool = None
        return None


def _waited_for(drawing: Future[Drawn], pictures: Pictures) -> Drawn:
    try:
        return drawing.result()
    except BrokenProcessPool:
        return pictures.draw()


def _get_ready() -> None:
    """Load what is drawn with."""
    from fibrolens.report import frames, overlay, strip  # noqa: F401, PLC0415

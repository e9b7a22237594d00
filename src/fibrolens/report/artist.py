"""A process that draws the pictures of staged scans while the one that staged them writes everything else.

Drawing is the interpreter's work, which the threads of one process cannot share, and what it is done with takes a
second to load: the artist loads it while its owner loads torch.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache, partial
from typing import TYPE_CHECKING

from fibrolens.workers import begin_worker

if TYPE_CHECKING:
    from fibrolens.report.pictures import Drawn, Pictures


class Artist:
    """Draws in a process of its own, which starts at once and ends with this object or its owner.

    Where it ends before its pictures are drawn, they are drawn here: nothing depends on it but time. It imports the
    main module of this process again, as all of multiprocessing does: for programs, not for whoever calls the library.
    """

    def __init__(self) -> None:
        # A fork would copy torch's threads in whatever state they are.
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), begin_worker)
        self._pool.submit(_get_ready)

    def draw(self, pictures: Pictures) -> Callable[[], Drawn]:
        """Begin to draw; what is returned waits for the pictures."""
        try:
            drawing = self._pool.submit(pictures.draw)
        except BrokenProcessPool:
            return cache(pictures.draw)
        return cache(partial(_waited_for, drawing, pictures))


def _waited_for(drawing: Future[Drawn], pictures: Pictures) -> Drawn:
    try:
        return drawing.result()
    except BrokenProcessPool:
        return pictures.draw()


def _get_ready() -> None:
    """Load what is drawn with."""
    from fibrolens.report import frames, overlay, pictures, strip  # noqa: F401, PLC0415

"""How many worker processes there may be, and how they begin and end: none must outlive what started it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_asked() -> int:
    """Threads that this process may keep busy: one per core, or as few as ``OMP_NUM_THREADS`` says."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(int(asked), cores()) if asked.isdecimal() and int(asked) else cores()


def begin_worker() -> None:
    """Ctrl-C ends a worker without a traceback, and so does the end of its parent, however that came.

    A worker that went on alone would write into a folder that the next run fills as well.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

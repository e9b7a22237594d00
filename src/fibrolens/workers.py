"""How worker processes begin and end: a spawned one must not outlive what started it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading


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

"""A process that draws the pictures of staged scans while the one that staged them writes everything else.

Drawing is the interpreter's work, which the threads of one process cannot share, and what it is done with takes a
second to load: the artist loads it while its owner loads torch.
"""

from __future__ import annotations

import subprocess
import sys
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from threading import Lock, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fibrolens.report.pictures import Drawn, Pictures


class Artist:
    """Draws in a process of its own, which starts at once and ends with this object or its owner.

    Where that cannot draw, whatever the reason, it is drawn here: nothing depends on it but time.

    Raises:
        OSError: the system starts no more processes.
        ValueError: or hands no pipes to them (Windows).
    """

    def __init__(self) -> None:
        self._ours, theirs = Pipe()
        self._free = Lock()
        with theirs:
            # No fork, which would copy torch's threads in whatever state they are, and none of multiprocessing's
            # spawning, which runs the program that called us once more. In a session of its own, for Ctrl-C is not
            # meant for it.
            self._process = subprocess.Popen(
                [sys.executable, "-c", f"from {__name__} import serve; serve({theirs.fileno()})"],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.close = weakref.finalize(self, _end, self._process, self._ours)

    def draw(self, pictures: Pictures) -> Callable[[], Drawn]:
        """Begin to draw; what is returned waits for the pictures."""
        drawing: Future[Drawn] = Future()
        # Nobody waits for pictures that nobody asks for any more.
        Thread(target=self._fill, args=(drawing, pictures), daemon=True).start()
        return drawing.result

    def _fill(self, drawing: Future[Drawn], pictures: Pictures) -> None:
        try:
            with self._free:
                self._ours.send(pictures)
                drawn: Drawn = self._ours.recv()
        except Exception:  # noqa: BLE001 - what is wrong with the pictures themselves is found here again
            try:
                drawn = pictures.draw()
            except BaseException as error:  # noqa: BLE001 - for whoever waits
                drawing.set_exception(error)
                return
        drawing.set_result(drawn)


def serve(descriptor: int) -> None:
    """Draw what comes in by a connection, until its other end is gone."""
    # Loaded before the first pictures come.
    from fibrolens.report import frames, overlay, pictures, strip  # noqa: F401, PLC0415

    with Connection(descriptor) as theirs, suppress(EOFError, OSError):
        while True:
            theirs.send(theirs.recv().draw())


def _end(process: subprocess.Popen[bytes], connection: Connection) -> None:
    """It holds nothing that anybody needs."""
    process.kill()
    process.wait()
    connection.close()

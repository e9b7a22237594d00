"""Mends a race of pynetdicom 3.0: an answer to what we sent could be taken by a thread that has no use for it.

A caller pauses the association's own thread before it sends, so that it finds the answer itself. The library sees the
thread as paused a moment before it is; when the thread then goes on once more, it may take the answer, and the caller
waits until its timeout. Under load that was one of some 4000 C-STORE.
"""

from __future__ import annotations

import threading

from pynetdicom.association import Association

#: Seconds to wait for a thread to be held; one that has ended never is.
LONGEST_S = 1.0


class Checkpoint:
    """In the place of the event at which the association's thread is held: closed only when the thread stands there."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open = True
        self._held = False

    def set(self) -> None:
        """Let the thread go on."""
        with self._changed:
            self._open = True
            self._changed.notify_all()

    def clear(self) -> None:
        """Hold the thread; returns when it is held."""
        with self._changed:
            self._open = False
            self._changed.wait_for(lambda: self._held, LONGEST_S)

    def wait(self) -> None:
        """Called by the thread: wait here while it is to be held."""
        with self._changed:
            while not self._open:
                self._held = True
                self._changed.notify_all()
                self._changed.wait()
            self._held = False


def steady(association: Association) -> Association:
    """The same association without the race; call it before anything is sent."""
    association._reactor_checkpoint = Checkpoint()  # type: ignore[assignment]
    return association

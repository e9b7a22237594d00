"""The DICOM node as a whole: listener, inbox, sender and fetcher, begun and ended together with the service."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from fibrolens.pacs.calling import Caller
from fibrolens.pacs.inbox import Inbox
from fibrolens.pacs.listener import Listener
from fibrolens.pacs.peers import Pacs
from fibrolens.pacs.retrieve import GRACE_S, Fetcher
from fibrolens.pacs.send import Sender
from fibrolens.serve.logs import complain
from fibrolens.serve.uploads import Intake

Look = Callable[[], None]
#: Seconds between two looks at what has become quiet and what is due.
LOOK_S = 0.5


@dataclass
class Node:
    """Runs inside a ``with`` block.

    Args:
        pacs: the settings.
        intake: makes jobs; it knows the data folder and the queue.
    """

    pacs: Pacs
    intake: Intake
    fetcher: Fetcher | None = None
    _stack: ExitStack = field(default_factory=ExitStack)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Node:
        storage, jobs, caller = self.intake.storage, self.intake.jobs, Caller(self.pacs)
        self.inbox = Inbox(storage, self.intake, jobs, self.pacs.limits, self.pacs.quiet_seconds)
        self.inbox.tidy()
        with ExitStack() as stack:
            self._listener = stack.enter_context(Listener(self.pacs, self.inbox))
            if self.pacs.fetch is not None:
                self.fetcher = stack.enter_context(Fetcher(self.pacs.fetch, caller, self.inbox))
            self._begin(stack, self.inbox.submit_quiet, "study not submitted")
            if self.pacs.send is not None:
                sender = Sender(self.pacs.send, caller, storage, jobs)
                sender.tidy()
                self._begin(stack, lambda: sender.send_due(self._stop), "results not sent")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._stack.close()

    @property
    def port(self) -> int:
        """On which the listener listens."""
        return self._listener.port

    def _begin(self, stack: ExitStack, look: Look, failed: str) -> None:
        thread = threading.Thread(target=self._run, args=(look, failed), daemon=True)
        thread.start()
        stack.callback(thread.join, GRACE_S)

    def _run(self, look: Look, failed: str) -> None:
        """Look again and again; a full disk or a database that is away for a while ends nothing."""
        while not self._stop.wait(min(LOOK_S, self.pacs.quiet_seconds / 4)):
            try:
                look()
            except (OSError, SQLAlchemyError) as error:
                complain(failed, error)

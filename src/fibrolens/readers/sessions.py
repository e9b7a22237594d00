"""Who may use the form: those who know the link, each browser as the one reader who was chosen in it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from threading import Lock

#: Browsers that are remembered at once; the oldest goes.
MOST_SESSIONS = 1000


class Sessions:
    """The browsers that opened the link.

    Args:
        token: the secret of the link.
    """

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self._readers: dict[bytes, str | None] = {}
        self._lock = Lock()

    def open(self, token: str) -> str | None:
        """A new session for who knows the token, else None; compared in a time that tells nothing."""
        if not hmac.compare_digest(token.encode(), self._token):
            return None
        session = secrets.token_urlsafe(32)
        with self._lock:
            while len(self._readers) >= MOST_SESSIONS:
                self._readers.pop(next(iter(self._readers)))
            self._readers[_key(session)] = None
        return session

    def known(self, session: str) -> bool:
        """Whether a session was opened here."""
        return _key(session) in self._readers

    def reader(self, session: str) -> str | None:
        """The reader of a session; None before one is chosen."""
        return self._readers.get(_key(session))

    def choose(self, session: str, reader: str | None) -> None:
        """Remember the reader of a session, or forget it."""
        with self._lock:
            if _key(session) in self._readers:
                self._readers[_key(session)] = reader


def _key(session: str) -> bytes:
    """Looked up by a hash, so that the time that a look-up takes tells nothing of the session."""
    return hashlib.sha256(session.encode()).digest()

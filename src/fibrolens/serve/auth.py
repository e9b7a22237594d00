"""Who may use the service: bearers of a token, and browsers that changed one for a session.

A token has 192 random bits. It is kept as its SHA-256 alone: nothing slower is needed where there is nothing to guess.
Sessions live in memory, so that a restart ends them.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from fibrolens.errors import OutputError, UsageError
from fibrolens.jsonfile import read_json
from fibrolens.output import write_json

USER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,38}[A-Za-z0-9])?")
#: Who holds the token that is printed where no file of tokens is given.
LOCAL_USER = "local"
MOST_SESSIONS = 1000
SESSION_S = 12 * 3600.0
#: Tries with a wrong token within `WINDOW_S` seconds after which an address has to wait.
MOST_FAILURES = 20
WINDOW_S = 60.0
MOST_ADDRESSES = 10_000


@dataclass(frozen=True)
class User:
    """Who asks.

    Args:
        name: whose jobs they are.
        admin: sees the jobs of everybody.
    """

    name: str
    admin: bool = False


@dataclass(frozen=True)
class Caller:
    """A request that was let in.

    Args:
        user: who asks.
        session: hash that names the browser's session, or the token; to keep something for it.
        cookie: whether a cookie let it in, which a browser also sends when another site asks it to.
    """

    user: User
    session: bytes
    cookie: bool


@dataclass(frozen=True)
class Tokens:
    """The users by the SHA-256 of their tokens."""

    users: Mapping[bytes, User]

    @classmethod
    def printed(cls) -> tuple[Tokens, str]:
        """One user with a token that was drawn now and stands nowhere else."""
        token = new_token()
        return cls({_hash(token): User(LOCAL_USER, admin=True)}), token

    @classmethod
    def read(cls, path: Path) -> Tokens:
        """The users of a file that `add_user` wrote.

        Raises:
            UsageError: there is no such file, it cannot be understood, or it holds nobody.
        """
        users = {bytes.fromhex(row["sha256"]): User(row["user"], row["admin"]) for row in _rows(path)}
        if not users:
            raise UsageError(f"{path} holds no user; add one by: fibrolens serve --tokens {path} --add-user NAME.")
        return cls(users)

    def user(self, token: str) -> User | None:
        """Whose token it is; compared in a time that tells nothing."""
        given, found = _hash(token), None
        for known, user in self.users.items():
            if hmac.compare_digest(given, known):
                found = user
        return found


def new_token() -> str:
    """A token that cannot be guessed."""
    return secrets.token_urlsafe(24)


def add_user(path: Path, name: str, admin: bool) -> str:
    """Add a user to a file of tokens (made where there is none), and return the token, which is stored nowhere.

    A user of the name that is there already gets a second token: so that a token can be changed without a gap.

    Raises:
        UsageError: a name that cannot be used, or a file that cannot be understood.
        OutputError: the file cannot be written.
    """
    if not USER.fullmatch(name):
        raise UsageError(
            f"A user's name has 1 to 40 letters of A to Z, digits, spaces, '.', '_' and '-'; {name!r} has not."
        )
    token = new_token()
    rows = [*(_rows(path) if path.exists() else []), {"user": name, "admin": admin, "sha256": _hash(token).hex()}]
    try:
        write_json(rows, path, private=True)
    except OSError as error:
        raise OutputError(f"{path} could not be written: {error.strerror}. Choose another --tokens.") from None
    return token


@dataclass
class Sessions:
    """The browsers that changed a token for a cookie."""

    _known: dict[bytes, tuple[User, float]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def open(self, user: User) -> str:
        """The secret of a new session."""
        secret = secrets.token_urlsafe(32)
        with self._lock:
            while len(self._known) >= MOST_SESSIONS:
                self._known.pop(next(iter(self._known)))
            self._known[_hash(secret)] = (user, time.monotonic() + SESSION_S)
        return secret

    def caller(self, secret: str) -> Caller | None:
        """Whose session it is; looked up by a hash, so that the time it takes tells nothing of the secret."""
        key = _hash(secret)
        user, until = self._known.get(key, (None, 0.0))
        return Caller(user, key, cookie=True) if user is not None and time.monotonic() < until else None

    def close(self, session: bytes) -> None:
        """End a session."""
        with self._lock:
            self._known.pop(session, None)


@dataclass
class Failures:
    """How often each address tried a wrong token of late."""

    _times: dict[str, list[float]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def too_many(self, address: str) -> bool:
        """Whether an address has to wait."""
        with self._lock:
            return len(self._recent(address)) >= MOST_FAILURES

    def add(self, address: str) -> None:
        """A wrong token."""
        with self._lock:
            while len(self._times) >= MOST_ADDRESSES:
                self._times.pop(next(iter(self._times)))
            self._times[address] = [*self._recent(address), time.monotonic()]

    def _recent(self, address: str) -> list[float]:
        since = time.monotonic() - WINDOW_S
        return [when for when in self._times.get(address, []) if when > since]


@dataclass(frozen=True)
class Access:
    """What the gate of the service knows.

    Args:
        tokens: of the users.
        sessions: of their browsers.
        failures: of those who are none.
    """

    tokens: Tokens
    sessions: Sessions = field(default_factory=Sessions)
    failures: Failures = field(default_factory=Failures)

    def enter(self, token: str, address: str) -> User | None:
        """Whose token it is, None of a wrong one, which is counted."""
        user = self.tokens.user(token)
        if user is None:
            self.failures.add(address)
        return user

    def bearer(self, token: str, address: str) -> Caller | None:
        """A program that shows its token with every request."""
        user = self.enter(token, address)
        return None if user is None else Caller(user, _hash(token), cookie=False)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        rows = read_json(path)
        sound = isinstance(rows, list) and all(_is_row(row) for row in rows)
    except (OSError, ValueError):
        sound = False
    if not sound:
        raise UsageError(f"{path} is no file of tokens; make one by: fibrolens serve --tokens FILE --add-user NAME.")
    return list(rows)


def _is_row(row: object) -> bool:
    if not isinstance(row, dict) or set(row) != {"user", "admin", "sha256"}:
        return False
    sound = isinstance(row["admin"], bool) and isinstance(row["user"], str) and isinstance(row["sha256"], str)
    return sound and bool(re.fullmatch("[0-9a-f]{64}", row["sha256"]))

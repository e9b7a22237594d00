"""Locks of files that end with the process that holds them, however that ends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

try:
    import fcntl
except ModuleNotFoundError:  # Windows has no such locks.
    fcntl = None  # type: ignore[assignment]


def lock(stream: IO[str], wait: bool = False) -> bool:
    """Lock an open file until it is closed; works between machines where their shared file system has locks.

    Args:
        stream: open for writing, as NFS wants it.
        wait: until whoever holds it lets go.

    Returns:
        Whether it is ours. Where the file system has no locks it always is: then only one process may write.
    """
    if fcntl is None:
        return True
    try:
        fcntl.flock(stream, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def is_at(stream: IO[str], path: Path) -> bool:
    """Whether an open file is the one that stands at `path`, which others may have removed or replaced."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False

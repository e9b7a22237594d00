"""The processes of a run, which share a group, and those of ``fibrolens serve`` among them (Linux)."""

import os
import signal
import time
from pathlib import Path

#: What the command lines of a server and of its workers hold.
MARKS = {"server": (b"fibrolens\0serve", b"fast_server"), "worker": (b"spawn_main",)}
#: Seconds within which the workers of a server that is gone must end.
ORPHANED_S = 30.0


def members(group: int, kind: str) -> list[int]:
    """Process ids of the servers or workers of a group."""
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _is(pid, group, MARKS[kind])]


def _is(pid: int, group: int, marks: tuple[bytes, ...]) -> bool:
    place = Path(f"/proc/{pid}")
    try:
        # After the name, which may hold anything: state, parent, group.
        in_group = int((place / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[2]) == group
        return in_group and any(mark in (place / "cmdline").read_bytes() for mark in marks)
    except (FileNotFoundError, ProcessLookupError):
        return False


def strike(group: int, kind: str) -> bool:
    """SIGKILL for a server or a worker; False where there is none."""
    found = members(group, kind)
    for pid in found[:1]:
        os.kill(pid, signal.SIGKILL)
    return bool(found)


def orphans(group: int) -> int:
    """How many workers of a server that was killed have not ended after a while."""
    ends = time.monotonic() + ORPHANED_S
    while (left := members(group, "worker")) and time.monotonic() < ends:
        time.sleep(0.05)
    return len(left)

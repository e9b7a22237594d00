"""What a command costs, as JSON: seconds of wall time and of the processor, gigabytes at its peak.

A process of its own, and a small one: Linux counts what the starting process ever held to the peak of the started.
The peak is that of the largest process, or of all that the command started taken together where Linux tells: looked at
twenty times a second, with what they share counted for each.

usage: cost.py COMMAND...
"""

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

SECONDS = 0.05


def main() -> int:
    """Run the command, whose output is dropped; the exit status is its own."""
    started = time.perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
    together, ended = [0.0], threading.Event()
    watch = threading.Thread(target=_watch, args=(process.pid, together, ended))
    watch.start()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    ended.set()
    watch.join()
    # Linux counts kilobytes, macOS bytes.
    largest = used.ru_maxrss / (1e9 if sys.platform == "darwin" else 1e6)
    cost = {"wall_s": wall, "cpu_s": used.ru_utime + used.ru_stime, "peak_gb": max(largest, *together)}
    print(json.dumps(cost))
    return os.waitstatus_to_exitcode(status)


def _watch(pid: int, seen: list[float], ended: threading.Event) -> None:
    while not ended.wait(SECONDS):
        seen.append(max(seen.pop(), _resident_gb(pid)))


def _resident_gb(pid: int) -> float:
    """Of a process and of all that it started."""
    found, folder = 0.0, Path(f"/proc/{pid}")
    # A process may end while it is looked at, and other systems have no such files.
    with suppress(OSError, ValueError, IndexError):
        found += int((folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e9
        for thread in (folder / "task").iterdir():
            found += sum(_resident_gb(int(child)) for child in (thread / "children").read_text().split())
    return found


if __name__ == "__main__":
    sys.exit(main())

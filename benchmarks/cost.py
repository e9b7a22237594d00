"""What a command costs, as JSON: seconds of wall time and of the processor, gigabytes at its peak.

A process of its own, and a small one: Linux counts what the starting process ever held to the peak of the started.

usage: cost.py COMMAND...
"""

import json
import os
import subprocess
import sys
import time


def main() -> int:
    """Run the command, whose output is dropped; the exit status is its own."""
    started = time.perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    # Linux counts kilobytes, macOS bytes.
    unit = 1e9 if sys.platform == "darwin" else 1e6
    print(json.dumps({"wall_s": wall, "cpu_s": used.ru_utime + used.ru_stime, "peak_gb": used.ru_maxrss / unit}))
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())

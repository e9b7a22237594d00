"""Workers end with what started them, however that ended."""

import os
import signal
import subprocess
import sys
import time

import pytest

from fibrolens import workers
from fibrolens.workers import threads_asked

SCRIPT = """
import multiprocessing, os, sys, time
from concurrent.futures import ProcessPoolExecutor
from fibrolens.workers import begin_worker

def sleep(path):
    with open(path, "w") as stream:
        stream.write(str(os.getpid()))
    time.sleep(120)

if __name__ == "__main__":
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), begin_worker) as pool:
        pool.submit(sleep, sys.argv[1]).result()
"""


def ended(process, seconds=20.0):
    """Whether a process is gone, or a zombie that nobody waits for, within so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with open(f"/proc/{process}/stat") as stream:
                if stream.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="there is no /proc on this system")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_worker_does_not_outlive_its_parent(tmp_path, how):
    script, told = tmp_path / "parent.py", tmp_path / "worker"
    script.write_text(SCRIPT)
    parent = subprocess.Popen([sys.executable, str(script), str(told)])
    until = time.monotonic() + 60
    while not (told.exists() and told.read_text()):
        assert time.monotonic() < until
        time.sleep(0.05)
    parent.send_signal(how)
    parent.wait()
    assert ended(int(told.read_text()))


def test_a_process_may_keep_as_many_threads_busy_as_it_was_told_or_as_there_are_cores(monkeypatch):
    monkeypatch.setattr(workers, "cores", lambda: 4)
    for asked, threads in (("3", 3), ("1", 1), ("9", 4), ("", 4), ("0", 4), ("4,2", 4), ("²", 4), ("-1", 4)):
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
        assert threads_asked() == threads
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert threads_asked() == 4

"""A kill can hit the server or a worker of a run alone, and a server that is killed takes its workers with it."""

import subprocess
import sys

import pytest
from benchmarks.faults.group import members, orphans, strike
from tests.serve.process import until


@pytest.fixture
def group(tmp_path):
    """A service in a process group of its own."""
    command = [sys.executable, "-m", "tests.serve.fast_server", "0.1", str(tmp_path / "data")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
    process.stdout.readline()
    yield process.pid
    process.kill()
    process.communicate()


def test_a_worker_alone_is_hit_and_the_server_starts_another(group):
    (before,) = members(group, "worker")

    assert strike(group, "worker")

    until("there is no other worker", lambda: members(group, "worker") not in ([], [before]))
    assert members(group, "server") == [group]


def test_no_worker_outlives_its_server(group):
    assert strike(group, "server")

    assert orphans(group) == 0
    assert not strike(group, "worker")

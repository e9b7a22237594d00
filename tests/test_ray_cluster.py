"""A Ray cluster of two nodes on this machine, of which a worker and then a node are killed."""

import csv
import os
import signal
import subprocess
import sys
from collections import Counter

import pytest
from tests.fake_work import scans
from tests.ray_nodes import ENVIRONMENT, PROC, Node, free_port, head, parent_of, wait_for

from fibrolens.errors import UsageError
from fibrolens.ray_cluster import RayCluster

pytest.importorskip("ray", reason="ray is not installed (extra 'ray')")

#: What a process does that uses the cluster: this one is allowed no other connections than to itself.
RUN = """
import sys
from pathlib import Path
from fibrolens.batch import Place, run_batch
from fibrolens.cases import as_cases
from fibrolens.engine import open_engine
from tests.fake_work import FakeVerb

address, seconds, weights = sys.argv[1], float(sys.argv[2]), sys.argv[3] == "weights"
verb = FakeVerb(Path("log").absolute(), seconds, weights)
sys.exit(run_batch(verb, as_cases(sorted(Path("in").iterdir())), Place(Path("out")), open_engine(None, address)))
"""
JOBS = """
import sys
from pathlib import Path
from fibrolens.engine import open_engine
from fibrolens.errors import CohortError
from tests.test_engine import Counter, refuse, touch

counter = Counter()
with open_engine(None, sys.argv[1]) as engine:
    engine.run(touch, [Path("a"), Path("b")], counter)
    print(counter.units, "units")
    try:
        engine.run(refuse, [Path("c")], counter)
    except CohortError as error:
        print(error)
"""


@pytest.fixture(scope="module")
def nodes():
    """Address of a cluster, and its second node."""
    if not PROC.is_dir():
        pytest.skip("there is no /proc on this system")
    with head() as address:
        second = Node(f"--address={address}")
        wait_for(lambda: second.raylet)
        yield address, second
        second.stop()


def driver(folder, address, seconds=0.0, weights="weights"):
    return subprocess.Popen(
        [sys.executable, "-c", RUN, address, str(seconds), weights],
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def log(folder):
    """What was done, a line each: begin or end, of which scan, by which process."""
    path = folder / "log"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def running(folder):
    """Processes with a scan in hand, by its name."""
    lines = [line for line in log(folder) if line[0] != "load"]
    ended = {scan for what, scan, _ in lines if what == "end"}
    return {scan: int(process) for what, scan, process in lines if what == "begin" and scan not in ended}


def ended(folder):
    return Counter(line[1] for line in log(folder) if line[0] == "end")


def at_work(folder):
    """The nodes, by their raylets, that have a scan in hand."""
    return {node for process in running(folder).values() if (node := parent_of(process)) is not None}


def test_an_address_where_nobody_answers_is_told():
    with pytest.raises(UsageError, match=r"No Ray cluster can be used at 127.0.0.1:\d+ .*--ray-address"):
        RayCluster(f"127.0.0.1:{free_port()}").__enter__()


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"fibrolens\[ray\]"):
        RayCluster("auto")


def test_weights_that_cannot_be_used_are_told_by_their_own_sentence(nodes, tmp_path):
    scans(tmp_path / "in", ["good"] * 3)
    with driver(tmp_path, nodes[0], weights="none") as run:
        _, told = run.communicate(timeout=60)
    assert told.splitlines()[-1] == "fibrolens.errors.ModelError: There are no weights."
    assert not list((tmp_path / "out").iterdir())


def test_jobs_report_are_refused_and_see_the_folder_that_they_were_sent_from(nodes, tmp_path):
    command = [sys.executable, "-c", JOBS, nodes[0]]
    told = subprocess.run(
        command, cwd=tmp_path, env=ENVIRONMENT, check=True, timeout=60, capture_output=True, text=True
    )
    assert told.stdout.splitlines() == ["4 units", "c is refused."]
    processes = [(tmp_path / name).read_text().split() for name in "ab"]
    assert {threads for _, threads in processes} == {"1"}


def test_a_worker_and_a_node_are_killed_and_nothing_is_lost_or_done_twice(nodes, tmp_path):
    address, second = nodes
    words = ["good"] * 24
    words[5], words[7] = "bad", "fatal-1"
    names = [path.stem for path in scans(tmp_path / "in", words)]
    with driver(tmp_path, address, seconds=0.4) as run:
        wait_for(lambda: second.raylet in at_work(tmp_path))
        os.kill(next(iter(running(tmp_path).values())), signal.SIGKILL)
        wait_for(lambda: len(ended(tmp_path)) >= 10)
        wait_for(lambda: second.raylet in at_work(tmp_path))
        os.kill(second.raylet, signal.SIGKILL)
        said, told = run.communicate(timeout=100)
    assert run.returncode == 3, told
    done = ended(tmp_path)
    assert set(done) == set(names) - {"scan-05"}
    assert set(done.values()) == {1}
    begun = Counter(line[1] for line in log(tmp_path) if line[0] == "begin")
    assert begun["scan-07"] >= 2
    with (tmp_path / "out" / "summary.csv").open(newline="") as stream:
        rows = {row["scan_id"]: row["status"] for row in csv.DictReader(stream)}
    assert rows == {name: "refused" if name == "scan-05" else "done" for name in names}
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(done) | {"summary.csv"}
    assert said.count("research use only") == 23

"""A Ray cluster of two nodes on this machine, of which a worker and then a node are killed."""

import csv
import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fake_work import scans
from tests.ray_nodes import PROC, cluster, free_ports, parent_of, wait_for
from tests.staged import simulated
from tests.study.conftest import study_plan, toy_cohort, toy_plan

from fibrolens import cli
from fibrolens.errors import UsageError
from fibrolens.io import write_nifti
from fibrolens.plan import write_plan
from fibrolens.ray_cluster import RayCluster

__all__ = ["study_plan", "toy_cohort", "toy_plan"]

pytest.importorskip("ray", reason="ray is not installed (extra 'ray')")
#: A cluster is a dozen processes.
pytestmark = pytest.mark.slow

#: Seconds for one step of a test, on a machine with more to do.
WAITS = 300.0
#: What a process does that uses the cluster: this one is allowed no other connections than to itself.
RUN = """
import sys
from pathlib import Path
from fibrolens.batch import Place, run_batch
from fibrolens.cases import as_cases
from fibrolens.engine import open_engine
from tests.fake_work import FakeVerb

verb = FakeVerb(Path("log").absolute(), weights=sys.argv[2] == "weights")
cases, place = as_cases(sorted(Path("in").iterdir())), Place(Path("out"))
sys.exit(run_batch(verb, cases, place, open_engine(None, sys.argv[1])))
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
#: Two folds of a study, here and on a cluster.
FOLDS = """
import sys
from pathlib import Path
from fibrolens.plan import read_plan
from fibrolens.study.steps import Running
from fibrolens.study.plans import StudyPlan
from fibrolens.study.run import run_study
from fibrolens.study.folder import Study
from fibrolens.study.steps import crew, explain, predict, train

address, cohort = sys.argv[1:]
for name, how in (("here", Running(1)), ("there", Running(ray=address))):
    out = run_study(Path(cohort), Path(name), read_plan(Path("plan.json"), StudyPlan), how=how, prepare_only=True)
    study = Study.open(out)
    with crew(study, how) as workers:
        for step in (train, predict, explain):
            step(study, workers)
"""


@pytest.fixture(scope="module")
def nodes():
    """A cluster of two nodes."""
    if not PROC.is_dir():
        pytest.skip("there is no /proc on this system")
    with cluster(1, 1) as found:
        yield found


@contextmanager
def started(nodes, folder, *arguments):
    """A process of Python in `folder` that uses the cluster; it ends with the block, however that ends."""
    run = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env=nodes.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with run:
        try:
            yield run
        finally:
            run.kill()


def ended_well(nodes, folder, *arguments):
    """What a process said, which must end well."""
    with started(nodes, folder, *arguments) as run:
        said, told = run.communicate(timeout=WAITS)
    assert run.returncode == 0, told
    return said


def log(folder):
    """What was done, a line each: begin or end, of which scan, by which process."""
    path = folder / "log"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def ended(folder):
    return Counter(line[1] for line in log(folder) if line[0] == "end")


def holding(folder):
    """Processes with a held scan in hand, by the raylets of their nodes.

    Until ``go`` is there none can come to its end: one that was killed as it put a scan in its place would do it again,
    and rightly.
    """
    scans = {path.stem for path in (folder / "in").iterdir() if path.read_text() == "held\n"}
    latest = {scan: int(process) for what, scan, process in begun(folder) if scan in scans}
    return {node: process for process in latest.values() if (node := parent_of(process)) is not None}


def begun(folder):
    return [line for line in log(folder) if line[0] == "begin"]


def test_an_address_where_nobody_answers_is_told():
    with pytest.raises(UsageError, match=r"No Ray cluster can be used at 127.0.0.1:\d+ .*--ray-address"):
        RayCluster(f"127.0.0.1:{free_ports(1)[0]}").__enter__()


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"fibrolens\[ray\]"):
        RayCluster("auto")


def test_weights_that_cannot_be_used_are_told_by_their_own_sentence(nodes, tmp_path):
    scans(tmp_path / "in", ["good"] * 3)
    with started(nodes, tmp_path, "-c", RUN, nodes.address, "none") as run:
        _, told = run.communicate(timeout=WAITS)
    assert told.splitlines()[-1] == "fibrolens.errors.ModelError: There are no weights."
    assert not list((tmp_path / "out").iterdir())


def test_jobs_report_are_refused_and_see_the_folder_that_they_were_sent_from(nodes, tmp_path):
    assert ended_well(nodes, tmp_path, "-c", JOBS, nodes.address).splitlines() == ["4 units", "c is refused."]
    processes = [(tmp_path / name).read_text().split() for name in "ab"]
    assert {threads for _, threads in processes} == {"1"}


def test_a_study_s_folds_are_trained_predicted_and_explained_to_the_same_bytes(nodes, tmp_path, toy_cohort, study_plan):
    write_plan(replace(study_plan, folds=2), tmp_path / "plan.json")
    ended_well(nodes, tmp_path, "-c", FOLDS, nodes.address, str(toy_cohort))
    here, there = (sorted(tmp_path.glob(f"{name}/folds/*/*.csv")) for name in ("here", "there"))
    assert len(here) > 2
    assert [path.read_bytes() for path in here] == [path.read_bytes() for path in there]


@pytest.mark.parametrize("verb", ["stage", "segment"])
def test_a_manifest_is_done_there_to_the_bytes_of_array_jobs(nodes, tmp_path, monkeypatch, verb):
    monkeypatch.chdir(tmp_path)
    write_nifti(simulated().hu, tmp_path / "ct.nii.gz")
    Path("list.csv").write_text("scan_id,image\none,ct.nii.gz\ntwo,missing.nii.gz\nthree,ct.nii.gz\n")
    command = [verb, "--manifest", "list.csv", "--out"]
    with started(
        nodes, tmp_path, "-m", "fibrolens", *command, "there", "--engine", "ray", "--ray-address", nodes.address
    ) as run:
        _, told = run.communicate(timeout=WAITS)
    assert run.returncode == 3, told
    assert [cli.main([*command, "parts", "--shard", f"{k}/2"]) for k in (1, 2)] == [0, 3]
    files = [path.relative_to("parts") for path in sorted(Path("parts").rglob("*")) if path.is_file()]
    assert len(files) > 4
    for name in files:
        if name.name != "manifest.json":
            assert (Path("there") / name).read_bytes() == (Path("parts") / name).read_bytes(), name


def test_a_worker_and_a_node_are_killed_and_nothing_is_lost_or_done_twice(nodes, tmp_path):
    second = nodes.nodes[1]
    # The last are held, so that both nodes have one in hand however long their workers take to start.
    words = ["good"] * 8 + ["held"] * 16
    words[5], words[7] = "bad", "fatal-1"
    names = [path.stem for path in scans(tmp_path / "in", words)]
    with started(nodes, tmp_path, "-c", RUN, nodes.address, "weights") as run:
        wait_for(lambda: len(holding(tmp_path)) == 2, "both nodes to work", WAITS)
        victim = holding(tmp_path)[second.raylet]
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: holding(tmp_path).get(second.raylet, victim) != victim, "the node to work again", WAITS)
        orphan = holding(tmp_path)[second.raylet]
        os.kill(second.raylet, signal.SIGKILL)
        wait_for(lambda: parent_of(orphan) is None, "the killed node's worker to end", WAITS)
        (tmp_path / "go").touch()
        said, told = run.communicate(timeout=WAITS)
    assert run.returncode == 3, told
    done = ended(tmp_path)
    assert set(done) == set(names) - {"scan-05"}
    assert set(done.values()) == {1}
    assert Counter(line[1] for line in begun(tmp_path))["scan-07"] == 2
    with (tmp_path / "out" / "summary.csv").open(newline="") as stream:
        rows = {row["scan_id"]: row["status"] for row in csv.DictReader(stream)}
    assert rows == {name: "refused" if name == "scan-05" else "done" for name in names}
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(done) | {"summary.csv"}
    assert said.count("research use only") == 23

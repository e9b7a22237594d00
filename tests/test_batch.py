"""Many CTs into one folder: in this process, in several, and by shards, to the same bytes."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.fake_work import FakeVerb, scans

from fibrolens.batch import Place, run_batch
from fibrolens.cases import Case, Manifest, Shard, as_cases
from fibrolens.engine import Engine
from fibrolens.errors import ModelError


def run(tmp_path, cases, workers=1, out="out", **verb):
    return run_batch(FakeVerb(tmp_path / "log", **verb), as_cases(cases), Place(tmp_path / out), Engine(workers))


def rows(out):
    with (out / "summary.csv").open(newline="") as stream:
        return {Path(row["input"]).stem: row for row in csv.DictReader(stream)}


def contents(out):
    """Every byte but the manifests', which hold times."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }


def log(tmp_path):
    """How often each thing was done."""
    return Counter(line.rpartition(" ")[0] for line in (tmp_path / "log").read_text().splitlines())


WORDS = ["good", "bad", "good", "broken", "good", "good", "good"]


def test_every_scan_is_tried_and_the_worst_is_told(tmp_path, capsys):
    cases = [*scans(tmp_path / "in", WORDS), tmp_path / "nothing.txt"]
    assert run(tmp_path, cases) == 3
    found = rows(tmp_path / "out")
    assert [found[name]["status"] for name in sorted(found)] == [
        "refused", "done", "refused", "done", "not done", "done", "done", "done",
    ]  # fmt: skip
    assert "ZeroDivisionError in fake_work.py" in found["scan-03"]["reason"]
    assert "Secret" not in capsys.readouterr().err  # the words of a defect may quote a header
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "scan-00", "scan-02", "scan-04", "scan-05", "scan-06", "summary.csv",
    ]  # fmt: skip


def test_a_defect_over_a_single_scan_shows_where_it_is(tmp_path):
    with pytest.raises(ZeroDivisionError):
        run(tmp_path, scans(tmp_path / "in", ["broken"]))
    assert not list((tmp_path / "out").iterdir())


def test_without_patients_the_table_names_no_input_and_quotes_no_error(tmp_path, capsys):
    cases = as_cases([*scans(tmp_path / "in", ["good", "bad", "broken"])])
    place = Place(tmp_path / "out", unnamed=lambda path: f"input-{Path(path).stem[-1]}")
    assert run_batch(FakeVerb(tmp_path / "log"), cases, place, Engine(1)) == 3
    table = (tmp_path / "out" / "summary.csv").read_text()
    assert str(tmp_path) not in table
    found = {row["input"]: row for row in csv.DictReader(table.splitlines())}
    assert {name: row["status"] for name, row in found.items()} == {
        "input-0": "done", "input-1": "refused", "input-2": "not done",
    }  # fmt: skip
    assert found["input-1"]["reason"] == "InputError; what was said of it may name the patient."
    assert found["input-2"]["reason"].startswith("a defect; ")
    said = capsys.readouterr()
    assert f"{tmp_path / 'in' / 'scan-00.txt'} is scan-00: " in said.out
    assert "scan-01.txt" in said.err


def test_defects_alone_end_with_status_1(tmp_path):
    assert run(tmp_path, scans(tmp_path / "in", ["broken", "good"])) == 1


def test_names_of_a_manifest_become_folders_and_a_twin_is_told(tmp_path):
    scans(tmp_path / "in", WORDS[:1])
    (tmp_path / "in" / "list.csv").write_text("image,scan_id\nscan-00.txt,first\nscan-00.txt,\n")
    assert run(tmp_path, Manifest(tmp_path / "in" / "list.csv")) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"first", "scan-00", "summary.csv"}
    (other,) = scans(tmp_path / "other", ["good"])
    twins = [Case(tmp_path / "in" / "scan-00.txt", "x"), Case(other, "x")]
    assert run(tmp_path, twins, out="twins") == 2
    assert len((tmp_path / "twins" / "summary.csv").read_text().splitlines()) == 3


@pytest.mark.slow
def test_several_processes_write_the_same_bytes_and_load_the_networks_once_each(tmp_path):
    cases = [*scans(tmp_path / "in", WORDS), tmp_path / "nothing.txt"]
    assert run(tmp_path, cases, out="one") == 3
    (tmp_path / "log").unlink()
    assert run(tmp_path, cases, workers=2, out="two") == 3
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    done = log(tmp_path)
    assert done["load"] <= 2
    assert {done[f"end scan-{number:02}"] for number in (0, 2, 4, 5, 6)} == {1}


def test_shards_into_one_folder_write_what_one_run_writes(tmp_path):
    cases = as_cases(scans(tmp_path / "in", WORDS))
    run(tmp_path, cases, out="one")
    (tmp_path / "log").unlink()
    assert [run(tmp_path, Shard(cases, number, 3), out="shards") for number in (3, 1, 2)] == [0, 1, 3]
    assert contents(tmp_path / "shards") == contents(tmp_path / "one")
    assert set(log(tmp_path).values()) == {1, 3}  # each scan once; the networks by each shard


@pytest.mark.slow
def test_a_killed_worker_costs_its_scan_an_attempt_and_the_others_nothing(tmp_path):
    cases = scans(tmp_path / "in", ["good", "fatal-2", "good", "fatal", "good", "good"])
    assert run(tmp_path, cases, workers=2) == 1
    found = rows(tmp_path / "out")
    assert [row["status"] for _, row in sorted(found.items())] == [*["done"] * 3, "not done", *["done"] * 2]
    assert "ended 3 worker processes" in found["scan-03"]["reason"]
    done = log(tmp_path)
    assert [done[f"begin scan-{number:02}"] for number in range(6)] == [1, 3, 1, 3, 1, 1]
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")) == []


def test_weights_that_cannot_be_used_end_the_run_and_leave_nothing(tmp_path):
    cases = scans(tmp_path / "in", WORDS)
    for workers in (1, 2):
        with pytest.raises(ModelError, match="no weights"):
            run(tmp_path, cases, workers=workers, weights=False)
    assert not list((tmp_path / "out").iterdir())


SCRIPT = """
import sys
from pathlib import Path
from tests.test_batch import run
if __name__ == "__main__":
    folder = Path(sys.argv[1])
    sys.exit(run(folder, sorted((folder / "in").iterdir()), workers=int(sys.argv[2]), seconds=0.1))
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_goes_on_and_does_no_finished_scan_again(tmp_path, workers):
    paths = scans(tmp_path / "in", ["good"] * 12)
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), str(workers)]
    root = Path(__file__).resolve().parents[1]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as killed:
        until = time.monotonic() + 60
        while not (tmp_path / "log").exists() or log(tmp_path)["end scan-03"] == 0:
            assert time.monotonic() < until
            time.sleep(0.01)
        os.kill(killed.pid, signal.SIGKILL)
    time.sleep(0.5)  # its workers end with it
    finished = [path.stem for path in paths if (tmp_path / "out" / path.stem / "manifest.json").exists()]
    assert 3 <= len(finished) < 12
    before = log(tmp_path)
    assert run(tmp_path, paths) == 0
    again = log(tmp_path) - before
    assert not [name for name in finished if again[f"begin {name}"]]
    assert {row["status"] for row in rows(tmp_path / "out").values()} == {"done"}
    assert len(rows(tmp_path / "out")) == 12
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]

"""`fibrolens read` from the command line."""

import csv
import http.client
import json
import signal
import subprocess
import sys

import pytest
from tests.readers.conftest import small_items

from fibrolens import cli
from fibrolens.output import write_manifest
from fibrolens.readers.store import Store


@pytest.fixture
def folder(tmp_path):
    """A prepared set whose pictures are no pictures."""
    out = tmp_path / "set"
    (out / "pictures").mkdir(parents=True)
    items = small_items()
    for item in items:
        (out / "pictures" / f"{item.item}.png").write_bytes(b"picture")
    names = [item.item for item in items]
    about = {"wanted": {"seed": 0, "stages": ["F0", "F4"]}, "trained_on": "real CT", "top": 6.0, "rule": "a rule",
             "layer": "mean", "scale": "mean1", "study_scans": 4}  # fmt: skip
    Store.create(out / "readings.sqlite3", items, {"A": names, "B": names[::-1]}, about)
    write_manifest(out, {"command": "read prepare"}, {})
    return out


def test_a_sheet_goes_out_comes_back_and_is_reported(folder, capsys):
    assert cli.main(["read", "sheet", str(folder), "--reader", "A"]) == 0
    sheet = folder / "sheets" / "A" / "readings.csv"
    assert str(sheet.parent) in capsys.readouterr().out
    with sheet.open(newline="") as stream:
        rows = [row | {"pattern": "2", "confidence": "5"} for row in csv.DictReader(stream)]
    back = folder.parent / "back.csv"
    with back.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert cli.main(["read", "add", str(folder), str(back)]) == 0
    assert "6 new readings, 0 corrected" in capsys.readouterr().out
    assert cli.main(["read", "report", str(folder)]) == 0
    assert "6 readings are missing; research use only" in capsys.readouterr().out
    found = json.loads((folder / "report" / "readings.json").read_text())
    assert found["patterns"]["F4"]["A"]["core"]["value"] == 1.0


def test_a_wrong_sheet_is_status_3_and_a_wrong_name_status_2(folder, capsys):
    (folder.parent / "x.csv").write_text("reader,item,pattern,confidence\nA,map0,9,1\nA,none,1,0\n")
    assert cli.main(["read", "add", str(folder), str(folder.parent / "x.csv")]) == 3
    told = capsys.readouterr().err
    assert "line 2" in told
    assert "line 3" in told
    assert cli.main(["read", "sheet", str(folder), "--reader", "Z"]) == 2
    assert cli.main(["read", "report", str(folder.parent)]) == 2
    assert "fibrolens read prepare" in capsys.readouterr().err


# A shell that starts a program in the background lets it ignore SIGINT.
IN_THE_BACKGROUND = """
import runpy, signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
runpy.run_module("fibrolens", run_name="__main__")
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("begun", [["-m", "fibrolens"], ["-c", IN_THE_BACKGROUND]])
def test_the_form_is_served_until_it_is_interrupted(folder, how, begun):
    command = [sys.executable, *begun, "read", "serve", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        try:
            link = run.stdout.readline().split()[-1]
            host, _, path = link.removeprefix("http://").partition("/")
            connection = http.client.HTTPConnection(host, timeout=10)
            connection.request("GET", f"/{path}")
            assert connection.getresponse().status == 303
            connection.close()
            run.send_signal(how)
            told, errors = run.communicate(timeout=20)
        finally:
            # One that goes on must not hold up all other tests.
            run.kill()
    assert run.returncode == 0
    assert "Saved: A 0, B 0 readings." in told
    assert errors == ""


@pytest.mark.parametrize("options", [
    ["--readers", "A,a"], ["--readers", "../A"], ["--readers", "A", "--per-stage", "0"],
    ["--readers", "A", "--controls", "2"], ["--readers", "A", "--stages", "F7"], ["--readers", "A"],
])  # fmt: skip
def test_a_set_that_cannot_be_prepared_is_wrong_use(options, tmp_path, capsys):
    assert cli.main(["read", "prepare", str(tmp_path), "--out", str(tmp_path / "set"), *options]) == 2
    assert capsys.readouterr().err
    assert not (tmp_path / "set").exists()

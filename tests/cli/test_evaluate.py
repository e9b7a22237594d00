"""`fibrolens evaluate --packet` and `--merge` from the command line."""

import json

import pytest
from tests.evaluate.hospitals import packet_file, three_hospitals
from tests.study.test_packet import staged

from fibrolens import cli

__all__ = ["staged"]


def test_staged_cts_give_a_packet(staged, tmp_path, capsys):
    path = tmp_path / "p.json"
    options = ["evaluate", str(staged), "--cohort", str(tmp_path / "cohort.csv"), "--packet", str(path)]
    options += ["--least", "2", "--site", "Toy", "--coarse"]
    assert cli.main(options) == 0
    assert "sums of 60 scans of 57 patients" in capsys.readouterr().out
    content = json.loads(path.read_text())
    assert (content["site"], content["least"], content["grid"]["bins_per_unit"]) == ("Toy", 2, 8)
    assert cli.main(options) == 0
    assert cli.main([*options[:-1], "--overwrite"]) == 0
    assert cli.main(options) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_packets_are_pooled(tmp_path, capsys):
    paths = [tmp_path / f"{n}.json" for n in range(3)]
    for cases, path in zip(three_hospitals(0, 60), paths, strict=True):
        packet_file(cases, path)
    out = tmp_path / "out"
    assert cli.main(["evaluate", "--merge", *map(str, paths), "--out", str(out)]) == 0
    assert "report.html: 3 packets, pooled; research use only" in capsys.readouterr().out
    assert cli.main(["evaluate", "--merge", *map(str, paths), "--out", str(out)]) == 0
    assert "already" in capsys.readouterr().out
    paths[0].write_text(paths[0].read_text().replace('"scans": ', '"scans":  1', 1))
    assert cli.main(["evaluate", "--merge", *map(str, paths), "--out", str(out)]) == 3
    assert "damaged or was edited" in capsys.readouterr().err


@pytest.mark.parametrize("options", [
    [], ["s", "--merge", "a", "b", "--out", "o"], ["--merge", "a", "b"], ["s", "--out", "o"], ["s", "--site", "A"],
    ["s", "--least", "3"], ["s", "--coarse"], ["--merge", "a", "--out", "o", "--packet", "p"],
    ["s", "--packet", "p", "--least", "0"], ["s", "--packet", "p", "--workers", "2"], ["s", "--packet", "p"],
])  # fmt: skip
def test_options_that_contradict_each_other_are_wrong_use(options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["evaluate", *options]) == 2

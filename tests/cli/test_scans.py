"""The options that `stage` and `segment` share."""

import csv

import pytest
from tests.staged import simulated, untrained_models

from fibrolens import cli, engine, segment_batch
from fibrolens.engine import Engine
from fibrolens.io import write_nifti


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two CTs and a manifest of them and of one that is missing."""
    found = simulated()
    segmenter = untrained_models(found.labels).segmenter
    monkeypatch.setattr(segment_batch, "load_segmenter", lambda name, folder: segmenter)
    for name in ("a", "b"):
        write_nifti(found.hu, tmp_path / f"{name}.nii.gz")
    (tmp_path / "list.csv").write_text("scan_id,image\none,a.nii.gz\ntwo,missing.nii.gz\nthree,b.nii.gz\n")
    return tmp_path


def rows(out):
    with (out / "summary.csv").open(newline="") as stream:
        return {row["scan_id"]: row["status"] for row in csv.DictReader(stream)}


def test_a_manifest_is_done_by_one_run_or_by_shards_to_the_same_bytes(folder):
    command = ["segment", "--manifest", str(folder / "list.csv"), "--out"]
    assert cli.main([*command, str(folder / "whole")]) == 3
    assert rows(folder / "whole") == {"one": "done", "two": "refused", "three": "done"}
    assert [cli.main([*command, str(folder / "parts"), "--shard", f"{k}/2"]) for k in (1, 2)] == [0, 3]
    for name in ("summary.csv", "one/result.json", "one/labels.nii.gz", "three/result.json", "three/labels.nii.gz"):
        assert (folder / "parts" / name).read_bytes() == (folder / "whole" / name).read_bytes()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--shard", "3/2"], "--shard must be"),
        (["--workers", "0"], "at least 1"),
        (["--engine", "ray", "--explain-selection"], "--explain-selection"),
        (["--scan-id", "x"], "single INPUT"),
        (["--series", "1.2"], "single INPUT"),
    ],
)
def test_options_that_cannot_be_followed_are_wrong_use(folder, capsys, options, told):
    command = ["segment", "--manifest", str(folder / "list.csv"), "--out", str(folder / "out")]
    assert cli.main([*command, *options]) == 2
    assert told in capsys.readouterr().err
    assert not (folder / "out").exists()


def test_a_manifest_beside_inputs_is_wrong_use(folder, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["segment", "a.nii", "--manifest", "list.csv", "--out", "out"])
    assert stop.value.code == 2
    assert "not allowed with" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ([], (1, None)),
        (["--workers", "3"], (3, None)),
        (["--engine", "ray"], (None, "auto")),
        (["--engine", "ray", "--ray-address", "head:6379", "--workers", "9"], (9, "head:6379")),
    ],
)
def test_the_engine_is_the_one_that_was_asked_for(folder, monkeypatch, options, asked):
    found = []
    monkeypatch.setattr(engine, "open_engine", lambda *arguments: found.append(arguments) or Engine(1))
    assert cli.main(["segment", str(folder / "a.nii.gz"), "--out", str(folder / "out"), *options]) == 0
    assert found == [asked]

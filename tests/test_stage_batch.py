"""What `stage` writes of each CT of a batch."""

import csv
import json
import re

import numpy as np
import pytest
from tests.staged import simulated, untrained_models

from fibrolens import stage_batch as module
from fibrolens.batch import Place
from fibrolens.errors import OutputError, UsageError
from fibrolens.io import read_volume, write_nifti
from fibrolens.pipeline import Models, StageOptions
from fibrolens.report.artist import Artist
from fibrolens.stage_batch import stage_batch


@pytest.fixture(scope="module")
def rendering():
    return simulated()


@pytest.fixture(autouse=True)
def untrained(monkeypatch, rendering):
    models = untrained_models(rendering.labels)
    monkeypatch.setattr(module.Models, "load", classmethod(lambda cls, *folders: models))
    assert Models.load() is models


@pytest.fixture
def ct(tmp_path, rendering):
    path = tmp_path / "patient.nii.gz"
    write_nifti(rendering.hu, path)
    return path


def rows(out):
    with (out / "summary.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_scan_folder_holds_every_file_of_the_contract(tmp_path, ct, rendering):
    assert stage_batch([ct], StageOptions(all_maps=True), Place(tmp_path / "out")) == 0
    folder = tmp_path / "out" / "patient"
    names = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert names == {
        "result.json",
        "labels.nii.gz",
        "map.nii.gz",
        "overlay.png",
        "overlay_recommended.png",
        "map_recommended.nii.gz",
        "report.html",
        "report.pdf",
        "manifest.json",
        *(f"maps/F{k}.nii.gz" for k in range(5)),
    }
    assert read_volume_shape(folder / "map.nii.gz") == rendering.hu.geometry.shape
    page = (folder / "report.html").read_text()
    assert "Research use only" in page
    assert "simulated CT" in page
    # The letters of an embedded picture may spell anything.
    text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", page)
    assert len(text) < 0.5 * len(page)
    assert "http" not in text.replace("http-equiv", "")


def read_volume_shape(path):
    return read_volume(path).geometry.shape


def test_pictures_that_are_drawn_beside_are_the_same(tmp_path, ct):
    assert stage_batch([ct], StageOptions(), Place(tmp_path / "beside"), artist=Artist()) == 0
    assert stage_batch([ct], StageOptions(), Place(tmp_path / "here")) == 0
    for name in ("overlay.png", "overlay_recommended.png", "report.html", "report.pdf"):
        assert (tmp_path / "beside/patient" / name).read_bytes() == (tmp_path / "here/patient" / name).read_bytes()


def test_refused_scan_is_a_row_and_leaves_no_folder(tmp_path, ct, capsys):
    text = tmp_path / "notes"
    text.mkdir()
    (text / "a.txt").write_text("hello")
    assert stage_batch([text, ct], StageOptions(), Place(tmp_path / "out")) == 3
    refused, done = rows(tmp_path / "out")
    assert (refused["status"], refused["exit_status"]) == ("refused", "3")
    assert refused["reason"]
    assert (done["status"], done["scan_id"]) == ("done", "patient")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["patient", "summary.csv"]
    assert "Traceback" not in capsys.readouterr().err


def test_the_refusal_of_a_scan_is_gone_once_it_can_be_read(tmp_path, ct):
    whole = ct.read_bytes()
    ct.write_bytes(whole[:1000])
    assert stage_batch([ct], StageOptions(), Place(tmp_path / "out")) == 3
    ct.write_bytes(whole)
    assert stage_batch([ct], StageOptions(), Place(tmp_path / "out")) == 0
    assert [row["status"] for row in rows(tmp_path / "out")] == ["done"]


def test_second_run_keeps_the_bytes_and_says_so(tmp_path, ct, capsys):
    out = tmp_path / "out"
    stage_batch([ct], StageOptions(), Place(out))
    before = {p.name: p.read_bytes() for p in (out / "patient").iterdir()}
    table = (out / "summary.csv").read_bytes()
    assert stage_batch([ct], StageOptions(), Place(out)) == 0
    assert "already staged" in capsys.readouterr().out
    assert {p.name: p.read_bytes() for p in (out / "patient").iterdir()} == before
    assert (out / "summary.csv").read_bytes() == table


def test_other_options_stop_with_status_2_unless_overwritten(tmp_path, ct):
    out = tmp_path / "out"
    stage_batch([ct], StageOptions(), Place(out))
    assert stage_batch([ct], StageOptions(layer="conv3"), Place(out)) == 2
    assert json.loads((out / "patient" / "result.json").read_text())["attention"]["layer"] == "conv4"
    assert stage_batch([ct], StageOptions(layer="conv3"), Place(out, overwrite=True)) == 0
    assert json.loads((out / "patient" / "result.json").read_text())["attention"]["layer"] == "conv3"


def test_incomplete_folder_is_made_again(tmp_path, ct):
    out = tmp_path / "out"
    stage_batch([ct], StageOptions(), Place(out))
    killed = out / ".fibrolens"
    (killed / "1.scratch" / "patient.partial").mkdir(parents=True)
    (killed / "1.rows").write_text("")
    (out / "patient" / "manifest.json").unlink()
    (out / "patient" / "map.nii.gz").unlink()
    assert stage_batch([ct], StageOptions(), Place(out)) == 0
    assert (out / "patient" / "manifest.json").exists()
    assert (out / "patient" / "map.nii.gz").exists()
    assert sorted(p.name for p in out.iterdir()) == ["patient", "summary.csv"]


def test_two_inputs_with_one_scan_id_do_not_overwrite_each_other(tmp_path, ct, rendering):
    (tmp_path / "b").mkdir()
    twin = tmp_path / "b" / "patient.nii.gz"
    write_nifti(rendering.hu.with_array(np.maximum(rendering.hu.array, -900)), twin)
    assert stage_batch([ct, twin], StageOptions(), Place(tmp_path / "out")) == 2
    second, first = rows(tmp_path / "out")
    assert (first["status"], first["input"]) == ("done", str(ct))
    assert "--scan-id" in second["reason"]
    assert stage_batch([ct, twin], StageOptions(), Place(tmp_path / "out", overwrite=True)) == 2
    assert json.loads((tmp_path / "out" / "patient" / "result.json").read_text())["input"]["path"] == str(ct)


def test_two_scan_ids_of_one_input_are_two_rows(tmp_path, ct):
    out = tmp_path / "out"
    stage_batch([ct], StageOptions(), Place(out, scan_id="x"))
    stage_batch([ct], StageOptions(), Place(out, scan_id="y"))
    assert [row["scan_id"] for row in rows(out)] == ["x", "y"]


def test_failed_attempt_does_not_erase_the_row_of_a_standing_result(tmp_path, ct):
    out = tmp_path / "out"
    stage_batch([ct], StageOptions(), Place(out))
    assert stage_batch([ct], StageOptions(layer="conv3"), Place(out)) == 2
    assert rows(out)[0]["status"] == "done"


def test_foreign_summary_is_not_overwritten(tmp_path, ct):
    out = tmp_path / "out"
    out.mkdir()
    (out / "summary.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match="not a summary of this verb"):
        stage_batch([ct], StageOptions(), Place(out))
    assert (out / "summary.csv").read_text() == "a,b\n1,2\n"


def test_options_of_one_scan_need_one_input(tmp_path, ct):
    with pytest.raises(UsageError, match="single INPUT"):
        stage_batch([ct, ct], StageOptions(), Place(tmp_path / "out", scan_id="x"))


def test_output_that_cannot_be_written_is_said_before_any_work(tmp_path, ct):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputError, match="cannot be written"):
        stage_batch([ct], StageOptions(), Place(tmp_path / "out"))

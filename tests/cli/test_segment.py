"""`fibrolens segment` from the command line."""

import csv
import json

import numpy as np
import pytest
from tests.staged import simulated, untrained_models

from fibrolens import cli, segment_batch
from fibrolens.io import read_volume, write_nifti
from fibrolens.phantom.labels import Organ


@pytest.fixture
def rendering(monkeypatch):
    found = simulated()
    segmenter = untrained_models(found.labels).segmenter
    monkeypatch.setattr(segment_batch, "load_segmenter", lambda name, folder: segmenter)
    return found


def saved(rendering, path):
    write_nifti(rendering.hu, path)
    return str(path)


def test_a_scan_becomes_a_folder_with_masks_figures_and_a_picture(rendering, tmp_path, capsys):
    ct, out = saved(rendering, tmp_path / "patient.nii.gz"), tmp_path / "out"
    assert cli.main(["segment", ct, "--out", str(out)]) == 0
    assert "research use only" in capsys.readouterr().out
    names = {path.name for path in (out / "patient").iterdir()}
    assert names == {"labels.nii.gz", "result.json", "overlay.png", "manifest.json"}
    labels = read_volume(out / "patient" / "labels.nii.gz")
    labels.require_grid(rendering.hu)
    result = json.loads((out / "patient" / "result.json").read_text())
    assert "Research use only" in result["intended_use"]
    assert result["masks"]["liver"]["kind"] == "segmenter"
    liver = (rendering.labels.array == Organ.LIVER).sum() * rendering.hu.geometry.voxel_ml
    assert result["markers"]["liver_volume_ml"] == pytest.approx(liver, rel=0.01)
    with (out / "summary.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert float(row["liver_volume_ml"]) == pytest.approx(liver, rel=0.01)


def test_a_native_scan_is_segmented_though_it_could_not_be_staged(rendering, tmp_path):
    hu = rendering.hu.array.copy()
    for organ, value in ((Organ.AORTA, 42), (Organ.SPLEEN, 45), (Organ.LIVER, 55)):
        hu[rendering.labels.array == organ] = value
    write_nifti(rendering.hu.with_array(hu), tmp_path / "native.nii.gz")
    assert cli.main(["segment", str(tmp_path / "native.nii.gz"), "--out", str(tmp_path / "out")]) == 0
    assert json.loads((tmp_path / "out" / "native" / "result.json").read_text())["quality"]["phase"] == "native"


def test_what_is_no_ct_is_refused_with_status_3_and_the_rest_is_done(rendering, tmp_path, capsys):
    write_nifti(rendering.hu.with_array(np.zeros_like(rendering.hu.array)), tmp_path / "empty.nii.gz")
    ct, out = saved(rendering, tmp_path / "ct.nii.gz"), tmp_path / "out"
    assert cli.main(["segment", str(tmp_path / "empty.nii.gz"), ct, "--out", str(out)]) == 3
    assert "not Hounsfield units" in capsys.readouterr().err
    assert sorted(path.name for path in out.iterdir()) == ["ct", "summary.csv"]


def test_a_second_run_keeps_what_is_there(rendering, tmp_path, capsys):
    arguments = ["segment", saved(rendering, tmp_path / "ct.nii.gz"), "--out", str(tmp_path / "out")]
    cli.main(arguments)
    before = (tmp_path / "out" / "ct" / "manifest.json").read_bytes()
    assert cli.main(arguments) == 0
    assert "already segmented" in capsys.readouterr().out
    assert (tmp_path / "out" / "ct" / "manifest.json").read_bytes() == before


def test_the_folder_of_another_verb_is_left_alone(rendering, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "summary.csv").write_text("scan_id,predicted\n")
    assert cli.main(["segment", saved(rendering, tmp_path / "ct.nii.gz"), "--out", str(tmp_path / "out")]) == 2
    assert "another --out" in capsys.readouterr().err


def test_a_result_of_other_bytes_is_not_taken_for_a_deterministic_one(rendering, tmp_path, capsys):
    command = ["segment", saved(rendering, tmp_path / "ct.nii.gz"), "--out", str(tmp_path / "out")]
    assert cli.main(command) == 0
    assert cli.main([*command, "--deterministic"]) == 2
    assert "other inputs or options" in capsys.readouterr().err
    assert cli.main([*command, "--deterministic", "--overwrite"]) == 0
    assert json.loads((tmp_path / "out" / "ct" / "manifest.json").read_text())["created"] is None

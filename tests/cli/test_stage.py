"""`fibrolens stage` from the command line."""

import json

import numpy as np
import pytest
import torch
from tests.staged import simulated, untrained_models

from fibrolens import cli, stage_batch
from fibrolens.io import write_nifti
from fibrolens.phantom.labels import Organ


@pytest.fixture
def native(tmp_path, monkeypatch):
    """A scan without contrast, which only --force stages."""
    rendering = simulated()
    hu = rendering.hu.array.copy()
    for organ, value in ((Organ.AORTA, 42), (Organ.SPLEEN, 45), (Organ.LIVER, 55)):
        hu[rendering.labels.array == organ] = value
    path = tmp_path / "native.nii.gz"
    write_nifti(rendering.hu.with_array(hu), path)
    monkeypatch.setattr(
        stage_batch.Models, "load", classmethod(lambda cls, *folders: untrained_models(rendering.labels))
    )
    return path


def test_refusal_has_status_3_and_force_marks_every_output(native, tmp_path, capsys):
    out = tmp_path / "out"
    assert cli.main(["stage", str(native), "--out", str(out)]) == 3
    assert "native phase" in capsys.readouterr().err
    assert not (out / "native").exists()
    assert cli.main(["stage", str(native), "--out", str(out), "--force"]) == 0
    assert "FORCED" in capsys.readouterr().out
    assert "FORCED" in (out / "native" / "report.html").read_text()
    assert json.loads((out / "native" / "result.json").read_text())["quality"]["forced"] is True
    assert "true" in (out / "summary.csv").read_text()


def test_what_thousands_of_scans_do_not_need_is_left_out(native, tmp_path, capsys):
    command = ["stage", str(native), "--out", str(tmp_path / "o"), "--force"]
    assert cli.main([*command, "--skip", "report", "--skip", "dicom", "--maps", "all"]) == 0
    written = {path.name for path in (tmp_path / "o" / "native").iterdir()}
    volumes = {"labels.nii.gz", "map.nii.gz", "map_recommended.nii.gz", "maps"}
    assert written == volumes | {"result.json", "manifest.json"}
    maps = tmp_path / "o" / "native" / "maps"
    predicted = json.loads((tmp_path / "o" / "native" / "result.json").read_text())["stage"]["predicted"]
    assert sorted(path.name for path in maps.iterdir()) == [f"F{k}.nii.gz" for k in range(5)]
    assert (maps / f"{predicted}.nii.gz").read_bytes() == (maps.parent / "map.nii.gz").read_bytes()
    assert cli.main([*command, "--maps", "all"]) == 2  # other options
    assert "--overwrite" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("threads", "options", "begins"),
    [
        ("2", [], True),
        ("2", ["--workers", "1", "--skip", "dicom"], True),
        ("2", ["--workers", "2"], False),
        ("2", ["--skip", "dicom", "--skip", "report"], False),
        ("1", [], False),
    ],
)
def test_pictures_are_drawn_beside_where_there_are_any_and_a_core_is_free(
    tmp_path, monkeypatch, threads, options, begins
):
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    monkeypatch.setattr("fibrolens.workers.cores", lambda: 2)
    monkeypatch.setattr("fibrolens.report.artist.Artist", object)
    assert (artist_of(monkeypatch, tmp_path, *options) is not None) == begins


@pytest.mark.parametrize("error", [BlockingIOError(11, "no more"), ValueError("pass_fds not supported on Windows")])
def test_where_no_process_can_be_started_pictures_are_drawn_in_this_one(tmp_path, monkeypatch, error):
    def refuse(*command, **how):
        raise error

    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setattr("fibrolens.workers.cores", lambda: 2)
    monkeypatch.setattr("subprocess.Popen", refuse)
    assert artist_of(monkeypatch, tmp_path) is None


def artist_of(monkeypatch, tmp_path, *options):
    """Who would draw what this command stages."""
    artists = []
    monkeypatch.setattr(stage_batch, "stage_batch", lambda *given: artists.append(given[-1]) or 0)
    assert cli.main(["stage", "ct.nii.gz", "--out", str(tmp_path), *options]) == 0
    return artists[0]


def test_labels_beside_single_masks_are_wrong_use(native, tmp_path, capsys):
    arguments = ["stage", str(native), "--out", str(tmp_path / "o"), "--labels", "a", "--liver-mask", "b"]
    assert cli.main(arguments) == 2
    assert "not both" in capsys.readouterr().err


def test_labels_of_a_known_set_by_its_name(native, tmp_path, capsys):
    rendering = simulated()
    organs = rendering.labels.array
    numbers = np.select([organs == Organ.LIVER, organs == Organ.SPLEEN], [6, 1], 0).astype(np.uint8)
    write_nifti(rendering.hu.with_array(numbers), tmp_path / "amos_0001.nii.gz")
    arguments = ["stage", str(native), "--out", str(tmp_path / "o"), "--labels", str(tmp_path / "amos_0001.nii.gz")]
    assert cli.main([*arguments, "--force"]) == 3
    assert "--label-map" in capsys.readouterr().err
    assert cli.main([*arguments, "--force", "--label-map", "amos"]) == 0
    assert "amos_0001.nii.gz (labels of amos)" in (tmp_path / "o" / "native" / "report.html").read_text()
    assert cli.main([*arguments, "--force", "--label-map", "btcv"]) == 2  # the same numbers, but another statement
    capsys.readouterr()
    assert cli.main(["stage", str(native), "--out", str(tmp_path / "o"), "--label-map", "amos"]) == 2
    assert "with --labels" in capsys.readouterr().err


def test_segmentation_weights_of_a_folder_are_taken_and_a_missing_one_has_status_4(tmp_path, monkeypatch, capsys):
    rendering, asked = simulated(), []
    write_nifti(rendering.hu, tmp_path / "ct.nii.gz")
    arguments = ["stage", str(tmp_path / "ct.nii.gz"), "--out", str(tmp_path / "o"), "--segmentation-model"]
    assert cli.main([*arguments, str(tmp_path / "nowhere")]) == 4
    assert "nowhere" in capsys.readouterr().err

    def load(cls, *folders):
        asked.append(folders)
        return untrained_models(rendering.labels)

    monkeypatch.setattr(stage_batch.Models, "load", classmethod(load))
    assert cli.main([*arguments, str(tmp_path / "own"), "--force"]) == 0
    assert asked == [(None, tmp_path / "own", "fibrolens", "cpu")]


def test_a_device_that_is_not_there_has_status_4(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    write_nifti(simulated().hu, tmp_path / "ct.nii.gz")
    assert cli.main(["stage", str(tmp_path / "ct.nii.gz"), "--out", str(tmp_path / "o"), "--device", "cuda"]) == 4
    assert "Torch sees no GPU here; choose the device cpu" in capsys.readouterr().err

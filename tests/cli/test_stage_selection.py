"""`stage` and `segment` of a whole DICOM study from the command line."""

import json

import pytest
from tests.staged import untrained_models
from tests.study_files import write_phantom_study

from fibrolens import cli, segment_batch, stage_batch


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    return folder, write_phantom_study(folder, ("native", "arterial", "portal"))


@pytest.fixture
def truth(study, monkeypatch):
    models = untrained_models(study[1].labels)
    monkeypatch.setattr(stage_batch.Models, "load", classmethod(lambda cls, *folders: models))
    monkeypatch.setattr(segment_batch, "load_segmenter", lambda name, folder: models.segmenter)


def result(out):
    (path,) = out.glob("*/result.json")
    return json.loads(path.read_text())


@pytest.mark.slow
def test_a_study_is_staged_by_its_portal_venous_series_and_the_table_is_kept(study, truth, tmp_path, capsys):
    arguments = ["stage", str(study[0]), "--out", str(tmp_path), "--explain-selection"]
    assert cli.main(arguments) == 0
    table, done = capsys.readouterr().out.split("\n", 4)[:4], result(tmp_path)
    assert [line.split()[0] for line in table] == ["no.", "3", "2", "1"]
    selection = done["input"]["selection"]
    assert [row["verdict"] for row in selection["series"]] == [
        "chosen",
        "not chosen: arterial by name",
        "not chosen: native by name",
    ]
    assert done["input"]["series_uid"] == selection["series"][0]["uid"]
    assert done["quality"]["phase"] == "portal"
    assert cli.main(arguments) == 0
    assert "already staged" in capsys.readouterr().out


@pytest.mark.slow
def test_a_single_series_has_no_table_in_its_result(study, truth, tmp_path, capsys):
    assert cli.main(["stage", str(study[0] / "series3"), "--out", str(tmp_path), "--explain-selection"]) == 0
    assert "chosen: the only CT series" in capsys.readouterr().out
    assert result(tmp_path)["input"]["selection"] is None


def test_a_refused_study_prints_the_table_too(study, truth, tmp_path, capsys):
    folder = tmp_path / "study"
    for number in (1, 2):
        (folder / str(number)).mkdir(parents=True)
        for path in (study[0] / f"series{number}").iterdir():
            (folder / str(number) / path.name).symlink_to(path)
    arguments = [str(folder), "--out", str(tmp_path / "out"), "--explain-selection"]
    assert cli.main(["stage", *arguments]) == 3
    printed = capsys.readouterr()
    assert "not chosen: native by name" in printed.out
    assert "--series UID" in printed.err
    assert cli.main(["segment", str(folder), "--out", str(tmp_path / "organs")]) == 0
    assert result(tmp_path / "organs")["input"]["selection"]["series"][0]["phase"] == "arterial"

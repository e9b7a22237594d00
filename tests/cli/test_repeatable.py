"""``--deterministic``: two runs in different folders write the same bytes, every file of them."""

import numpy as np
import pydicom
import pytest
from tests.cli.test_train import cohort, start
from tests.staged import untrained_models
from tests.study.conftest import toy_cohort

from fibrolens import cli, engine, stage_batch
from fibrolens.phantom.dicom import write_dicom_series
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.render import render, small_grid
from fibrolens.study.folder import Study

__all__ = ["cohort", "start", "toy_cohort"]


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    """No time is lost with other processes."""
    monkeypatch.setattr(engine, "MOST_WORKERS", 1)


@pytest.fixture
def series(tmp_path, monkeypatch):
    """A simulated DICOM series, and networks that know its organs."""
    patient = sample_patient(np.random.default_rng(4), 4, "P1")
    rendering = render(patient, small_grid(patient))
    write_dicom_series(rendering.hu, tmp_path / "series", patient)
    models = untrained_models(rendering.labels)
    monkeypatch.setattr(stage_batch.Models, "load", classmethod(lambda cls, *folders: models))
    return tmp_path / "series"


def twice(tmp_path, *arguments):
    """The files of two runs of a command, by name."""
    runs = []
    for name in ("one", "two"):
        out = tmp_path / name / "out"
        assert cli.main([*arguments, "--out", str(out), "--deterministic"]) == 0
        runs.append({str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()})
    return runs


def differing(one, two):
    return sorted(name for name in one.keys() | two.keys() if one.get(name) != two.get(name))


@pytest.mark.slow
def test_stage(series, tmp_path):
    one, two = twice(tmp_path, "stage", str(series), "--force")

    assert differing(one, two) == []
    kinds = {name.split(".", 1)[1] for name in one}
    assert {"dcm", "json", "html", "pdf", "png", "nii.gz", "csv"} <= kinds
    # DICOM objects must have a date, which is that of their study.
    study = pydicom.dcmread(next(series.iterdir()))
    for path in (tmp_path / "one").rglob("*.dcm"):
        made = pydicom.dcmread(path)
        assert (made.ContentDate, made.ContentTime) == (study.StudyDate, study.StudyTime)
        assert "InstanceCreationDate" not in made


def test_a_result_of_other_bytes_is_not_taken_for_a_deterministic_one(series, tmp_path, capsys):
    command = ["stage", str(series), "--force", "--out", str(tmp_path / "out"), "--skip", "dicom", "--skip", "report"]
    assert cli.main(command) == 0
    assert cli.main([*command, "--deterministic"]) == 2
    assert "other inputs or options" in capsys.readouterr().err


@pytest.mark.slow
def test_train(cohort, start, tmp_path):
    one, two = twice(tmp_path, "train", str(cohort), "--from", str(start), "--steps", "2")

    assert differing(one, two) == []
    assert "weights.safetensors" in one


@pytest.mark.slow
def test_study(toy_cohort, start, tmp_path):
    options = ("--from", str(start), "--steps", "1", "--folds", "2", "--learn", "last-layer", "--workers", "1")
    one, two = twice(tmp_path, "study", str(toy_cohort), *options)

    assert differing(one, two) == []
    # A step that is done again keeps to how the study was begun.
    assert Study.open(tmp_path / "one" / "out").is_deterministic


@pytest.mark.parametrize("verb", ["stage", "study", "train", "predict", "explain", "evaluate", "segment"])
def test_every_verb_that_computes_has_it(verb, capsys):
    with pytest.raises(SystemExit):
        cli.main([verb, "--help"])
    assert "--deterministic" in capsys.readouterr().out

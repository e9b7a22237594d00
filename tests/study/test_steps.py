import json
import re
import shutil

import pytest

from fibrolens.errors import CohortError, OutputError, UsageError
from fibrolens.study import completion, folder
from fibrolens.study.folder import Study
from fibrolens.study.run import run_study
from fibrolens.study.steps import Running, run_step

NAMES = ("predictions.csv", "attention.csv", "evaluation.json", "report.html", "markers.csv")
pytestmark = pytest.mark.usefixtures("quick_organs")


@pytest.fixture
def study(finished_study, toy_cohort, tmp_path):
    """A copy of the finished study, whose table is found again."""
    shutil.copytree(finished_study, tmp_path / "study")
    return Study.open(tmp_path / "study", toy_cohort)


def contents(out):
    return {name: (out / name).read_bytes() for name in NAMES}


def words(out):
    """The contents without the report's pictures."""
    found = contents(out)
    return found | {"report.html": re.sub(b"<img [^>]*>", b"", found["report.html"])}


@pytest.mark.slow
def test_a_prepared_study_goes_on_step_by_step_to_the_same_result(finished_study, toy_cohort, study_plan, tmp_path):
    out = run_study(toy_cohort, tmp_path / "s", study_plan, how=Running(1), prepare_only=True)
    assert not (out / "manifest.json").exists()
    with pytest.raises(UsageError, match="fibrolens train"):
        run_step(Study.open(out), "predict", Running(1))
    for step in ("train", "predict", "explain", "evaluate"):
        run_step(Study.open(out), step, Running(1))
    assert contents(out) == contents(finished_study)
    assert (
        json.loads((out / "manifest.json").read_text())["run"]
        == json.loads((finished_study / "manifest.json").read_text())["run"]
    )


def test_a_step_that_is_done_says_so_and_does_nothing(study):
    said = []
    stamp = (study.out / "manifest.json").read_bytes()
    run_step(study, "predict", Running(1, say=said.append))
    assert "done already" in said[0]
    assert (study.out / "manifest.json").read_bytes() == stamp


@pytest.mark.usefixtures("empty_figures")
def test_a_step_done_again_takes_what_later_steps_made_with_it(study):
    before = words(study.out)
    run_step(study, "predict", Running(1), overwrite=True)
    fold = study.out / "folds" / "0"
    assert (fold / "predictions.csv").exists()
    assert (fold / "weights.safetensors").exists()
    assert not (fold / "attention.csv").exists()
    assert not (study.out / "evaluation.json").exists()
    assert not (study.out / "manifest.json").exists()
    with pytest.raises(UsageError, match="fibrolens explain"):
        run_step(study, "evaluate", Running(1))
    run_step(study, "explain", Running(1))
    run_step(study, "evaluate", Running(1))
    assert words(study.out) == before


@pytest.mark.usefixtures("empty_figures")
def test_evaluating_again_gives_the_same(study):
    before = words(study.out)
    run_step(study, "evaluate", Running(1))
    assert words(study.out) == before


def test_a_folder_that_is_no_study_is_wrong_use(tmp_path):
    with pytest.raises(UsageError, match="not a study"):
        Study.open(tmp_path)


def test_a_table_that_is_gone_or_changed_is_refused(study, toy_cohort, tmp_path):
    changed = tmp_path / "changed.csv"
    changed.write_text(toy_cohort.read_text() + "\n")
    with pytest.raises(CohortError, match="has changed"):
        Study.open(study.out, changed)
    shutil.move(study.out, tmp_path / "a" / "b" / "c" / "study")
    with pytest.raises(CohortError, match="--cohort"):
        Study.open(tmp_path / "a" / "b" / "c" / "study")


def test_a_kill_while_a_step_is_taken_back_leaves_nothing_that_looks_done(study, monkeypatch):
    removed, remove = [], folder._remove

    def stop_after_four(path):
        if len(removed) == 4:
            raise KeyboardInterrupt
        removed.append(path.name)
        remove(path)

    monkeypatch.setattr(folder, "_remove", stop_after_four)
    monkeypatch.setattr(folder, "EVALUATED", ())
    with pytest.raises(KeyboardInterrupt):
        study.discard("predict")
    assert removed == ["attention.csv", "maps", "maps_recommended", "attention.csv"]
    assert [job.explained for job in study.jobs()] == [False, False, True, True, True]
    assert all(job.predicted for job in study.jobs())


def test_cts_that_have_changed_are_named_and_restored_ones_taken(study, toy_cohort, tmp_path):
    shutil.copytree(toy_cohort.parent, tmp_path / "cohort")
    table = tmp_path / "cohort" / "cohort.csv"
    image = table.with_name("s3_image.nii.gz")
    before = image.read_bytes()
    image.write_bytes(table.with_name("s1_image.nii.gz").read_bytes())
    with pytest.raises(CohortError, match="line 5: the files of s3 have changed"):
        run_step(Study.open(study.out, table), "explain", Running(1), overwrite=True)
    image.write_bytes(before)
    run_step(Study.open(study.out, table), "explain", Running(1), overwrite=True)


def test_seconds_are_told_per_step_and_go_with_the_manifest(finished_study):
    timings = json.loads((finished_study / "manifest.json").read_text())["timings_s"]
    assert set(timings) == {"prepare", "train", "predict", "explain", "evaluate"}
    assert not (finished_study / ".timings.json").exists()


def test_a_full_disk_is_an_output_error(study, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(completion, "evaluate_study", full)
    with pytest.raises(OutputError, match="No space left"):
        run_step(study, "evaluate", Running(1))

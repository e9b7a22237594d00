import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from fibrolens.cohort.table import read_cohort
from fibrolens.errors import UsageError
from fibrolens.io import read_volume
from fibrolens.plan import STAGES
from fibrolens.progress import silent
from fibrolens.staging.predict import Prediction
from fibrolens.study.fold import FoldJob, choose, explain_fold, predict_fold, scaled_maps, train_fold
from fibrolens.study.organs import own_organs
from fibrolens.study.prepare import PrepareJob, prepare_scan, run_prepare
from fibrolens.study.tables import read_table


@pytest.fixture(scope="module")
def rows(toy_cohort):
    return read_cohort(toy_cohort)[:6]


@pytest.fixture(scope="module")
def prepared(rows, toy_plan, tmp_path_factory):
    """To be read only."""
    folder = tmp_path_factory.mktemp("prepared")
    run_prepare(PrepareJob(rows, toy_plan.grid, folder, folder / "organs"), silent())
    return folder


@pytest.fixture
def job(rows, prepared, toy_plan, tmp_path):
    return FoldJob(0, tmp_path / "fold", rows[:2], rows[2:4], rows[4:], prepared, (toy_plan,), None)


def weights(job):
    return (job.folder / "weights.safetensors").read_bytes()


def test_maps_of_every_layer_have_mean_one_over_the_covered_body(toy_cohort, toy_plan):
    row = read_cohort(toy_cohort)[0]
    ct = read_volume(row.image)
    scan = prepare_scan(row, ct, own_organs(row, ct)[0], toy_plan.grid)
    generator = np.random.default_rng(0)
    raw = {layer: generator.random((1, 8, 24, 24)).astype(np.float32) for layer in ("conv3", "conv4")}
    coverage = np.array([0, 1, 1, 1, 1, 1, 1, 0], np.float32)
    prediction = Prediction(np.full(5, 0.2), np.zeros((1, 5), np.float32), (0,), raw, coverage, np.zeros(3, np.float32))
    maps = scaled_maps(prediction, scan)
    inside = scan.body & (coverage > 0)[:, None, None]
    assert [round(float(maps[name][inside].mean()), 5) for name in ("conv3", "conv4", "mean")] == [1.0, 1.0, 1.0]


def test_the_three_steps_make_each_other_s_input(job):
    with pytest.raises(UsageError, match="train first"):
        predict_fold(job, silent())
    train_fold(job, silent())
    with pytest.raises(UsageError, match="predict first"):
        explain_fold(job, silent())
    predict_fold(job, silent())
    explain_fold(job, silent())
    assert (job.trained, job.predicted, job.explained) == (True, True, True)
    tables = {name: read_table(job.folder / f"{name}.csv") for name in ("inner_predictions", "predictions")}
    assert [row["scan_id"] for row in tables["inner_predictions"]] == ["s2", "s3"]
    assert [row["scan_id"] for row in tables["predictions"]] == ["s4", "s5"]
    predicted = {
        row["scan_id"]: max(STAGES, key=lambda stage: float(row[f"p_{stage}"])) for row in tables["predictions"]
    }
    looked = read_table(job.folder / "attention.csv")
    assert {(row["scan_id"], row["predicted"]) for row in looked} == set(predicted.items())
    assert {row["layer"] for row in looked} == {"conv3", "conv4", "mean", "contrast conv2"}
    for name in ("maps", "maps_recommended"):
        assert sorted(path.name for path in (job.folder / name).iterdir()) == ["s4.nii.gz", "s5.nii.gz"]


def test_the_inner_split_is_never_fitted_on(job):
    train_fold(job, silent())
    still = replace(job, folder=job.folder.with_name("still"), inner=())
    unchecked = replace(job.plan, training=replace(job.plan.training, check_every=0))
    train_fold(replace(still, ways=(unchecked,)), silent())
    other = replace(job, folder=job.folder.with_name("other"), inner=job.inner[:1])
    train_fold(other, silent())
    logs = [(folder / "train_log.jsonl").read_text() for folder in (job.folder, still.folder, other.folder)]
    assert logs[0] == logs[1] == logs[2], "the inner split changes which weights are kept, not one step"


def test_a_step_that_is_done_is_left_alone(job):
    for step in (train_fold, predict_fold, explain_fold):
        step(job, silent())
    stamps = {path: path.stat().st_mtime_ns for path in job.folder.rglob("*")}
    for step in (train_fold, predict_fold, explain_fold):
        step(job, silent())
    assert {path: path.stat().st_mtime_ns for path in job.folder.rglob("*")} == stamps


def test_sets_of_stages_are_trained_on_and_tested(job):
    train_fold(job, silent())
    undecided = replace(job.train[1], stages=(2, 3))
    sets = replace(job, folder=job.folder.with_name("sets"), train=(job.train[0], undecided), test=(undecided,))
    train_fold(sets, silent())
    predict_fold(sets, silent())
    assert weights(sets) != weights(job)
    assert [row["stage"] for row in read_table(sets.folder / "predictions.csv")] == ["F2|F3"]


def test_a_fold_is_never_tested_on_scans_that_its_weights_may_have_seen(job):
    train_fold(job, silent())
    moved = replace(job, train=(job.train[0], job.test[0]), test=(job.train[1], job.test[1]))
    for step in (train_fold, predict_fold):
        with pytest.raises(UsageError, match="may have seen"):
            step(moved, silent())


def test_what_a_kill_left_of_the_training_goes(job):
    train_fold(job, silent())
    left = job.folder / "ways" / "0"
    left.mkdir(parents=True)
    (left / "checkpoint.safetensors").write_bytes(b"left")
    train_fold(job, silent())
    assert not left.parent.exists()


def test_of_several_trainings_the_inner_split_decides(job):
    still = replace(job.plan, training=replace(job.plan.training, learning_rate=1e-9))
    worse = replace(job, ways=(job.plan, still), folder=job.folder.with_name("worse"))
    for some in (job, worse):
        train_fold(some, silent())
    choice = json.loads((worse.folder / "choice.json").read_text())
    assert choice["way"] == 0
    assert len(choice["inner_losses"]) == 2
    assert weights(worse) == weights(job)
    assert not (worse.folder / "ways").exists()


def tried(folder, *losses):
    for number, own in enumerate(losses):
        (folder / str(number)).mkdir()
        (folder / str(number) / "stopping.json").write_text(json.dumps({"kept_losses": own}))
    return choose([folder / str(number) for number in range(len(losses))])["way"]


@pytest.mark.parametrize(("losses", "way"), [
    (([1.0, 2.0, 3.0], [0.5, 1.4, 2.6]), 1),
    (([1.0, 2.0, 3.0], [0.0, 2.9, 2.9]), 0),  # better in the mean, but not by two standard errors
    (([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]), 0),
    (([1.0, 2.0, 3.0], [0.9, 1.9, 2.9], [0.5, 1.5, 2.4]), 2),
])  # fmt: skip
def test_a_later_training_is_kept_only_where_it_is_clearly_better(tmp_path, losses, way):
    assert tried(tmp_path, *losses) == way


def test_half_of_a_step_is_no_step(job):
    for step in (train_fold, predict_fold, explain_fold):
        step(job, silent())
    (job.folder / "inner_predictions.csv").unlink()
    assert not job.predicted
    predict_fold(job, silent())
    assert job.predicted
    shutil.rmtree(job.folder / "maps")
    assert not job.explained


def test_a_fold_without_an_inner_split_has_no_predictions_of_one(job):
    alone = replace(job, inner=())
    train_fold(alone, silent())
    predict_fold(alone, silent())
    assert alone.predicted
    assert not (job.folder / "inner_predictions.csv").exists()
    assert not (job.folder / "stopping.json").exists()

import json
import shutil
from dataclasses import replace

import pytest
import torch
from tests.peer_processes import in_processes
from tests.study.conftest import quick_networks

from fibrolens.errors import CohortError, UsageError
from fibrolens.staging.network import new_network
from fibrolens.staging.predict import StagingModel
from fibrolens.staging.train import LOG
from fibrolens.study.tune import Start, tune
from fibrolens.weights import load_model_folder

pytestmark = pytest.mark.usefixtures("quick_organs")


@pytest.fixture(scope="module")
def start(toy_plan):
    return Start("toy", new_network(toy_plan.network, 7).state_dict(), "nothing")


def tuned(peers, cohort, out, plan, start):
    tune(cohort, out, plan, start, workers=1)


@pytest.mark.slow
def test_two_processes_write_one_model_that_learnt_what_one_process_learns(toy_cohort, toy_plan, start, model):
    shared = model.with_name("shared")
    in_processes(2, tuned, toy_cohort, shared, toy_plan, start)
    assert {path.name for path in shared.iterdir()} == {path.name for path in model.iterdir()}
    logs = [[json.loads(line) for line in (out / LOG).read_text().splitlines()] for out in (shared, model)]
    assert [line["step"] for line in logs[0]] == list(range(6))
    for found, expected in zip(*logs, strict=True):
        assert found["loss"] == pytest.approx(expected["loss"], rel=1e-5)
    before = (shared / "manifest.json").read_bytes()
    in_processes(2, tuned, toy_cohort, shared, toy_plan, start)
    assert (shared / "manifest.json").read_bytes() == before


@pytest.fixture(scope="module")
def finished(toy_cohort, toy_plan, start, tmp_path_factory):
    """A trained model; to be read only."""
    with quick_networks():
        return tune(toy_cohort, tmp_path_factory.mktemp("tuned") / "model", toy_plan, start, workers=1)


@pytest.fixture
def model(finished, tmp_path):
    """A copy of it, to be changed at will."""
    return shutil.copytree(finished, tmp_path / "model")


def test_the_folder_holds_a_model_that_stages_and_says_what_it_was_trained_on(model, toy_plan):
    loaded = StagingModel.load(model)
    assert loaded.plan == toy_plan
    assert loaded.domain is not None
    assert loaded.card["trained_on"] == "10 CTs of 10 patients (cohort.csv), from toy, which were trained on: nothing"
    assert "research use only" in loaded.card["intended_use"]
    assert loaded.card["stages"] == {"F0": 5, "F1": 0, "F2": 0, "F3": 0, "F4": 5}
    page = (model / "MODEL_CARD.md").read_text()
    assert loaded.sha256 in page
    assert loaded.card["trained_on"] in page


def test_the_folder_is_complete_and_holds_no_image_of_the_cohort(model):
    names = {path.name for path in model.iterdir()}
    assert names == {
        *("weights.safetensors", "domain.safetensors", "plan.json", "card.json", "MODEL_CARD.md"),
        *("train_log.jsonl", "run.json", "manifest.json"),
    }
    assert set(json.loads((model / "manifest.json").read_text())["files"]) == names - {"manifest.json"}
    assert len((model / "train_log.jsonl").read_text().splitlines()) == 6


class KilledError(Exception):
    pass


class KillAfter:
    """A reporter factory that stops the training like a kill would."""

    def __init__(self, total, label):
        self.left = 4 if label == "training" else -1

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def advance(self, n=1, note=""):
        self.left -= n
        if self.left == 0:
            raise KilledError


def test_a_killed_training_goes_on_to_the_same_weights(model, toy_cohort, toy_plan, start, tmp_path):
    out = tmp_path / "killed"
    with pytest.raises(KilledError):
        tune(toy_cohort, out, toy_plan, start, workers=1, progress=KillAfter)
    assert not (out / "manifest.json").exists()
    tune(toy_cohort, out, toy_plan, start, workers=1)
    assert load_model_folder(out).sha256 == load_model_folder(model).sha256


def test_a_finished_model_is_left_alone_and_another_one_needs_overwrite(model, toy_cohort, toy_plan, start):
    stamp = (model / "manifest.json").read_bytes()
    tune(toy_cohort, model, toy_plan, start, workers=1)
    assert (model / "manifest.json").read_bytes() == stamp
    with pytest.raises(UsageError, match="other inputs"):
        tune(toy_cohort, model, toy_plan, Start("random weights"), workers=1)
    tune(toy_cohort, model, toy_plan, Start("random weights"), overwrite=True, workers=1)
    assert load_model_folder(model).card["trained_on"].endswith("from random weights")


@pytest.mark.parametrize(("file", "corrected"), [("s0_liver_mask", "s0_spleen_mask"), ("s0_image", "s2_image")])
def test_a_corrected_mask_or_ct_under_the_same_name_is_another_input(
    toy_cohort, toy_plan, start, tmp_path, file, corrected
):
    folder = shutil.copytree(toy_cohort.parent, tmp_path / "cohort")
    cohort, out = folder / toy_cohort.name, tmp_path / "model"
    with pytest.raises(KilledError):
        tune(cohort, out, toy_plan, start, workers=1, progress=KillAfter)
    shutil.copyfile(folder / f"{corrected}.nii.gz", folder / f"{file}.nii.gz")
    with pytest.raises(UsageError, match="other inputs"):
        tune(cohort, out, toy_plan, start, workers=1)


def test_a_folder_of_something_else_is_never_replaced(toy_cohort, toy_plan, start, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError):
        tune(toy_cohort, tmp_path, toy_plan, start, overwrite=True, workers=1)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_training_begins_with_the_given_weights(toy_cohort, toy_plan, start, tmp_path):
    still = replace(toy_plan, training=replace(toy_plan.training, steps=1, learning_rate=0.0, weight_decay=0.0))
    out = tune(toy_cohort, tmp_path / "model", still, start, workers=1)
    assert torch.equal(load_model_folder(out).weights["head.weight"], start.weights["head.weight"])


def test_excluded_rows_are_left_out_and_sets_of_stages_learnt_from(toy_cohort, toy_plan, start, tmp_path):
    header, *lines = toy_cohort.read_text().splitlines()
    lines[0] = lines[0].replace(",F0,", ",F0|F1,")
    table = shutil.copytree(toy_cohort.parent, tmp_path / "cohort") / "some.csv"
    table.write_text(
        "\n".join([f"{header},exclude", *(f"{line}," for line in lines[:-1]), f"{lines[-1]},tumour"]) + "\n"
    )
    out = tune(table, tmp_path / "model", toy_plan, start, workers=1)
    assert load_model_folder(out).card["scans"] == 9
    assert load_model_folder(out).card["stages"] == {"F0": 4, "F1": 0, "F2": 0, "F3": 0, "F4": 4, "F0|F1": 1}


def test_a_cohort_with_no_row_to_train_on_is_refused(toy_cohort, toy_plan, start, tmp_path):
    header, *lines = toy_cohort.read_text().splitlines()
    table = tmp_path / "excluded.csv"
    table.write_text("\n".join([f"{header},exclude", *(line + ",tumour" for line in lines)]) + "\n")
    with pytest.raises(CohortError, match="no row to train on"):
        tune(table, tmp_path / "model", toy_plan, start, workers=1)
    assert not (tmp_path / "model").exists()

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.study.masked_cohort import PLAN, SHAPE, write_cohort

from fibrolens.errors import CohortError, UsageError
from fibrolens.io import read_volume, write_nifti
from fibrolens.segment.predict import Segmenter
from fibrolens.segment.vnet import Cascade
from fibrolens.study.tune import Start
from fibrolens.study.tune_segmentation import tune_segmentation
from fibrolens.volume import Geometry, Volume
from fibrolens.weights import load_model_folder


def begun_with(seed=1):
    torch.manual_seed(seed)
    return Start("toy", Cascade(PLAN).state_dict(), "nothing")


@pytest.fixture
def cohort(tmp_path):
    return write_cohort(tmp_path, 5, without_spleen=(1, 3))


@pytest.fixture
def model(cohort, tmp_path):
    return tune_segmentation(cohort, tmp_path / "model", PLAN, begun_with())


def test_the_folder_is_complete_and_segments(model, tmp_path):
    names = {path.name for path in model.iterdir()}
    assert names == {
        *("weights.safetensors", "plan.json", "card.json", "MODEL_CARD.md", "held_out.json"),
        *("train_log.jsonl", "run.json", "manifest.json"),
    }
    segmenter = Segmenter.load(model)
    assert segmenter.plan == PLAN
    assert segmenter.name == "vnet-cohort"
    assert segmenter.segment(read_volume(tmp_path / "ct0.nii.gz")).labels.array.shape == SHAPE


def test_the_card_says_what_was_learnt_and_how_the_scans_held_out_fare(model):
    card = load_model_folder(model).card
    assert card["trained_on"] == "masks of 4 CTs of 4 patients (cohort.csv), from toy, which were trained on: nothing"
    assert "research use only" in card["intended_use"]
    assert card["figures"]["held_out_patients"] == card["figures"]["held_out_scans"] == 1
    assert {"liver_dice_before", "liver_dice_after"} <= card["figures"].keys()
    scores = json.loads((model / "held_out.json").read_text())
    assert len(scores) == 1
    page = (model / "MODEL_CARD.md").read_text()
    assert "1 CT of 1 patient held out: liver" in page
    assert load_model_folder(model).sha256 in page
    steps = [json.loads(line)["step"] for line in (model / "train_log.jsonl").read_text().splitlines()]
    assert steps == [1, 2, 3, 4]


class KilledError(Exception):
    pass


class KillAfter:
    """A reporter factory that stops the training like a kill would, one step after a checkpoint."""

    where, after = "training", 3

    def __init__(self, total, label):
        self.left = self.after if label == self.where else -1

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def advance(self, n=1, note=""):
        self.left -= n
        if self.left == 0:
            raise KilledError


class KillAtTheEnd(KillAfter):
    """One that stops it when every step is in the checkpoint and the model is not yet written."""

    where, after = "measuring the tuned weights", 1


@pytest.mark.parametrize("kill", [KillAfter, KillAtTheEnd])
def test_a_killed_training_goes_on_to_the_same_weights(model, cohort, tmp_path, kill):
    out = tmp_path / "killed"
    with pytest.raises(KilledError):
        tune_segmentation(cohort, out, PLAN, begun_with(), progress=kill)
    assert not (out / "manifest.json").exists()
    tune_segmentation(cohort, out, PLAN, begun_with())
    for name in ("weights.safetensors", "card.json", "train_log.jsonl", "held_out.json"):
        assert (out / name).read_bytes() == (model / name).read_bytes()


def test_training_raises_the_dice_of_the_scans_held_out(tmp_path):
    plan = replace(PLAN, steps=50, learning_rate=2e-2, average_steps=10)
    out = tune_segmentation(write_cohort(tmp_path, 5), tmp_path / "model", plan, begun_with(3))
    figures = load_model_folder(out).card["figures"]
    assert figures["liver_dice_after"] > max(0.6, figures["liver_dice_before"] + 0.2)


def test_training_begins_with_the_given_weights(cohort, tmp_path):
    still = replace(PLAN, steps=1, learning_rate=0.0)
    out = tune_segmentation(cohort, tmp_path / "still", still, begun_with())
    found, given = load_model_folder(out).weights, begun_with().weights
    assert all(torch.equal(found[name], given[name]) for name in given)


def test_with_few_patients_nobody_is_held_out_and_the_card_says_so(tmp_path):
    out = tune_segmentation(write_cohort(tmp_path, 2), tmp_path / "model", replace(PLAN, steps=1), begun_with())
    assert load_model_folder(out).card["figures"] == {}
    assert "no patient was held out" in (out / "MODEL_CARD.md").read_text()
    assert not (out / "held_out.json").exists()


def test_a_finished_model_is_left_alone_and_a_corrected_mask_needs_overwrite(model, cohort, tmp_path):
    stamp = (model / "manifest.json").read_bytes()
    tune_segmentation(cohort, model, PLAN, begun_with())
    assert (model / "manifest.json").read_bytes() == stamp
    liver = np.zeros(SHAPE, np.uint8)
    liver[4:10, 6:12, 4:9] = 1
    write_nifti(Volume(liver, Geometry(SHAPE, (5.0, 5.0, 5.0))), tmp_path / "liver0.nii.gz")
    with pytest.raises(UsageError, match="other inputs"):
        tune_segmentation(cohort, model, PLAN, begun_with())
    tune_segmentation(cohort, model, replace(PLAN, steps=1), begun_with(), overwrite=True)
    assert (model / "manifest.json").read_bytes() != stamp


def test_a_model_is_not_given_up_for_masks_that_cannot_be_used(model, cohort, tmp_path):
    (tmp_path / "liver0.nii.gz").write_text("no mask")
    with pytest.raises(CohortError, match="line 2"):
        tune_segmentation(cohort, model, PLAN, begun_with(), overwrite=True)
    assert Segmenter.load(model).name == "vnet-cohort"


def test_every_mask_that_cannot_be_used_is_named_with_its_line_and_nothing_is_left(cohort, tmp_path):
    write_nifti(Volume(np.zeros(SHAPE, np.uint8), Geometry(SHAPE, (5.0, 5.0, 5.0))), tmp_path / "liver0.nii.gz")
    other = Geometry((4, 4, 4), (5.0, 5.0, 5.0))
    write_nifti(Volume(np.ones((4, 4, 4), np.uint8), other), tmp_path / "spleen2.nii.gz")
    (tmp_path / "liver4.nii.gz").write_text("no mask")
    with pytest.raises(CohortError) as caught:
        tune_segmentation(cohort, tmp_path / "model", PLAN, begun_with())
    first, *problems = str(caught.value).splitlines()
    assert "3 problems" in first
    assert "line 2: liver0.nii.gz holds no liver" in problems[0]
    assert "line 4: spleen2.nii.gz" in problems[1]
    assert "4x4x4 voxels" in problems[1]
    assert "24x24x14 voxels" in problems[1]
    assert "line 6" in problems[2]
    assert "liver4.nii.gz" in problems[2]
    assert not (tmp_path / "model").exists()

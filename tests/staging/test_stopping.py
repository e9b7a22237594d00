import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tests.staging.test_train import PLAN, learnable, planned

from fibrolens.staging.data import StagingCase
from fibrolens.staging.network import new_network
from fibrolens.staging.predict import StagingModel, predict
from fibrolens.staging.stopping import STOPPING, InnerSplit, inner_losses
from fibrolens.staging.train import train


@pytest.fixture
def cases():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 100, (6, 10, 16, 16), dtype=np.uint8)
    images[3:, :, :8] += 120
    return [StagingCase(str(k), str(k), (4 * (k >= 3),), image, 1, 8) for k, image in enumerate(images)]


def confident(stage):
    """Weights that call everything `stage`."""
    weights = new_network(PLAN.network, 0).state_dict()
    weights["head.weight"].zero_()
    weights["head.bias"].copy_(6.0 * torch.eye(5)[stage])
    return weights


def looked(cases, *stages, patience=2):
    watch = InnerSplit(cases, planned(check_every=5, patience=patience))
    for step, stage in enumerate(stages):
        watch.look(step, new_network(PLAN.network, 0), confident(stage))
    return watch


def test_the_weights_that_do_best_on_the_inner_split_are_kept(cases):
    watch = looked(cases[3:], 0, 4, 0)
    assert torch.equal(watch.best["head.bias"], confident(4)["head.bias"])
    assert [step for step, _ in watch.looks] == [0, 1, 2]


def test_it_is_over_after_so_many_looks_without_a_better_one(cases):
    assert not looked(cases[3:], 4, 0).over
    assert looked(cases[3:], 4, 0, 0).over
    assert not looked(cases[3:], 0, 4, 0).over
    assert not looked(cases[3:], 4, 0, 0, patience=3).over


def test_looks_come_before_the_first_step_every_so_often_and_after_the_last(cases):
    watch = InnerSplit(cases, planned(steps=7, check_every=3))
    assert [step for step in range(8) if watch.due(step)] == [0, 3, 6, 7]
    assert not any(InnerSplit([], planned(check_every=3)).due(step) for step in range(8))
    assert not any(InnerSplit(cases, planned(check_every=0)).due(step) for step in range(8))


def test_the_loss_is_of_the_probability_that_the_reference_allows(cases):
    network = new_network(PLAN.network, 3).eval()
    model = StagingModel(PLAN, network, {}, "")
    some = [replace(cases[0], stages=(2, 3)), cases[5]]
    chances = [predict(model, c.image.astype(np.float32) / 255, (1, 8), layers=()).probabilities for c in some]
    expected = [-np.log(chances[0][2:4].sum()), -np.log(chances[1][4])]
    assert inner_losses(model, some) == pytest.approx(expected, rel=1e-5)


def test_a_training_that_only_gets_worse_stops_early_and_keeps_its_start(cases, tmp_path):
    wrong = [replace(case, stages=(4 - case.stage,)) for case in cases]
    plan = learnable(steps=50, check_every=2, patience=2)
    start = load_file(train(cases, learnable(steps=60), tmp_path / "start"))
    done = []

    class Counter:
        def advance(self, n=1, note=""):
            done.append(n)

    kept = load_file(train(wrong, plan, tmp_path / "worse", start, Counter(), inner=cases))
    story = json.loads((tmp_path / "worse" / STOPPING).read_text())
    assert story["kept_step"] == 0
    assert len(story["looks"]) == 3
    assert np.mean(story["kept_losses"]) == pytest.approx(story["looks"][0]["loss"])
    assert sum(done) == 50
    assert all(torch.equal(kept[name], start[name]) for name in start)

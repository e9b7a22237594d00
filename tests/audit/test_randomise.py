from dataclasses import replace

import numpy as np
import pytest
import torch

from fibrolens.audit.randomise import STEPS, cascade, shuffled
from fibrolens.staging.data import StagingCase
from fibrolens.staging.network import new_network
from fibrolens.staging.predict import StagingModel


@pytest.fixture
def model(toy_plan):
    return StagingModel(toy_plan, new_network(replace(toy_plan.network, normalise="all"), 1).eval(), {}, "")


@pytest.fixture
def windows():
    return torch.rand((4, 1, 4, 24, 24), generator=torch.Generator().manual_seed(0))


def test_each_step_draws_one_more_layer_anew(model, windows, toy_plan):
    model = replace(model, plan=replace(toy_plan, network=replace(toy_plan.network, normalise="all")))
    networks = [step.network for step in cascade(model, 5, windows)]
    assert len(networks) == len(STEPS)
    for number, network in enumerate(networks):
        for place, layer in enumerate(STEPS):
            ours, theirs = (one.get_submodule(layer).parameters() for one in (network, model.network))
            same = all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
            assert same == (place > number)


def test_random_networks_still_tell_scans_apart(model, windows, toy_plan):
    model = replace(model, plan=replace(toy_plan, network=replace(toy_plan.network, normalise="all")))
    for step in cascade(model, 5, windows):
        assert not step.network.training
        with torch.no_grad():
            cells = step.network.convolved(windows)
        assert cells.std(dim=0).max() > 1e-3
        assert 0.01 < cells.mean() < 100


def test_the_trained_network_is_not_touched(model, windows, toy_plan):
    model = replace(model, plan=replace(toy_plan, network=replace(toy_plan.network, normalise="all")))
    before = {name: tensor.clone() for name, tensor in model.network.state_dict().items()}
    cascade(model, 5, windows)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.network.state_dict().items())


def test_stages_are_shuffled_among_patients_and_scans_of_a_patient_go_together():
    image = np.zeros((1, 1, 1), np.uint8)
    cases = [StagingCase(f"s{n}", f"p{n // 2}", (n // 2 % 5,), image, 0, 0) for n in range(40)]
    dealt = shuffled(cases, np.random.default_rng(0))
    assert [case.scan_id for case in dealt] == [case.scan_id for case in cases]
    assert sorted(case.stages for case in dealt) == sorted(case.stages for case in cases)
    assert [case.stages for case in dealt] != [case.stages for case in cases]
    assert all(dealt[n].stages == dealt[n + 1].stages for n in range(0, 40, 2))

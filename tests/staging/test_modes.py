from dataclasses import asdict

import numpy as np
import pytest
import torch

from fibrolens.plan import GridPlan, NetworkPlan, Plan, SlabPlan, TrainingPlan, from_plain
from fibrolens.staging.data import StagingCase, draw_batch
from fibrolens.staging.modes import MODES
from fibrolens.staging.network import new_network
from fibrolens.staging.predict import StagingModel, predict_seen
from fibrolens.staging.seen import needs_labels, see
from fibrolens.staging.train import Learner

PLAN = Plan(
    grid=GridPlan(spacing_mm=(5.0, 6.0, 6.0), in_plane=(24, 24)),
    slab=SlabPlan(4, 2),
    network=NetworkPlan(
        (2, 2, 4, 4),
        (3, 3, 3),
        pools=((1, 2, 2), (2, 1, 1), (1, 2, 2)),
        pooled=(1, 2, 2),
        hidden=8,
        normalise="all",
    ),
    training=TrainingPlan(batch=2),
)


@pytest.fixture
def scan():
    image = np.random.default_rng(0).integers(1, 255, (10, 24, 24)).astype(np.uint8)
    labels = np.zeros(image.shape, np.uint8)
    labels[1:9, 6:20, 2:14] = 1
    labels[4:7, 14:18, 16:20] = 2
    return StagingCase("s", "p", (4,), image, 1, 8), labels


@pytest.mark.parametrize("name", MODES)
def test_every_mode_trains_predicts_and_explains_on_the_scans_grid(scan, name):
    case, labels = scan
    plan = MODES[name].plan(PLAN)
    seen = see(case, labels if needs_labels(plan) else None, plan)
    learner = Learner(plan, [seen.case])
    batch = draw_batch([seen.case], plan, 0)
    assert batch.slabs.shape[0] == plan.training.batch
    gradients = torch.autograd.grad(learner.loss(batch, 0), [learner.network.conv1[0].weight])
    assert gradients[0].abs().sum() > 0
    model = StagingModel(plan, new_network(plan.network, 0).eval(), {}, "")
    found = predict_seen(model, seen, ("conv3", "conv4"), (4,))
    assert found.probabilities.sum() == pytest.approx(1.0)
    assert found.maps["conv4"].shape == (1, *case.image.shape)
    assert found.coverage.shape == (10,)
    assert not found.maps["conv4"][0][found.coverage == 0].any()


@pytest.mark.parametrize("name", MODES)
def test_a_modes_plan_can_be_written_and_read(name):
    plan = MODES[name].plan(PLAN)
    assert from_plain(Plan, _plain(asdict(plan)), "plan") == plan


@pytest.mark.parametrize("name", ["liver-2d", "liver-patch"])
def test_networks_of_single_slices_see_as_many_slices_in_a_step_as_those_of_runs(name):
    plan = MODES[name].plan(PLAN)
    assert plan.training.batch * plan.slab.slices == PLAN.training.batch * PLAN.slab.slices


def test_networks_of_the_plane_do_not_mix_slices():
    network = new_network(MODES["liver-levels"].plan(PLAN).network, 0).eval()
    x = torch.rand((1, 1, 3, 16, 16), generator=torch.Generator().manual_seed(1))
    changed = x.clone()
    changed[:, :, 2] = 0
    with torch.no_grad():
        one, two = network.convolved(x), network.convolved(changed)
    torch.testing.assert_close(one[:, :, :2], two[:, :, :2])
    assert not torch.equal(one[:, :, 2], two[:, :, 2])


def _plain(content):
    """As JSON gives it back."""
    if isinstance(content, dict):
        return {key: _plain(value) for key, value in content.items()}
    return [_plain(value) for value in content] if isinstance(content, tuple) else content

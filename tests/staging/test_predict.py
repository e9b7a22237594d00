from dataclasses import replace

import numpy as np
import pytest
import torch

from fibrolens.explain.passes import upsample
from fibrolens.plan import GridPlan, NetworkPlan, Plan, SlabPlan
from fibrolens.staging.device import Device
from fibrolens.staging.domain import fit_domain
from fibrolens.staging.network import new_network
from fibrolens.staging.predict import StagingModel, _centred, predict
from fibrolens.transforms.slabs import Slabs
from fibrolens.weights import save_model_folder

PLAN = Plan(
    grid=GridPlan(in_plane=(16, 24)),
    slab=SlabPlan(8, 4),
    network=NetworkPlan(
        channels=(2, 3, 4, 5), kernel=(3, 3, 3), pools=((2, 2, 2), (2, 2, 2), (1, 2, 2)), pooled=(1, 2, 2), hidden=6
    ),
)
CARD = {"name": "toy", "trained_on": "nothing", "intended_use": "tests", "figures": {}, "seed": 3}


@pytest.fixture
def model():
    network = new_network(PLAN.network, 3).eval()
    return StagingModel(PLAN, network, CARD, "")


@pytest.fixture
def image():
    return np.random.default_rng(1).random((20, 16, 24), dtype=np.float32)


def test_probabilities_are_the_mean_softmax_of_the_windows_over_the_liver(model, image):
    prediction = predict(model, image, (2, 15), layers=())
    windows = [torch.from_numpy(image[start : start + 8])[None, None] for start in (2, 6, 8)]
    with torch.no_grad():
        logits = torch.cat([model.network(window) for window in windows])
        features = torch.cat([model.network.features(window) for window in windows])
    np.testing.assert_allclose(prediction.logits, logits, atol=1e-5)
    np.testing.assert_allclose(prediction.probabilities, torch.softmax(logits, 1).mean(0), atol=1e-5)
    np.testing.assert_allclose(prediction.features, features.mean(0), atol=1e-5)
    assert prediction.probabilities.sum() == pytest.approx(1.0, abs=1e-12)


def test_coverage_counts_the_windows_of_each_slice(model, image):
    coverage = predict(model, image, (2, 15), layers=()).coverage
    assert coverage.tolist() == [0] * 2 + [1] * 4 + [2] * 2 + [3] * 2 + [2] * 4 + [1] * 2 + [0] * 4


def test_slices_outside_the_windows_do_not_matter(model, image):
    changed = image.copy()
    changed[:2] = changed[16:] = 0.0
    before, after = (predict(model, x, (2, 15), layers=()) for x in (image, changed))
    np.testing.assert_array_equal(before.logits, after.logits)


def test_a_scan_shorter_than_a_window_is_staged(model, image):
    prediction = predict(model, image[:5], (1, 3), layers=())
    assert prediction.logits.shape == (1, 5)
    assert prediction.coverage.tolist() == [1] * 5


def test_maps_lie_on_the_network_grid_for_every_target(model, image):
    prediction = predict(model, image, (2, 15), targets=range(5))
    assert set(prediction.maps) == {"conv3", "conv4"}
    for heat in prediction.maps.values():
        assert heat.shape == (5, 20, 16, 24)
        assert (heat >= 0).all()
        assert (heat[:, prediction.coverage == 0] == 0).all()
    assert any(heat.max() > 0 for heat in prediction.maps.values())


def test_the_predicted_stage_is_explained_unless_others_are_asked_for(model, image):
    prediction = predict(model, image, (2, 15), layers=("conv4",))
    assert prediction.targets == (prediction.predicted,)
    every = predict(model, image, (2, 15), layers=("conv4",), targets=range(5))
    np.testing.assert_allclose(prediction.maps["conv4"][0], every.maps["conv4"][prediction.predicted], atol=1e-6)


def test_overlapping_maps_are_averaged():
    slabs = Slabs.over(0, 11, 12, PLAN.slab)
    heat, coverage = slabs.merge(torch.stack([torch.ones(1, 8, 1, 1), 3 * torch.ones(1, 8, 1, 1)]))
    assert heat.flatten().tolist() == [1] * 4 + [2] * 4 + [3] * 4
    assert coverage.tolist() == [1] * 4 + [2] * 4 + [1] * 4


def test_a_loaded_model_predicts_what_the_saved_one_did(model, image, tmp_path):
    domain = fit_domain(np.random.default_rng(0).random((30, 6)))
    weights = model.network.state_dict()
    digest = save_model_folder(tmp_path / "toy", weights, PLAN, CARD, domain=domain.tensors())
    loaded = StagingModel.load(tmp_path / "toy")
    assert (loaded.plan, loaded.sha256, loaded.card["name"]) == (PLAN, digest, "toy")
    assert loaded.domain is not None
    assert loaded.domain.threshold == domain.threshold
    before, after = (predict(m, image, (2, 15), layers=()) for m in (model, loaded))
    np.testing.assert_allclose(before.probabilities, after.probabilities, atol=1e-6)


@pytest.mark.parametrize("stride", [(2, 2, 2), (1, 2, 2), (1, 1, 1), (3, 3, 3)])
def test_a_map_behind_a_stepping_convolution_lies_where_the_network_looked(stride):
    middle_of_blob = torch.tensor([15.5, 16.5, 14.0])
    axes = torch.meshgrid(*(torch.arange(30.0),) * 3, indexing="ij")
    distance = sum((axis - m) ** 2 for axis, m in zip(axes, middle_of_blob, strict=True))
    blob = torch.exp(-distance / 18)[None, None]
    # The kernel looks around voxel 0, 2, 4, ...
    found = _centred(upsample(blob[..., :: stride[0], :: stride[1], :: stride[2]], (30, 30, 30)), stride)
    middle = [float((found[0, 0] * axis).sum() / found.sum()) for axis in axes]
    assert middle == pytest.approx(middle_of_blob.tolist(), abs=0.02)


def test_several_windows_at_once_as_on_a_gpu_say_what_one_by_one_say(model, image):
    alone, together = (
        predict(one, image, (2, 15), targets=range(5)) for one in (model, replace(model, device=Device(slabs=2)))
    )
    np.testing.assert_allclose(together.logits, alone.logits, atol=1e-5)
    for layer, maps in alone.maps.items():
        assert maps.any()
        np.testing.assert_allclose(together.maps[layer], maps, atol=1e-5)


def test_bfloat16_changes_probabilities_by_less_than_a_hundredth(model, image):
    exact, rough = (
        predict(one, image, (2, 15), layers=()).probabilities
        for one in (model, replace(model, device=Device(slabs=2, bf16=True)))
    )
    assert 0 < np.abs(rough - exact).max() < 1e-2

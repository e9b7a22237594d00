"""Grad-CAM of the LFS network without a pass back through a convolution is the one by differentiation."""

import pytest
import torch

from fibrolens.errors import ExplanationError
from fibrolens.explain.cam import cam_maps
from fibrolens.explain.location_maps import location_maps
from fibrolens.explain.targets import target
from fibrolens.plan import NetworkPlan
from fibrolens.staging.network import new_network

TARGETS = (0, 3, 4, target("at_least_F2"), target("F4-F0"))
LAYERS = ("conv3", "conv4")
SIZES = {"channels": (3, 4, 5, 6), "hidden": 7, "pooled": (1, 2, 2)}
PLANS = {
    "cells of many sizes": NetworkPlan(**SIZES, pools=((1, 2, 2), (2, 1, 1), (1, 2, 2))),
    "fewer cells than the kernel has": NetworkPlan(**SIZES, pools=((2, 2, 2), (2, 2, 2), (2, 2, 2))),
    "all normalised, a step": NetworkPlan(**SIZES, normalise="all", stride=(2, 2, 2), pools=((1, 2, 2),) * 3),
    "ordinal": NetworkPlan(**SIZES, head="ordinal"),
    "a flat kernel": NetworkPlan(**SIZES, kernel=(1, 3, 5), pools=((1, 1, 1), (1, 2, 2), (1, 2, 2))),
}


@pytest.fixture(params=PLANS, ids=list(PLANS))
def network(request):
    network = new_network(PLANS[request.param], 0).double()
    generator = torch.Generator().manual_seed(1)
    for name, buffer in network.named_buffers():
        if "running_var" in name:
            buffer.uniform_(0.02, 0.1, generator=generator)
        elif "running_mean" in name:
            buffer.uniform_(-0.1, 0.1, generator=generator)
    return network


@pytest.fixture
def slabs():
    return torch.rand(2, 1, 18, 42, 38, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("layers", [("conv3",), ("conv4",), LAYERS])
def test_the_maps_are_those_of_differentiation(network, slabs, layers):
    expected, found = cam_maps(network, slabs, TARGETS, layers), location_maps(network, slabs, TARGETS, layers)
    torch.testing.assert_close(found.logits, expected.logits)
    assert tuple(found.raw) == layers
    for layer in layers:
        assert expected.raw[layer].any()
        torch.testing.assert_close(found.raw[layer], expected.raw[layer], rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(found.maps[layer], expected.maps[layer], rtol=1e-9, atol=1e-12)


def test_it_is_what_location_maps_takes_and_other_layers_and_methods_it_does_not(network, slabs, monkeypatch):
    taken, grad_cam = [], type(network).grad_cam

    def told(self, x, targets, layers):
        taken.append(tuple(layers))
        return grad_cam(self, x, targets, layers)

    monkeypatch.setattr(type(network), "grad_cam", told)
    location_maps(network, slabs, TARGETS, LAYERS)
    assert taken == [LAYERS]
    location_maps(network, slabs, TARGETS, ["conv2", "conv4"])
    location_maps(network, slabs, TARGETS, LAYERS, "hirescam")
    assert taken == [LAYERS]


def test_the_network_is_handed_back_as_it_was(network, slabs):
    network.train()
    network.conv1.eval()
    flags = [module.training for module in network.modules()]
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(ExplanationError, match="not an output"):
        location_maps(network, slabs, [7], LAYERS)
    with torch.inference_mode():
        location_maps(network, slabs * 1.0, [4], LAYERS)
    assert [module.training for module in network.modules()] == flags
    assert all(parameter.grad is None for parameter in network.parameters())
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)


def test_frozen_weights_make_no_difference(network, slabs):
    expected = location_maps(network, slabs, [4], LAYERS)
    network.requires_grad_(False)
    found = location_maps(network, slabs, [4], LAYERS)
    torch.testing.assert_close(found.raw["conv3"], expected.raw["conv3"])


def test_a_score_that_does_not_depend_on_the_network_is_told(network, slabs):
    with pytest.raises(ExplanationError, match="does not depend on the network"):
        location_maps(network, slabs, [4, lambda logits: torch.ones(len(logits))], LAYERS)

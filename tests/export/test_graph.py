"""Location maps as outputs of the forward pass are those by differentiation."""

import pytest
import torch
from torch.nn.functional import adaptive_avg_pool1d

from fibrolens.explain.cam import cam_maps
from fibrolens.export.graph import OUTPUTS, StagingGraph, averages
from fibrolens.plan import NetworkPlan
from fibrolens.staging.network import new_network

SIZES = {"channels": (3, 4, 5, 6), "hidden": 7, "pooled": (1, 2, 3)}
PLANS = {
    "pooled cells that overlap": NetworkPlan(**SIZES, pools=((1, 2, 2), (2, 1, 1), (1, 2, 2))),
    "fewer cells than the kernel has": NetworkPlan(**SIZES, pools=((2, 2, 2), (2, 2, 2), (2, 2, 2))),
    "all normalised, a step": NetworkPlan(**SIZES, normalise="all", stride=(2, 2, 2), pools=((1, 2, 2),) * 3),
    "a flat kernel": NetworkPlan(**SIZES, kernel=(1, 3, 5), pools=((1, 1, 1), (1, 2, 2), (1, 2, 2))),
}
SHAPE = (18, 42, 38)


@pytest.mark.parametrize("name", PLANS)
def test_every_output_is_that_of_the_network(name):
    network = new_network(PLANS[name], 0).eval().double()
    generator = torch.Generator().manual_seed(1)
    for kind, buffer in network.named_buffers():
        if "running" in kind:
            buffer.uniform_(0.02, 0.1, generator=generator)
    slabs = torch.rand(2, 1, *SHAPE, dtype=torch.float64, generator=generator)
    with torch.no_grad():
        graph = StagingGraph(network.float(), SHAPE).double()
        found = dict(zip(OUTPUTS, graph(slabs), strict=True))
        features = network.features(slabs)
    expected = cam_maps(network, slabs, range(5), ("conv3", "conv4"))
    torch.testing.assert_close(found["logits"], expected.logits)
    torch.testing.assert_close(found["probabilities"], expected.logits.softmax(1))
    torch.testing.assert_close(found["features"], features)
    for layer in ("conv3", "conv4"):
        assert expected.raw[layer].any()
        torch.testing.assert_close(found[f"map_{layer}"], expected.raw[layer].transpose(0, 1), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("old", "new"), [(16, 4), (7, 3), (5, 5), (2, 4)])
def test_pooling_as_a_matrix(old, new):
    values = torch.rand(1, 1, old)
    torch.testing.assert_close((averages(old, new) @ values[0, 0]), adaptive_avg_pool1d(values, new)[0, 0])

from dataclasses import replace

import pytest
import torch

from fibrolens.plan import NetworkPlan
from fibrolens.staging.network import LAYERS, LFSNetwork, cell_of, channels_last, fast, new_network
from fibrolens.staging.plans import small_plan

PLAN = NetworkPlan(
    channels=(2, 3, 4, 5), kernel=(3, 3, 3), pools=((2, 2, 2), (2, 2, 2), (1, 2, 2)), pooled=(1, 2, 2), hidden=7
)


def test_gives_one_score_per_stage_and_the_features_before():
    network = LFSNetwork(PLAN).eval()
    x = torch.rand(2, 1, 8, 16, 16)
    assert network(x).shape == (2, 5)
    torch.testing.assert_close(network(x), network.head(network.features(x)))


def test_has_the_papers_layers():
    network = LFSNetwork(PLAN)
    kinds = [type(m).__name__ for m in network.modules()]
    assert [kinds.count(k) for k in ("Conv3d", "MaxPool3d", "Linear")] == [4, 3, 2]


@pytest.mark.parametrize(("layer", "shape"), [("conv3", (4, 2, 4, 4)), ("conv4", (5, 2, 2, 2))])
def test_layers_for_maps_are_positive_activations_before_pooling(layer, shape):
    network, seen = LFSNetwork(PLAN).eval(), []
    assert layer in LAYERS
    network.get_submodule(layer).register_forward_hook(lambda _m, _i, output: seen.append(output))
    network(torch.rand(1, 1, 8, 16, 16))
    assert seen[0].shape == (1, *shape)
    assert seen[0].min() == 0
    assert seen[0].max() > 0


def test_the_stride_steps_the_first_convolution_alone():
    network = LFSNetwork(replace(PLAN, stride=(1, 2, 2)))
    assert [network.get_submodule(layer)[0].stride for layer in LAYERS] == [(1, 2, 2), *[(1, 1, 1)] * 3]
    assert network.conv1(torch.rand(1, 1, 8, 16, 16)).shape == (1, 2, 8, 8, 8)


def test_normalising_everywhere_adds_the_first_convolution_and_the_hidden_layer():
    kinds = [type(m).__name__ for m in LFSNetwork(replace(PLAN, normalise="all")).modules()]
    assert [kinds.count(k) for k in ("Conv3d", "MaxPool3d", "Linear")] == [4, 3, 2]
    assert [kinds.count(k) for k in ("BatchNorm3d", "LayerNorm")] == [4, 1]
    kinds = [type(m).__name__ for m in LFSNetwork(PLAN).modules()]
    assert [kinds.count(k) for k in ("BatchNorm3d", "LayerNorm")] == [3, 0]


def test_new_network_depends_on_its_seed_alone():
    torch.rand(3)
    before = torch.random.get_rng_state()
    a, b, c = (new_network(PLAN, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(a.head.weight, b.head.weight)
    assert not torch.equal(a.head.weight, c.head.weight)


def test_a_voxel_of_a_layers_map_covers_as_many_voxels_as_the_layer_has_fewer():
    plan = small_plan().network
    network, slab = new_network(plan, 0), torch.zeros(1, 1, 32, 128, 128)
    sizes = {}
    for layer in LAYERS:
        network.get_submodule(layer).register_forward_hook(
            lambda _m, _i, o, layer=layer: sizes.update({layer: o.shape})
        )
    with torch.no_grad():
        network.eval()(slab)
    for layer in LAYERS:
        cells = cell_of(plan, layer)
        assert tuple(n * c for n, c in zip(sizes[layer][2:], cells, strict=True)) == (32, 128, 128)
    assert cell_of(plan, "input") == (1, 1, 1)


@pytest.mark.parametrize("plan", [PLAN, small_plan().network])
def test_all_that_is_made_of_channels_last_slabs_lies_so_both_ways(plan):
    network, x, seen = fast(new_network(plan, 0)), torch.rand(2, 1, 8, 32, 24), []

    def look(_module, _inputs, made):
        seen.append(made)
        made.register_hook(seen.append)

    for name in LAYERS[:3]:
        network.get_submodule(name).register_forward_hook(look)
    found = network.convolved(channels_last(x))
    torch.testing.assert_close(found, network.convolved(x), rtol=1e-3, atol=1e-4)
    seen.clear()
    network.convolved(channels_last(x)).sum().backward()
    assert len(seen) == 6
    assert all(made.is_contiguous(memory_format=torch.channels_last_3d) for made in seen)

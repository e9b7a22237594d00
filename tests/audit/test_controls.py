import torch
from torch import nn

from fibrolens.audit.controls import edges, guided_backprop


def network(seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Conv3d(1, 2, 3, padding=1), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(128, 5))


def slab():
    return torch.rand((1, 1, 4, 4, 4), generator=torch.Generator().manual_seed(0))


def test_edges_know_no_network():
    first, second = (edges(network(seed), slab(), [0, 1]).raw["input"] for seed in (0, 1))
    assert torch.equal(first, second)
    assert first.shape == (2, 1, 4, 4, 4)
    assert (first > 0).any()


def test_there_is_no_edge_in_an_even_image():
    assert not edges(network(0), torch.full((1, 1, 4, 4, 4), 0.5), [0]).raw["input"].any()


def test_guided_backprop_passes_positive_gradients_of_active_units_alone():
    model = nn.Sequential(nn.Flatten(), nn.Linear(2, 3, bias=False), nn.ReLU(), nn.Linear(3, 1, bias=False))
    with torch.no_grad():
        # The third unit is silent, and the second one's gradient is negative.
        model[1].weight.copy_(torch.tensor([[1.0, 2.0], [3.0, 1.0], [-1.0, -1.0]]))
        model[3].weight.copy_(torch.tensor([[0.5, -1.0, 1.0]]))
    found = guided_backprop(model, torch.ones((1, 1, 2)), [0]).raw["input"]
    assert found.ravel().tolist() == [0.5, 1.0]


def test_guided_backprop_hands_the_network_back_untouched():
    model, x = network(0).train(), slab()
    before = model.state_dict(), [type(one) for one in model.modules()]
    logits = guided_backprop(model, x, [0]).logits
    assert torch.equal(logits, model(x))
    assert [type(one) for one in model.modules()] == before[1]
    assert all(one.training and not one._forward_hooks and not one._backward_hooks for one in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())

"""A ReLU and a pooling with one way back learn what they learn apart."""

import pytest
import torch
from torch import nn

from fibrolens.plan import NetworkPlan
from fibrolens.staging.network import channels_last, fast, new_network
from fibrolens.staging.plans import small_plan
from fibrolens.staging.positive import PassingReLU, PositivePooling, learn_by_positives

PLAN = NetworkPlan(channels=(2, 3, 4, 5), kernel=(3, 3, 3), pools=((2, 2, 2), (2, 1, 1), (1, 2, 2)), hidden=7)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
@pytest.mark.parametrize("size", [(2, 2, 2), (1, 2, 2), (2, 1, 1), (3, 2, 1)])
def test_gives_what_torch_gives_forward_and_back(size, layout):
    generator = torch.Generator().manual_seed(0)
    # Whole numbers, so that maxima are shared, and windows without a positive one.
    x = torch.randint(-4, 3, (2, 3, 7, 8, 5), generator=generator).float().contiguous(memory_format=layout)
    found = []
    for relu, pool in ((nn.ReLU(), nn.MaxPool3d(size)), (PassingReLU(), PositivePooling(size))):
        leaf = x.clone().requires_grad_()
        pooled = pool(relu(leaf * 1.0))
        towards = torch.randn(pooled.shape, generator=torch.Generator().manual_seed(1))
        found.append((pooled, *torch.autograd.grad((pooled * towards).sum(), leaf)))
    (expected, slope), (own, own_slope) = found
    assert torch.equal(own, expected)
    assert torch.equal(own_slope, slope)


@pytest.mark.parametrize("plan", [PLAN, small_plan().network])
def test_the_network_keeps_its_weights_names_and_gradients(plan):
    plain, ours = fast(new_network(plan, 0)), fast(new_network(plan, 0))
    learn_by_positives(ours)
    assert list(ours.state_dict()) == list(plain.state_dict())
    plain.dropout.p = ours.dropout.p = 0.0
    x = channels_last(torch.rand(2, 1, 8, 32, 32, generator=torch.Generator().manual_seed(2)))
    for network in (plain, ours):
        network(x).square().sum().backward()
    for own, theirs in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(own.grad, theirs.grad, rtol=1e-4, atol=1e-6)


def test_a_network_that_is_only_looked_through_gives_the_same():
    plain, ours = fast(new_network(PLAN, 0)).eval(), fast(new_network(PLAN, 0)).eval()
    learn_by_positives(ours)
    x = torch.rand(1, 1, 8, 32, 32)
    with torch.no_grad():
        assert torch.equal(ours(x), plain(x))

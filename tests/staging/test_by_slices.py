"""Gradients made slice by slice are those of torch's own 3D convolution."""

import pytest
import torch
from torch import nn

from fibrolens.staging.by_slices import ConvolutionBySlices, learn_by_slices, weight_gradient
from fibrolens.staging.network import fast, new_network
from fibrolens.staging.plans import small_plan

#: Inputs, outputs, kernel, stride, padding, and the size of a scan.
CONVOLUTIONS = {
    "one channel, stepped": (1, 4, 5, 2, 2, (8, 10, 12)),
    "keeps an odd size": (3, 4, 5, 1, 2, (7, 9, 11)),
    "fewer slices than the kernel": (3, 4, 5, 1, 2, (1, 3, 5)),
    "steps over slices": (3, 4, 3, 3, 1, (8, 7, 5)),
    "no padding": (2, 3, 3, 2, 0, (9, 8, 7)),
    "axes that differ": (2, 3, (1, 3, 5), (1, 2, 3), (0, 1, 2), (5, 8, 9)),
    "a point": (2, 3, 1, 1, 0, (3, 4, 5)),
}


def gradients(convolution, x):
    x = x.clone().requires_grad_()
    found = convolution(x)
    towards = torch.randn(found.shape, generator=torch.Generator().manual_seed(1))
    return found, torch.autograd.grad((found * towards).sum(), [x, *convolution.parameters()])


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_gives_what_torch_gives_forward_and_back(name, bias, layout):
    inputs, outputs, kernel, stride, padding, size = CONVOLUTIONS[name]
    torch.manual_seed(0)
    plain = nn.Conv3d(inputs, outputs, kernel, stride, padding, bias=bias).to(memory_format=layout)
    ours = ConvolutionBySlices(inputs, outputs, kernel, stride, padding, bias=bias).to(memory_format=layout)
    ours.load_state_dict(plain.state_dict())
    x = torch.randn(2, inputs, *size).contiguous(memory_format=layout)
    (expected, theirs), (found, own) = gradients(plain, x), gradients(ours, x)
    assert torch.equal(found, expected)
    for a, b in zip(own, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def test_slices_that_meet_only_zeros_teach_nothing():
    x, gradient = torch.ones(1, 1, 1, 4, 4), torch.ones(1, 1, 1, 4, 4)
    found = weight_gradient(gradient, x, torch.empty(1, 1, 3, 3, 3), (1, 1, 1), (1, 1, 1))
    assert found[0, 0, 0].eq(0).all()
    assert found[0, 0, 2].eq(0).all()
    assert found[0, 0, 1, 1, 1] == 16


def test_the_network_keeps_its_weights_names_and_gradients():
    plan, x = small_plan().network, torch.rand(2, 1, 8, 32, 32)
    plain, ours = fast(new_network(plan, 0)), fast(new_network(plan, 0))
    learn_by_slices(ours)
    assert list(ours.state_dict()) == list(plain.state_dict())
    assert sum(isinstance(module, ConvolutionBySlices) for module in ours.modules()) == 4
    plain.dropout.p = ours.dropout.p = 0.0
    for network in (plain, ours):
        network(x).square().sum().backward()
    for own, theirs in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(own.grad, theirs.grad, rtol=1e-3, atol=1e-4)


def test_a_frozen_kernel_is_left_alone():
    convolution = ConvolutionBySlices(2, 3, 3, padding=1)
    convolution.weight.requires_grad_(False)
    x = torch.rand(1, 2, 3, 4, 5, requires_grad=True)
    convolution(x).sum().backward()
    assert convolution.weight.grad is None
    assert x.grad is not None

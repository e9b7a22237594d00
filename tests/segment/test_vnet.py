import torch

from fibrolens.plan import SegmentationPlan
from fibrolens.segment.vnet import VNet

SMALL = SegmentationPlan(channels=(4, 8, 16), convolutions=(1, 1, 1))


def test_any_size_comes_out_as_it_went_in():
    network = VNet(SMALL).eval()
    with torch.inference_mode():
        assert network(torch.rand(1, 2, 5, 13, 18)).shape == (1, 4, 5, 13, 18)


def test_padding_inside_does_not_shift_the_result():
    network = VNet(SMALL).eval()
    image = torch.zeros(1, 2, 16, 16, 16)
    image[..., 4:8, 4:8, 4:8] = 1
    with torch.inference_mode():
        whole, cut = network(image), network(image[..., :14, :14, :14])
    assert torch.allclose(whole[..., :10, :10, :10], cut[..., :10, :10, :10], atol=0.05)


def test_every_weight_learns():
    network = VNet(SMALL)
    gradients = torch.autograd.grad(network(torch.rand(1, 2, 8, 16, 16)).square().sum(), list(network.parameters()))
    assert all(torch.isfinite(g).all() and g.abs().sum() > 0 for g in gradients)

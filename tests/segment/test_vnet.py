import torch

from fibrolens.plan import VNET_SIZES, SegmentationPlan, VNetPlan, vnet_plan
from fibrolens.segment.vnet import Cascade, VNet

SMALL = VNetPlan((4.0, 4.0, 4.0), ("background", "liver", "spleen", "aorta"), (4, 8, 16), (1, 1, 1))


def test_any_size_comes_out_as_it_went_in():
    network = VNet(SMALL, 2).eval()
    with torch.inference_mode():
        assert network(torch.rand(1, 2, 5, 13, 18)).shape == (1, 4, 5, 13, 18)


def test_padding_inside_does_not_shift_the_result():
    network = VNet(SMALL, 2).eval()
    image = torch.zeros(1, 2, 16, 16, 16)
    image[..., 4:8, 4:8, 4:8] = 1
    with torch.inference_mode():
        whole, cut = network(image), network(image[..., :14, :14, :14])
    assert torch.allclose(whole[..., :10, :10, :10], cut[..., :10, :10, :10], atol=0.05)


def test_every_weight_learns():
    network = VNet(SMALL, 2)
    gradients = torch.autograd.grad(network(torch.rand(1, 2, 8, 16, 16)).square().sum(), list(network.parameters()))
    assert all(torch.isfinite(g).all() and g.abs().sum() > 0 for g in gradients)


def test_the_fine_network_sees_the_windows_and_each_of_its_organs():
    cascade = Cascade(SegmentationPlan())
    with torch.inference_mode():
        assert cascade.coarse(torch.rand(1, 2, 16, 16, 16)).shape == (1, 4, 16, 16, 16)
        assert cascade.fine(torch.rand(1, 4, 16, 16, 16)).shape == (1, 3, 16, 16, 16)


def test_every_size_by_name_is_larger_than_the_one_before():
    networks = [VNet(vnet_plan(size, 4.0, SMALL.classes), 2) for size in VNET_SIZES]
    weights = [sum(p.numel() for p in network.parameters()) for network in networks]
    assert weights == sorted(weights)

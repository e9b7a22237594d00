"""Each method against a layer of two channels and two places whose map can be written down by hand."""

import pytest
import torch
from torch import nn

from fibrolens.errors import ExplanationError
from fibrolens.explain.location_maps import location_maps
from fibrolens.explain.methods import METHODS, grad_cam, grad_cam_pp, hires_cam, layer_cam

# One input, two channels, two places (along the last of three axes).
A = torch.tensor([[[[[2.0, 1.0]]], [[[3.0, 5.0]]]]])
G = torch.tensor([[[[[4.0, -2.0]]], [[[-1.0, 0.5]]]]])


def places(values):
    return torch.tensor(values).reshape(1, 1, 1, 2)


def test_grad_cam_weighs_channels_by_their_mean_gradient():
    # Means 1 and -0.25.
    torch.testing.assert_close(grad_cam(A, G), places([2 - 0.75, 0.0]))


def test_hires_cam_weighs_each_place_by_its_own_gradient():
    torch.testing.assert_close(hires_cam(A, G), places([8 - 3.0, -2 + 2.5]))


def test_layer_cam_takes_positive_gradients_alone():
    torch.testing.assert_close(layer_cam(A, G), places([8.0, 2.5]))


def test_grad_cam_pp_by_its_equations():
    # alpha = g^2 / (2 g^2 + sum(A) g^3), a channel's weight is the sum of alpha times the positive gradient.
    first = 16 / (32 + 3 * 64) * 4
    second = 0.25 / (0.5 + 8 * 0.125) * 0.5
    torch.testing.assert_close(grad_cam_pp(A, G), places([first * 2 + second * 3, first * 1 + second * 5]))


def test_grad_cam_pp_is_finite_where_gradients_vanish_or_the_divisor_does():
    activation = torch.full((1, 1, 1, 1, 2), 1.0)
    # 2 g^2 + 2 g^3 is zero for g = -1.
    for gradient in (0.0, -1.0):
        assert grad_cam_pp(activation, torch.full((1, 1, 1, 1, 2), gradient)).tolist() == [[[[0.0, 0.0]]]]


class Linear(nn.Module):
    """A linear head on a convolution: HiResCAM's sum is the score without its bias."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv3d(1, 3, 3, padding=1), nn.ReLU())
        self.head = nn.Linear(3 * 2 * 3 * 4, 2)
        with torch.no_grad():
            self.head.weight.abs_()

    def forward(self, x):
        return self.head(self.features(x).flatten(1))


def test_hires_cam_sums_to_the_score_less_the_bias_where_the_rest_is_linear():
    torch.manual_seed(0)
    model, x = Linear(), torch.rand(2, 1, 2, 3, 4)
    found = location_maps(model, x, [0, 1], ["features"], "hirescam")
    scores = (found.logits - model.head.bias).T
    torch.testing.assert_close(found.raw["features"].sum(dim=(2, 3, 4)), scores.detach())


@pytest.mark.parametrize("name", METHODS)
def test_every_method_names_the_cell_that_alone_matters(name):
    torch.manual_seed(0)
    model, x = Linear(), torch.rand(1, 1, 2, 3, 4)
    with torch.no_grad():
        model.head.weight.zero_()
        # Only place (1, 2, 3), the last of 24, of each channel counts.
        model.head.weight[0, 23::24] = 1.0
    found = location_maps(model, x, [0], ["features"], name).raw["features"][0, 0]
    if name in ("hirescam", "layercam"):
        assert (found > 0).sum() <= 1
        assert found.argmax() == 23
    else:
        # Those that average over space say which channels matter, and show them wherever they are active.
        assert (found > 0).sum() > 1


@pytest.mark.parametrize("name", METHODS)
def test_methods_are_chosen_by_name_or_given(name):
    torch.manual_seed(0)
    model, x = Linear(), torch.rand(1, 1, 2, 3, 4)
    by_name, given = (location_maps(model, x, [0], ["features"], m).raw["features"] for m in (name, METHODS[name]))
    torch.testing.assert_close(by_name, given)


def test_an_unknown_method_is_named_with_those_that_there_are():
    with pytest.raises(ExplanationError, match=r"no method 'cam'; choose one of gradcam, gradcam\+\+, hirescam"):
        location_maps(Linear(), torch.rand(1, 1, 2, 3, 4), [0], ["features"], "cam")

import pytest
import torch
from torch import nn

from fibrolens.errors import ExplanationError
from fibrolens.explain.integrated import INPUT, blank, integrated_gradients, integrated_maps, layer_attributions
from fibrolens.explain.location_maps import location_maps
from fibrolens.explain.targets import contrast

X = torch.rand(2, 1, 3, 4, 5, generator=torch.Generator().manual_seed(0))


class Quadratic(nn.Module):
    """The score is a weighted sum of squares, whose integral from 0 is half the gradient times the value."""

    def __init__(self):
        super().__init__()
        weights = torch.arange(60.0).reshape(3, 4, 5)
        self.weights = nn.Parameter(weights)

    def forward(self, x):
        total = (self.weights * x[:, 0].square()).flatten(1).sum(dim=1)
        return torch.stack([total, -total], dim=1)


def network():
    torch.manual_seed(1)
    layers = (nn.Conv3d(1, 4, 3, padding=1), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(240, 3))
    return nn.Sequential(*layers)


def test_a_quadratic_score_has_the_attributions_written_down_by_hand():
    found = integrated_gradients(Quadratic(), X, [0], torch.zeros_like(X), steps=1)
    # The midpoint rule is exact where the gradient is linear.
    torch.testing.assert_close(found.raw[INPUT][0], (Quadratic().weights * X[:, 0].square()).detach())


def test_attributions_sum_to_the_scores_difference():
    model = network().eval()
    found = integrated_gradients(model, X, [0, contrast(2, 1)], blank(X), steps=256)
    difference = (model(X) - model(blank(X))).detach()
    expected = torch.stack([difference[:, 0], difference[:, 2] - difference[:, 1]])
    torch.testing.assert_close(found.raw[INPUT].sum(dim=(2, 3, 4)), expected, atol=2e-3, rtol=0)


def test_values_equal_those_of_captum():
    captum = pytest.importorskip("captum.attr", reason="captum is not installed")
    model = network().eval()
    found = integrated_gradients(model, X, [2], torch.zeros_like(X), steps=64)
    theirs = captum.IntegratedGradients(model).attribute(X, target=2, n_steps=64, method="riemann_middle")
    torch.testing.assert_close(found.raw[INPUT][0], theirs[:, 0].float(), atol=1e-6, rtol=1e-4)


def test_the_model_is_handed_back_as_it_was():
    model = network().train()
    model[0].weight.grad = torch.ones_like(model[0].weight)
    with torch.no_grad():
        integrated_gradients(model, X, [0], blank(X), steps=2)
    with pytest.raises(ExplanationError):
        integrated_gradients(model, X, [7], blank(X), steps=2)
    assert all(module.training for module in model.modules())
    assert (model[0].weight.grad == 1).all()
    assert model[4].weight.grad is None
    assert not X.requires_grad


@pytest.mark.parametrize(("size", "steps", "words"), [((1, 1, 3, 4, 5), 4, "shape"), ((2, 1, 3, 4, 5), 0, "one step")])
def test_what_cannot_be_integrated_is_refused(size, steps, words):
    with pytest.raises(ExplanationError, match=words):
        integrated_gradients(network(), X, [0], torch.zeros(size), steps)


def test_a_score_that_does_not_see_the_input_is_refused():
    class Blind(nn.Module):
        def forward(self, x):
            return torch.zeros(len(x), 2)

    with pytest.raises(ExplanationError, match="does not depend on the input"):
        integrated_gradients(Blind(), X, [0], blank(X))


def test_attributions_of_a_layer_sum_to_the_scores_difference():
    model = network().eval()
    raw, logits = layer_attributions(model, X, [0, contrast(2, 1)], ["0", "1"], steps=256)
    difference = (model(X) - model(blank(X))).detach()
    expected = torch.stack([difference[:, 0], difference[:, 2] - difference[:, 1]])
    torch.testing.assert_close(logits, model(X).detach())
    for layer in ("0", "1"):
        torch.testing.assert_close(raw[layer].sum(dim=(2, 3, 4)), expected, atol=2e-3, rtol=0)


def test_a_layer_s_attributions_of_an_inference_tensor_are_those_of_any_other():
    model = network().eval()
    with torch.inference_mode():
        inferred = X.clone()
        raw, _ = layer_attributions(model, inferred, [0], ["1"], blank(inferred), steps=4)
    torch.testing.assert_close(raw["1"], layer_attributions(model, X, [0], ["1"], steps=4)[0]["1"])


def test_attributions_of_a_layer_equal_those_of_captum():
    captum = pytest.importorskip("captum.attr", reason="captum is not installed")
    model = network().eval()
    raw, _ = layer_attributions(model, X, [2], ["0"], steps=64)
    theirs = captum.LayerIntegratedGradients(model, model[0])
    # Captum takes the way through the input's activations for one input as well, in the same sum.
    found = theirs.attribute(X, blank(X), target=2, n_steps=64, method="riemann_middle", attribute_to_layer_input=False)
    torch.testing.assert_close(raw["0"][0], found.sum(dim=1).detach().float(), atol=1e-5, rtol=1e-3)


def test_where_all_behind_the_layer_is_linear_one_step_is_hirescam_of_the_difference():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv3d(1, 3, 3, padding=1, bias=False), nn.Flatten(), nn.Linear(180, 2))
    raw, _ = layer_attributions(model, X, [1], ["0"], torch.zeros_like(X), steps=1)
    torch.testing.assert_close(raw["0"].relu(), location_maps(model, X, [1], ["0"], "hirescam").raw["0"])
    torch.testing.assert_close(raw["0"], layer_attributions(model, X, [1], ["0"], torch.zeros_like(X), 5)[0]["0"])


def test_integrated_maps_are_rectified_and_made_by_name():
    found = location_maps(network(), X, [0, 1], ["0", INPUT], "integrated")
    raw, _ = layer_attributions(network(), X, [0, 1], ["0"])
    torch.testing.assert_close(found.raw["0"], raw["0"].relu())
    assert found.raw[INPUT].min() == 0
    assert found.maps["0"].shape == (2, 2, 3, 4, 5)


class Beside(nn.Module):
    """The layer is one of two ways to the score, the other keeps the batch of the input."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv3d(1, 2, 1)

    def forward(self, x):
        return self.layer(x).mean(dim=(2, 3, 4)) + x.mean(dim=(1, 2, 3, 4))[:, None]


@pytest.mark.parametrize(
    ("model", "layer", "words"),
    [
        (network(), "9", "no layer '9'"),
        (network(), "4", "'4' gives no feature map"),
        (Beside(), "layer", "behind the layer 'layer' cannot take a batch of 16"),
    ],
)
def test_a_layer_that_cannot_be_integrated_is_refused_and_the_model_handed_back(model, layer, words):
    model.train()
    with pytest.raises(ExplanationError, match=words):
        integrated_maps(model, X, [0], [layer])
    assert all(module.training for module in model.modules())
    assert not any(module._forward_hooks for module in model.modules())

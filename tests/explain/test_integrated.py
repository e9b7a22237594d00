import pytest
import torch
from torch import nn

from fibrolens.errors import ExplanationError
from fibrolens.explain.integrated import INPUT, integrated_gradients
from fibrolens.explain.occlusion import blank
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

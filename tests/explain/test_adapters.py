import pytest
import torch
from torch import nn

from fibrolens.errors import ExplanationError
from fibrolens.explain.adapters import Scores, captum_maps, torchcam_maps
from fibrolens.explain.location_maps import location_maps

X = torch.rand(2, 1, 4, 6, 8, generator=torch.Generator().manual_seed(0))


class Network(nn.Module):
    def __init__(self, outputs=3):
        super().__init__()
        torch.manual_seed(2)
        self.features = nn.Conv3d(1, 4, 3, padding=1)
        self.head = nn.Linear(4, outputs)

    def forward(self, x):
        return self.head(torch.relu(self.features(x)).mean(dim=(2, 3, 4)))


class Detailed(Network):
    def forward(self, x):
        return {"logits": super().forward(x), "uncertainty": x.mean()}


class Regressor(Network):
    def forward(self, x):
        return super().forward(x)[:, 0]


def test_scores_are_chosen_out_of_what_a_network_returns_and_layers_keep_their_names():
    expected = location_maps(Network(), X, [1], ["features"])
    found = location_maps(Scores(Detailed(), lambda out: out["logits"]), X, [1], ["features"])
    torch.testing.assert_close(found.raw["features"], expected.raw["features"])
    torch.testing.assert_close(found.logits, expected.logits)


def test_the_one_number_of_a_regressor_is_its_first_output():
    expected = location_maps(Network(), X, [0], ["features"])
    found = location_maps(Regressor(), X, [0], ["features"])
    torch.testing.assert_close(found.raw["features"], expected.raw["features"])
    assert found.logits.shape == (2, 1)


def test_another_output_is_refused_with_what_to_do():
    with pytest.raises(ExplanationError, match=r"a dict, not scores .*wrap it in .*Scores"):
        location_maps(Detailed(), X, [0], ["features"])


def test_maps_of_captum_are_ours_where_the_method_is_the_same():
    attr = pytest.importorskip("captum.attr", reason="captum is not installed")
    model, targets = Network(), [0, lambda logits: logits[:, 2] - logits[:, 1]]
    found = captum_maps(attr.LayerGradCam, model, X, targets, ["features"], relu_attributions=True)
    ours = location_maps(model, X, targets, ["features"])
    torch.testing.assert_close(found.raw["features"], ours.raw["features"], atol=1e-7, rtol=1e-5)
    torch.testing.assert_close(found.logits, ours.logits)
    assert found.size == ours.size == (4, 6, 8)


def test_another_of_captums_methods_that_keeps_the_channels():
    attr = pytest.importorskip("captum.attr", reason="captum is not installed")
    found = captum_maps(attr.LayerGradientXActivation, Network(), X, [1], ["features"])
    ours = location_maps(Network(), X, [1], ["features"], "hirescam")
    torch.testing.assert_close(found.raw["features"].relu(), ours.raw["features"], atol=1e-7, rtol=1e-5)


def test_a_layer_that_captum_cannot_find_is_named():
    attr = pytest.importorskip("captum.attr", reason="captum is not installed")
    with pytest.raises(ExplanationError, match="no layer 'conv9'; it has features, head"):
        captum_maps(attr.LayerGradCam, Network(), X, [0], ["conv9"])


@pytest.mark.parametrize("train", [True, False])
def test_maps_of_torch_cam_are_ours_where_the_method_is_the_same(train):
    methods = pytest.importorskip("torchcam.methods", reason="torchcam is not installed")
    model = Network().train(train)
    with torch.inference_mode():
        found = torchcam_maps(methods.GradCAM, model, X.clone(), [0, 2], ["features"])
    ours = location_maps(model, X, [0, 2], ["features"])
    for maps in (found, ours):
        maps.raw["features"].div_(maps.raw["features"].amax(dim=(2, 3, 4), keepdim=True).clamp(min=1e-12))
    torch.testing.assert_close(found.raw["features"], ours.raw["features"], atol=1e-6, rtol=1e-4)
    assert model.training is train
    assert not any(module._forward_hooks for module in model.modules())

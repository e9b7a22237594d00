import pytest
import torch

from fibrolens.explain.integrated import layer_attributions
from fibrolens.explain.recipe import CONTRAST, RECOMMENDED, recipe
from fibrolens.explain.targets import at_least
from fibrolens.staging.network import new_network
from fibrolens.staging.plans import small_plan


@pytest.fixture(scope="module")
def network():
    return new_network(small_plan().network, 3).eval()


@pytest.fixture(scope="module")
def slabs():
    return torch.rand(2, 1, 32, 48, 48, generator=torch.Generator().manual_seed(1))


def test_the_mean_is_of_the_third_and_the_last_convolution():
    assert recipe("gradcam", "mean").layers == ("conv3", "conv4")
    assert recipe("gradcam", "conv4").layers == ("conv4",)


def test_a_contrast_is_what_the_layer_adds_to_a_stage_less_what_it_adds_to_the_far_end(network, slabs):
    found = recipe(CONTRAST, "conv2").explain(network, slabs, [4, 1], ["conv2"]).raw["conv2"]
    single, _ = layer_attributions(network, slabs, range(5), ["conv2"])
    expected = torch.stack([single["conv2"][4] - single["conv2"][0], single["conv2"][1] - single["conv2"][4]])
    torch.testing.assert_close(found, expected.relu(), rtol=1e-3, atol=1e-6)
    assert found.any()


def test_a_contrast_does_not_see_what_all_stages_have_in_common(network, slabs):
    before = recipe(CONTRAST, "conv3").explain(network, slabs, [4], ["conv3"]).raw["conv3"]
    same = recipe(CONTRAST, "conv3").explain(_Shifted(network), slabs, [4], ["network.conv3"]).raw["network.conv3"]
    torch.testing.assert_close(before, same, rtol=1e-3, atol=1e-6)


def test_a_score_of_ones_own_is_explained_as_it_is(network, slabs):
    own = recipe(CONTRAST, "conv3").explain(network, slabs, [at_least(2)], ["conv3"]).raw["conv3"]
    plain = recipe("integrated", "conv3").explain(network, slabs, [at_least(2)], ["conv3"]).raw["conv3"]
    torch.testing.assert_close(own, plain)


def test_the_recommended_map_is_the_contrast_at_the_second_convolution():
    assert RECOMMENDED.name == "contrast conv2"


class _Shifted(torch.nn.Module):
    """The same network with the sum of its logits added to each of them: no probability changes."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        logits = self.network(x)
        return logits + logits.sum(dim=1, keepdim=True)

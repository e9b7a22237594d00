import gc

import pytest
import torch
from torch import nn
from torch.nn.functional import interpolate

from fibrolens.errors import ExplanationError
from fibrolens.explain.location_maps import location_maps
from fibrolens.explain.passes import upsample

LAYERS = ["conv3", "conv4"]


class SmallNetwork(nn.Module):
    """Convolutions with an in-place ReLU, dropout and batch norm behind them, so that carelessness shows."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(1, 4, 3, padding=1)
        self.conv3 = nn.Conv3d(4, 6, 3, padding=1)
        self.norm = nn.BatchNorm3d(6)
        self.conv4 = nn.Conv3d(6, 5, 3, padding=1)
        self.pool = nn.MaxPool3d(2)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(5, 3)
        self.unused = nn.Conv3d(1, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(self.relu(self.conv1(x)))
        x = self.pool(self.relu(self.norm(self.conv3(x))))
        x = self.relu(self.conv4(x))
        return self.head(self.dropout(x.amax((2, 3, 4))))


@pytest.fixture
def network() -> SmallNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return SmallNetwork()


@pytest.fixture
def batch() -> torch.Tensor:
    return torch.rand(2, 1, 8, 12, 16, generator=torch.Generator().manual_seed(1))


class Straight(nn.Module):
    """Identity convolution and linear head: every step of Grad-CAM can be written down."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Conv3d(2, 2, 1, bias=False)
        nn.init.dirac_(self.features.weight)
        self.head = nn.Linear(2 * 8, 2, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x).flatten(1))


def test_a_linear_head_on_an_identity_layer_gives_the_map_written_down_by_hand():
    model = Straight()
    with torch.no_grad():
        # Channel weights are the means over the 8 voxels of the head's weights: (3, -1) and (-2, 0.5).
        model.head.weight[0, :8] = torch.tensor([3.0, 3, 3, 3, 0, 6, 1, 5])
        model.head.weight[0, 8:] = -1.0
        model.head.weight[1, :8] = -2.0
        model.head.weight[1, 8:] = torch.tensor([0.0, 1, 0, 1, 0, 1, 0, 1])
    x = torch.zeros(1, 2, 2, 2, 2)
    x[0, 0, 0, 0, 0] = 2.0
    x[0, 1, 0, 0, 0] = 4.0
    x[0, 1, 1, 1, 1] = 6.0
    maps = location_maps(model, x, [0, 1], ["features"]).raw["features"]
    expected = torch.zeros(2, 1, 2, 2, 2)
    expected[0, 0, 0, 0, 0] = 3 * 2 - 1 * 4
    expected[1, 0, 1, 1, 1] = 0.5 * 6
    torch.testing.assert_close(maps, expected)


@pytest.mark.parametrize("layer", LAYERS)
def test_values_equal_those_of_captum(network, batch, layer):
    captum = pytest.importorskip("captum.attr", reason="captum is not installed")
    result = location_maps(network, batch, [0, 1, 2], LAYERS)
    network.eval()
    # Captum reads the layer's output after the in-place ReLU has overwritten it; ours is what the layer gave.
    network.relu.inplace = False
    reference = captum.LayerGradCam(network, getattr(network, layer))
    for target in range(3):
        theirs = reference.attribute(batch, target=target, relu_attributions=True)[:, 0]
        torch.testing.assert_close(result.raw[layer][target], theirs.detach(), atol=1e-7, rtol=1e-5)
    assert result.raw[layer].amax() > 1e-4


def test_logits_are_those_of_the_network_in_evaluation_mode(network, batch):
    logits = location_maps(network, batch, [0], LAYERS).logits
    torch.testing.assert_close(logits, network.eval()(batch).detach())


def test_a_target_may_be_a_function_of_the_logits(network, batch):
    by_index = location_maps(network, batch, [2], LAYERS)
    by_function = location_maps(network, batch, [lambda logits: 2.0 * logits[:, 2]], LAYERS)
    for layer in LAYERS:
        torch.testing.assert_close(by_function.raw[layer], 2 * by_index.raw[layer])


def test_the_order_of_the_batch_changes_no_map(network, batch):
    maps = location_maps(network, batch, [0, 1], LAYERS).raw
    reversed_maps = location_maps(network, batch.flip(0), [0, 1], LAYERS).raw
    for layer in LAYERS:
        torch.testing.assert_close(reversed_maps[layer].flip(1), maps[layer])


def test_a_layer_alone_or_beside_another_gives_the_same_map(network, batch):
    together = location_maps(network, batch, [1], LAYERS).raw
    for layer in LAYERS:
        torch.testing.assert_close(location_maps(network, batch, [1], [layer]).raw[layer], together[layer])


def test_maps_are_on_the_inputs_grid(network, batch):
    result = location_maps(network, batch, [0, 1], LAYERS)
    assert result.raw["conv4"].shape == (2, 2, 2, 3, 4)
    assert set(result.maps) == set(LAYERS)
    assert all(result.maps[layer].shape == (2, 2, 8, 12, 16) for layer in LAYERS)


def test_upsampling_puts_a_cell_over_the_voxels_that_it_came_from():
    raw = torch.zeros(1, 1, 4)
    raw[0, 0, 1] = 1.0
    wide = upsample(raw, (16,))[0, 0]
    assert float((wide * torch.arange(16)).sum() / wide.sum()) == pytest.approx(5.5)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("cells", [(3, 4, 7), (66, 5, 6)], ids=["small", "large"])
def test_upsampling_is_torchs_linear_interpolation(rank, cells):
    raw = torch.rand(2, 3, *cells[:rank], dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    # An axis that keeps its size is among them, and one that grows by no whole number.
    size = (cells[0], 11, 14)[:rank]
    expected = interpolate(raw, size=size, mode=("linear", "bilinear", "trilinear")[rank - 1], align_corners=False)
    torch.testing.assert_close(upsample(raw, size), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_any_spatial_rank_is_explained(rank):
    convolution = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[rank - 1](1, 2, 3, padding=1)
    model = nn.Sequential(convolution, nn.ReLU(), nn.Flatten(), nn.Linear(2 * 4**rank, 2))
    maps = location_maps(model, torch.ones(1, 1, *[4] * rank), [0], ["0"]).maps["0"]
    assert maps.shape == (1, 1, *[4] * rank)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_the_callers_gradient_mode_and_frozen_parameters_change_nothing(network, batch, mode):
    expected = location_maps(network, batch, [0], LAYERS).raw
    network.requires_grad_(False)
    with mode():
        before = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
        maps = location_maps(network, batch + 0, [0], LAYERS).raw
        assert (torch.is_grad_enabled(), torch.is_inference_mode_enabled()) == before
    for layer in LAYERS:
        torch.testing.assert_close(maps[layer], expected[layer])
        assert not maps[layer].requires_grad


def state_of(network: nn.Module) -> list[object]:
    hooks = [len(module._forward_hooks) for module in network.modules()]
    return [*hooks, *(module.training for module in network.modules()), torch.is_grad_enabled()]


@pytest.mark.parametrize("layers", [LAYERS, ["conv3", "unused"], ["conv3", "absent"], ["head"]])
def test_gradients_train_flags_and_hooks_are_handed_back_also_after_an_error(network, batch, layers):
    network.train()
    network.norm.eval()
    network.conv1.weight.grad = torch.ones_like(network.conv1.weight)
    statistics = network.norm.running_mean.clone()
    before = state_of(network)
    try:
        location_maps(network, batch, [0], layers)
    except ExplanationError:
        assert layers != LAYERS
    assert state_of(network) == before
    assert [name for name, p in network.named_parameters() if p.grad is not None] == ["conv1.weight"]
    assert (network.conv1.weight.grad == 1).all()
    assert torch.equal(network.norm.running_mean, statistics)


def test_nothing_before_the_earliest_layer_is_recorded(network, batch):
    seen = []
    network.conv1.register_forward_hook(lambda _m, _i, output: seen.append(output.requires_grad))
    network.conv4.register_forward_hook(lambda _m, _i, output: seen.append(output.requires_grad))
    location_maps(network, batch, [0], ["conv3"])
    assert seen == [False, True]


def test_the_callers_input_is_left_alone_even_where_a_layer_hands_it_on():
    x = torch.ones(1, 1, 4, 4)
    model = nn.Sequential(nn.Identity(), nn.Flatten(), nn.Linear(16, 2))
    location_maps(model, x, [0], ["0"])
    assert not x.requires_grad


class Detached(SmallNetwork):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.conv4(self.conv3(self.conv1(x))).detach().amax((2, 3, 4)))


class Twice(SmallNetwork):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.conv4(self.conv3(self.conv1(self.unused(self.unused(x))))).amax((2, 3, 4)))


@pytest.mark.parametrize(
    ("kind", "layer", "message"),
    [
        (SmallNetwork, "conv9", r"no layer 'conv9'; it has conv1, conv3, norm, conv4"),
        (SmallNetwork, "unused", r"'unused' takes no part .* one of conv1, conv3"),
        (SmallNetwork, "head", r"'head' gives no feature map"),
        (Detached, "conv3", r"does not depend on the layer 'conv3' \(disconnected\); choose one of conv1"),
        (Twice, "unused", r"'unused' runs more than once"),
    ],
)
def test_a_layer_that_cannot_be_explained_is_named_with_those_that_there_are(kind, layer, message, batch):
    with pytest.raises(ExplanationError, match=message):
        location_maps(kind(), batch, [0], [layer])


@pytest.mark.parametrize("target", [3, -1])
def test_a_target_that_is_no_output_is_refused(network, batch, target):
    with pytest.raises(ExplanationError, match=f"Target {target} is not an output of the network; it has 3"):
        location_maps(network, batch, [target], LAYERS)


def live_tensors() -> int:
    return sum(type(thing) is torch.Tensor for thing in gc.get_objects())


def test_memory_stays_flat_over_two_hundred_maps_without_the_garbage_collector(network, batch):
    batch = batch[:, :, :4, :4, :4]
    location_maps(network, batch, [0, 1], LAYERS)
    gc.collect()
    gc.disable()
    try:
        before = live_tensors()
        for _ in range(200):
            location_maps(network, batch, [0, 1], LAYERS)
        assert live_tensors() <= before
    finally:
        gc.enable()

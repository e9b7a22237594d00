import re
from copy import deepcopy

import numpy as np
import pytest
import torch
from tests.staged import simulated
from torch import nn

from fibrolens.errors import ModelError, UsageError
from fibrolens.explain.location_maps import location_maps
from fibrolens.plan import NetworkPlan
from fibrolens.staging.device import Device
from fibrolens.staging.network import fast, new_network
from fibrolens.staging.predict import StagingModel
from fibrolens.transforms import ToNetworkGrid
from fibrolens.transforms.slabs import Slabs
from fibrolens.weights import shipped

PLAN = NetworkPlan(channels=(3, 4, 5, 6), kernel=(3, 3, 3), pools=((1, 2, 2),) * 3, pooled=(1, 2, 2), hidden=7)
LAYERS = ("conv3", "conv4")
NO_ROOM = torch.OutOfMemoryError("CUDA out of memory.")


@pytest.fixture(scope="module")
def network():
    return fast(new_network(PLAN, 0)).eval()


@pytest.fixture(scope="module")
def windows():
    return torch.rand(5, 1, 8, 32, 24, generator=torch.Generator().manual_seed(1))


def gpu(monkeypatch, bf16):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bf16)


@pytest.mark.parametrize("name", ["cpu", "auto"])
def test_without_a_gpu_it_is_the_processor(name, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert Device.choose(name) == Device("cpu", 1, bf16=False)


@pytest.mark.parametrize("name", ["cuda", "auto"])
def test_a_gpu_is_taken_where_there_is_one_and_multiplies_in_fp32(name, monkeypatch):
    gpu(monkeypatch, bf16=True)
    chosen = Device.choose(name)
    assert (chosen.kind, chosen.bf16) == ("cuda", False)
    assert chosen.slabs > 1


def test_bfloat16_is_asked_for_by_name(monkeypatch):
    gpu(monkeypatch, bf16=True)
    assert Device.choose("cuda-bf16").bf16
    gpu(monkeypatch, bf16=False)
    with pytest.raises(ModelError, match="no bfloat16"):
        Device.choose("cuda-bf16")


def test_a_gpu_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelError, match="sees no GPU here; choose the device cpu"):
        Device.choose("cuda")


def test_another_name_is_told_with_those_that_there_are():
    with pytest.raises(UsageError, match=re.escape("'tpu'; choose one of cpu, cuda, cuda-bf16, auto")):
        Device.choose("tpu")


@pytest.mark.parametrize("slabs", [1, 2, 64])
def test_many_slabs_at_once_give_what_each_gives_alone(network, windows, slabs):
    device = Device(slabs=slabs)
    with torch.no_grad():
        alone = torch.cat([network.features(window[None]) for window in windows])
        found = device.over(windows, lambda batch: {"features": network.features(batch)})["features"]
    assert alone.any()
    np.testing.assert_allclose(found, alone, atol=1e-5)


@pytest.mark.parametrize("slabs", [1, 2, 64])
def test_so_do_the_maps_of_five_stages_at_two_layers(network, windows, slabs):
    alone = [location_maps(network, window[None], range(5), LAYERS).maps for window in windows]
    found = Device(slabs=slabs).over(windows, lambda batch: location_maps(network, batch, range(5), LAYERS).maps, 1)
    assert tuple(found) == LAYERS
    for layer in LAYERS:
        assert found[layer].shape == (5, 5, 8, 32, 24)
        assert found[layer].any()
        np.testing.assert_allclose(found[layer], torch.cat([maps[layer] for maps in alone], dim=1), atol=1e-5)


def test_where_memory_does_not_hold_them_half_as_many_go_at_once(windows):
    sizes = []

    def work(batch):
        sizes.append(len(batch))
        if len(batch) > 2:
            raise NO_ROOM
        return {"mean": batch.mean(dim=(1, 2, 3, 4))}

    found = Device(slabs=64).over(windows, work)["mean"]
    np.testing.assert_allclose(found, windows.mean(dim=(1, 2, 3, 4)))
    assert sizes == [5, 3, 2, 2, 1]


def test_memory_that_does_not_hold_one_slab_is_told(windows):
    def work(_batch):
        raise NO_ROOM

    with pytest.raises(ModelError, match="does not hold the network and one slab"):
        Device(slabs=64).over(windows, work)


def test_no_tf32_within_and_torch_s_settings_afterwards(windows):
    settings = torch.backends.cudnn
    before = settings.allow_tf32, settings.deterministic
    within = []

    def work(batch):
        within.append((settings.allow_tf32, settings.deterministic))
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        Device().over(windows, work)
    assert within == [(False, True)]
    assert (settings.allow_tf32, settings.deterministic) == before == (True, False)


def test_bfloat16_multiplies_roughly_and_its_results_are_fp32(windows):
    convolution = nn.Conv3d(1, 2, 3)
    inner = []

    def work(batch):
        inner.append(convolution(batch))
        return {"values": inner[-1]}

    with torch.no_grad():
        exact = convolution(windows)
        found = Device(slabs=5, bf16=True).over(windows, work)["values"]
    assert inner[0].dtype == torch.bfloat16
    assert found.dtype == torch.float32
    assert 1e-5 < (found - exact).abs().max() < 1e-2


def test_on_the_processor_values_stay_and_the_network_too(network, windows):
    assert Device().put(windows) is windows
    assert Device().place(network) is network


def test_values_go_to_a_gpu_by_way_of_pinned_memory(windows, monkeypatch):
    way = []

    def told(name):
        def step(values, *arguments, **named):
            way.append((name, *arguments, *named.items()))
            return values

        return step

    for name in ("pin_memory", "to"):
        monkeypatch.setattr(torch.Tensor, name, told(name))
    Device("cuda").put(windows)
    assert way == [("pin_memory",), ("to", "cuda", ("non_blocking", True))]


def rounded(values):
    return values.to(torch.bfloat16).to(values.dtype)


def in_bfloat16(network):
    """The network as a GPU computes it: factors and results in bfloat16, sums in full; a processor's own is slow."""
    network = deepcopy(network)
    for module in network.modules():
        if isinstance(module, nn.Conv3d | nn.Linear):
            module.weight.data = rounded(module.weight.data)
            module.register_forward_pre_hook(lambda _module, inputs: tuple(map(rounded, inputs)))
            module.register_forward_hook(lambda _module, _inputs, output: rounded(output))
    return network


def test_the_shipped_network_bears_bfloat16_within_a_hundredth():
    model = StagingModel.load(shipped("lfs"))
    rendering = simulated()
    image = ToNetworkGrid.fit(rendering.hu, model.plan.grid).forward(rendering.hu).array
    slabs = Slabs.over(0, len(image) - 1, len(image), model.plan.slab)
    windows = slabs.extract(torch.from_numpy(image))[:2, None]
    with torch.no_grad():
        exact, rough = (torch.softmax(one(windows), dim=1) for one in (model.network, in_bfloat16(model.network)))
    assert 1e-5 < (rough - exact).abs().max() < 1e-2

"""A model folder of a small untrained network, which sees what the shipped one sees."""

import sys
from dataclasses import replace

import pytest
import torch
from tests.staged import CARD

from fibrolens.plan import NetworkPlan, SlabPlan
from fibrolens.staging.network import new_network
from fibrolens.staging.plans import small_plan
from fibrolens.weights import save_model_folder

NETWORK = NetworkPlan(
    channels=(2, 2, 3, 4),
    kernel=(3, 3, 3),
    stride=(2, 2, 2),
    pools=((1, 2, 2), (2, 1, 1), (1, 2, 2)),
    pooled=(2, 3, 3),
    hidden=6,
    normalise="all",
)


@pytest.fixture(scope="session")
def monai():
    """MONAI; only the process that runs these tests loads it, which takes seconds."""
    pytest.importorskip("ignite")
    with pytest.MonkeyPatch.context() as patch:
        # Where this is installed, MONAI's jsonschema builds grammars for as long again.
        patch.setitem(sys.modules, "rfc3987_syntax", None)
        return pytest.importorskip("monai")


@pytest.fixture(scope="session")
def plan():
    return replace(small_plan(), network=NETWORK, slab=SlabPlan(16, 8))


@pytest.fixture(scope="session")
def model_folder(plan, tmp_path_factory):
    """To be read only."""
    folder = tmp_path_factory.mktemp("model") / "small"
    network = new_network(plan.network, 0)
    generator = torch.Generator().manual_seed(1)
    for name, buffer in network.named_buffers():
        if "running" in name:
            buffer.uniform_(0.02, 0.1, generator=generator)
    save_model_folder(folder, network.state_dict(), plan, CARD)
    return folder

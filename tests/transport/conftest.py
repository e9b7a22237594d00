"""Small model folders that travel."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.segment.cascades import SMALL
from tests.staged import CARD

from fibrolens.output import file_sha256
from fibrolens.plan import NetworkPlan, Plan
from fibrolens.segment.vnet import Cascade
from fibrolens.staging.network import new_network
from fibrolens.weights import save_model_folder

NETWORK = NetworkPlan(channels=(2, 2, 3, 3), kernel=(3, 3, 3), pooled=(1, 2, 2), hidden=4)


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    """Two folders, made once: `toy` stages, `organs` segments."""
    home = tmp_path_factory.mktemp("models")
    domain = {"mean": torch.zeros(2)}
    save_model_folder(
        home / "toy", new_network(NETWORK, 1).state_dict(), replace(Plan(), network=NETWORK), CARD, domain=domain
    )
    save_model_folder(home / "organs", Cascade(SMALL).state_dict(), SMALL, CARD)
    return home


@pytest.fixture
def toy(made, tmp_path) -> Path:
    """A copy to be spoilt."""
    return Path(shutil.copytree(made / "toy", tmp_path / "toy"))


@pytest.fixture
def organs(made, tmp_path) -> Path:
    """A copy to be spoilt."""
    return Path(shutil.copytree(made / "organs", tmp_path / "organs"))


def write_plan_text(folder: Path, text: str) -> None:
    """Another plan, which the card pins: what does not fit is for others to find."""
    (folder / "plan.json").write_text(text)
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | {"plan_sha256": file_sha256(folder / "plan.json")}))

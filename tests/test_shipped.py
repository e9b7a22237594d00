"""The weights inside the package."""

from pathlib import Path

import pytest

import fibrolens
from fibrolens.evaluate.stage_sets import CLAIM, rank
from fibrolens.pipeline import Models
from fibrolens.staging.predict import StagingModel
from fibrolens.weights import load_model_folder, shipped

SHIPPED = Path(fibrolens.__file__).parent / "shipped"


def test_all_weights_together_stay_under_30_mb():
    assert 0 < sum(p.stat().st_size for p in SHIPPED.rglob("*") if p.is_file()) < 30e6


@pytest.mark.parametrize("name", ["lfs", "vnet"])
def test_each_folder_has_a_card_that_says_simulated_and_research(name):
    card = load_model_folder(shipped(name)).card
    assert "simulated CT" in card["trained_on"]
    assert "research use only" in card["intended_use"].lower()
    page = (shipped(name) / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "simulated" in page
    assert "esearch" in page


def test_shipped_weights_are_pinned_by_hash():
    for name in ("lfs", "vnet"):
        model = load_model_folder(shipped(name))
        assert model.card["weights_sha256"] == model.sha256


def test_shipped_networks_load():
    models = Models.load()
    assert models.staging.domain is not None
    assert models.segmenter.plan.fine.classes == ("background", "liver", "spleen")


def test_the_staging_weights_come_with_their_stage_sets():
    sets = StagingModel.load(shipped("lfs")).calibration
    assert sets is not None
    assert "simulated" in sets.calibrated_on
    assert sets.threshold.claim == CLAIM
    assert sets.threshold.rank == rank(sets.threshold.cases, CLAIM)
    assert sets.calibrated_on in (shipped("lfs") / "MODEL_CARD.md").read_text(encoding="utf-8")

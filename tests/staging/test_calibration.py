import json

import numpy as np
import pytest

from fibrolens.errors import ModelError
from fibrolens.evaluate.stage_sets import Threshold
from fibrolens.plan import NetworkPlan, Plan
from fibrolens.staging.calibration import StageCalibration
from fibrolens.staging.network import new_network
from fibrolens.staging.predict import StagingModel
from fibrolens.weights import save_model_folder

PLAN = Plan(network=NetworkPlan(channels=(2, 2, 3, 3), kernel=(3, 3, 3), pooled=(1, 2, 2), hidden=4))
CARD = {"name": "toy", "trained_on": "nothing", "intended_use": "tests", "figures": {}, "seed": 1}
CALIBRATION = StageCalibration(Threshold(0.9, 60, 56, 0.7), "60 toys")


@pytest.fixture
def folder(tmp_path):
    """A model folder with a calibration."""
    path = tmp_path / "toy"
    sha256 = save_model_folder(path, new_network(PLAN.network, 1).state_dict(), PLAN, CARD)
    (path / "calibration.json").write_text(json.dumps(CALIBRATION.to_dict(sha256)))
    return path


def changed(folder, **values):
    path = folder / "calibration.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_the_set_holds_the_stages_whose_score_is_not_above_the_threshold():
    assert CALIBRATION.stages(np.array([0.5, 0.3, 0.1, 0.05, 0.05])) == (0, 1)
    assert CALIBRATION.stages(np.array([0.05, 0.05, 0.1, 0.1, 0.7])) == (3, 4)
    assert CALIBRATION.stages(np.array([0.1, 0.05, 0.05, 0.0, 0.8])) == (4,)


def test_a_calibration_comes_back_with_its_weights(folder):
    assert StagingModel.load(folder).calibration == CALIBRATION


def test_a_folder_without_a_calibration_has_none(folder):
    (folder / "calibration.json").unlink()
    assert StagingModel.load(folder).calibration is None


def test_the_calibration_of_other_weights_is_refused(folder):
    changed(folder, weights_sha256="0" * 64)
    with pytest.raises(ModelError, match=r"calibration\.json was made for other weights"):
        StagingModel.load(folder)


def test_new_weights_in_the_folder_have_no_calibration(folder):
    save_model_folder(folder, new_network(PLAN.network, 2).state_dict(), PLAN, CARD)
    assert StagingModel.load(folder).calibration is None


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"claim": 1.0}, "claim must be"),
        ({"claim": "0.9"}, "claim must be"),
        ({"claim": True}, "claim must be"),
        ({"cases": 0}, "cases must be"),
        ({"rank": 61}, "rank must be"),
        ({"threshold": None}, "threshold must be"),
        ({"threshold": 1.5}, "threshold must be"),
        ({"calibrated_on": ""}, "calibrated_on must be"),
    ],
)
def test_values_that_cannot_be_are_refused_by_name(folder, values, words):
    changed(folder, **values)
    with pytest.raises(ModelError, match=words):
        StagingModel.load(folder)


def test_a_missing_key_and_a_broken_file_are_named(folder):
    content = json.loads((folder / "calibration.json").read_text())
    del content["rank"]
    (folder / "calibration.json").write_text(json.dumps(content))
    with pytest.raises(ModelError, match="lacks rank"):
        StagingModel.load(folder)
    (folder / "calibration.json").write_text("{")
    with pytest.raises(ModelError, match=r"calibration\.json cannot be read as JSON"):
        StagingModel.load(folder)
    (folder / "calibration.json").write_text("[]")
    with pytest.raises(ModelError, match="no JSON object"):
        StagingModel.load(folder)

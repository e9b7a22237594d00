import json

import numpy as np
import pytest
from safetensors.torch import save_file

from fibrolens.audit.examples import SHOWN, truth_examples
from fibrolens.audit.known_truth import ArmJob, TruthPlan, simulations_of
from fibrolens.audit.simulated import load_simulated, run_simulate
from fibrolens.explain.recipe import recipe
from fibrolens.progress import silent
from fibrolens.staging.network import new_network
from fibrolens.staging.plans import small_plan
from fibrolens.staging.train import WEIGHTS

RECIPES = (recipe("gradcam", "conv4"), recipe("hirescam", "conv3"))


def truth_plan():
    counts = (0, 0, 0, 0, 1)
    return TruthPlan(small_plan(), None, RECIPES, 1, arms=("spleen",), steps=1, trained=counts, looked_at=counts)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A network that is not trained, and one patient to look at."""
    folder, truth = tmp_path_factory.mktemp("truth"), truth_plan()
    job = ArmJob(truth, "spleen", 0, folder)
    for simulation in simulations_of(truth, "spleen", True, folder, ("spleen",)):
        run_simulate(simulation, silent())
    job.folder.mkdir()
    save_file(new_network(job.plan.network, 0).state_dict(), job.folder / WEIGHTS)
    return folder


def measured(truth, work, maps):
    """Say whose maps were measured."""
    job = ArmJob(truth, "spleen", 0, work)
    job.maps.write_text(json.dumps([{"scan_id": "P0000", "stage": 4, "predicted": 4, "maps": maps}]))
    return job


def test_an_arm_that_is_not_measured_is_left_out(tmp_path):
    assert truth_examples(truth_plan(), tmp_path) == {}


def test_an_arm_without_a_correctly_staged_patient_is_left_out(work):
    truth = truth_plan()
    measured(truth, work, {})
    assert truth_examples(truth, work) == {}


def test_the_slice_with_most_of_the_planted_sign_is_shown_with_the_maps_that_were_asked_for(work):
    truth = truth_plan()
    job = measured(truth, work, {"gradcam conv4": {}})
    found = truth_examples(truth, work)["spleen"]
    scan = load_simulated(job.scans(looked_at=True), truth.roster("spleen", looked_at=True), 0)
    planted = scan.evidence["spleen"] > 0
    assert found.scan_id == scan.scan.case.scan_id
    assert set(found.maps) == set(found.first) == {one.name for one in RECIPES} & set(SHOWN) == {"gradcam conv4"}
    np.testing.assert_array_equal(found.evidence, planted[found.slice_index])
    np.testing.assert_array_equal(found.image, scan.scan.case.image[found.slice_index])
    assert found.evidence.sum() > 0.5 * planted.sum(axis=(1, 2)).max()
    assert found.pixel == (3.0, 3.0)

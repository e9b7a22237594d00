import json
from pathlib import Path

import numpy as np
import pytest

from fibrolens.audit.known_truth import ARMS, STEPS, ArmJob, TruthPlan, measure_truth, truth_figures
from fibrolens.audit.simulated import load_simulated
from fibrolens.engine import Engine
from fibrolens.explain.recipe import RECOMMENDED, recipe
from fibrolens.staging.plans import small_plan

RECIPES = (recipe("gradcam", "conv4"), RECOMMENDED)


def truth_plan(**changed):
    return TruthPlan(small_plan(), None, RECIPES, **changed)


@pytest.fixture(scope="module")
def tested(tmp_path_factory):
    """One network of one arm that has hardly learnt."""
    work = tmp_path_factory.mktemp("truth")
    truth = truth_plan(seeds=1, arms=("spleen",), steps=1, trained=(1, 0, 0, 0, 1), looked_at=(1, 0, 0, 0, 1))
    with Engine(1) as engine:
        measure_truth(truth, work, engine)
    return truth, work


def test_no_patient_is_trained_on_and_looked_at_and_every_audit_seed_draws_others():
    seeds = [truth_plan(seed=s).roster(arm, looked).seed for s in range(3) for arm in ARMS for looked in (False, True)]
    assert len(set(seeds)) == len(seeds)


def test_only_the_arms_sign_follows_the_stage():
    roster = truth_plan().roster("spleen", looked_at=True)
    assert roster.setting.arm == "spleen"
    assert roster.setting.strong
    assert roster.stages.count(4) == 80


def test_the_training_knows_the_stage_alone_whatever_the_study_trains_by():
    job = ArmJob(truth_plan(), "texture", 2, Path("work"))
    training = job.plan.training
    assert (training.signs_weight, training.parts_weight, training.soft_stages) == (0, 0, 0)
    assert (training.prior, training.frozen, training.seed, training.steps) == ((), (), 2, STEPS["texture"])
    assert ArmJob(truth_plan(steps=7), "texture", 0, Path("work")).plan.training.steps == 7


def test_a_network_is_trained_and_every_right_f4_measured_by_every_recipe(tested):
    truth, work = tested
    rows = json.loads(ArmJob(truth, "spleen", 0, work).maps.read_text())
    assert [row["stage"] for row in rows] == [0, 4]
    for row in rows:
        right_f4 = row["stage"] == row["predicted"] == 4
        assert set(row["maps"]) == ({one.name for one in RECIPES} if right_f4 else set())


def test_what_is_done_is_not_done_again(tested):
    truth, work = tested
    job = ArmJob(truth, "spleen", 0, work)
    before = [path.stat().st_mtime_ns for path in sorted(work.rglob("*.*"))]
    with Engine(1) as engine:
        measure_truth(truth, work, engine)
    assert [path.stat().st_mtime_ns for path in sorted(work.rglob("*.*"))] == before
    assert job.maps.exists()


def test_a_simulated_scan_is_read_as_it_was_written(tested):
    truth, work = tested
    roster = truth.roster("spleen", looked_at=True)
    found = load_simulated(ArmJob(truth, "spleen", 0, work).scans(looked_at=True), roster, 1)
    assert found.scan.case.stages == (4,)
    assert set(np.unique(found.scan.labels.array)) == {0, 1, 2}
    np.testing.assert_array_equal(found.evidence["spleen"] > 0, found.scan.labels.array == 2)
    assert found.scan.depth[found.scan.labels.array != 1].max() == 0
    assert found.twins == {}


def rows_of(*maps):
    return [{"scan_id": f"P{n}", "stage": 4, "predicted": 4, "maps": shown} for n, shown in enumerate(maps)]


def density(surface, core, spleen, elsewhere, evidence=2.0, rest=1.0):
    regions = {"liver": (surface + core) / 2, "liver_surface": surface, "liver_core": core, "spleen": spleen}
    return {"regions": regions | {"elsewhere": elsewhere}, "evidence": evidence, "rest": rest}


def test_the_figures_count_in_how_many_maps_the_true_region_ranks_first(tmp_path):
    truth = truth_plan(seeds=1, arms=("surface",))
    right, wrong = density(3.0, 1.0, 2.0, 0.5), density(1.0, 3.0, 2.0, 0.5, evidence=0.5)
    names = [one.name for one in RECIPES]
    rows = rows_of(*(dict(zip(names, pair, strict=True)) for pair in ((right, right), (wrong, right))))
    rows.append({"scan_id": "P9", "stage": 0, "predicted": 0, "maps": {}})
    path = ArmJob(truth, "surface", 0, tmp_path).maps
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(rows))
    figures = truth_figures(truth, tmp_path)
    first, second = (figures["methods"][name]["arms"]["surface"] for name in names)
    assert (first["top1"]["value"], second["top1"]["value"]) == (0.5, 1.0)
    assert (first["evidence_denser"]["value"], second["evidence_denser"]["value"]) == (0.5, 1.0)
    assert first["top1"]["chance"] == 0.25
    assert figures["methods"][names[0]]["missing"] == ["spleen", "texture", "lobes"]
    assert figures["networks"] == [
        {"arm": "surface", "seed": 0, "learnt": True, "F0": {"right": 1, "of": 1}, "F4": {"right": 2, "of": 2}}
    ]


def test_a_network_that_takes_f0_for_f4_has_not_learnt_and_its_maps_do_not_count(tmp_path):
    truth = truth_plan(seeds=2, arms=("surface",))
    wrong = {one.name: density(1.0, 3.0, 2.0, 0.5) for one in RECIPES}
    right = {one.name: density(3.0, 1.0, 2.0, 0.5) for one in RECIPES}
    for seed, (shown, of_f0) in enumerate(((right, 0), (wrong, 4))):
        path = ArmJob(truth, "surface", seed, tmp_path).maps
        path.parent.mkdir(parents=True)
        rows = [*rows_of(shown), {"scan_id": "P9", "stage": 0, "predicted": of_f0, "maps": {}}]
        path.write_text(json.dumps(rows))
    figures = truth_figures(truth, tmp_path)
    assert [one["learnt"] for one in figures["networks"]] == [True, False]
    for found in figures["methods"].values():
        assert found["arms"]["surface"]["top1"] | {"value": 1.0, "of": 1} == found["arms"]["surface"]["top1"]

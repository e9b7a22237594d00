import json

import numpy as np
import pytest

from fibrolens.audit.known_truth import ALL, ArmJob, TruthPlan
from fibrolens.audit.simulated import load_simulated
from fibrolens.audit.twins import PLACES, SIGNS, measure_twins, twin_figures, twin_plan
from fibrolens.engine import Engine
from fibrolens.explain.recipe import RECOMMENDED, recipe
from fibrolens.staging.plans import small_plan

RECIPES = (recipe("gradcam", "conv4"), RECOMMENDED)


def truth_plan(**changed):
    return TruthPlan(small_plan(), None, RECIPES, seeds=1, **changed)


def test_the_places_of_the_signs_do_not_hold_one_another():
    assert "liver" not in PLACES.values()
    assert len(set(PLACES.values())) == len(SIGNS) == 4


@pytest.fixture(scope="module")
def tested(tmp_path_factory):
    work = tmp_path_factory.mktemp("twins")
    truth = truth_plan(steps=1, trained=(0, 0, 0, 0, 1), looked_at=(9, 0, 0, 0, 1))
    with Engine(1) as engine:
        measure_twins(truth, work, engine)
    return truth, work


def test_twins_differ_from_the_patient_where_their_sign_lies(tested):
    truth, work = tested
    own = twin_plan(truth)
    assert own.looked_at == (0, 0, 0, 0, 1)
    found = load_simulated(ArmJob(own, ALL, 0, work).scans(looked_at=True), own.roster(ALL, looked_at=True), 0)
    assert set(found.twins) == set(SIGNS)
    moved = {sign: np.abs(twin.image.astype(float) - found.scan.case.image) for sign, twin in found.twins.items()}
    liver, spleen = found.scan.labels.array == 1, found.scan.labels.array == 2
    assert moved["spleen"][spleen].mean() > 3 * moved["spleen"][liver].mean()
    assert moved["texture"][liver].mean() > 3 * moved["texture"][spleen].mean()


def test_every_correctly_staged_patient_has_a_fall_per_sign_and_a_density_per_place(tested):
    truth, work = tested
    (row,) = json.loads(ArmJob(twin_plan(truth), ALL, 0, work).maps.read_text())
    if row["predicted"] == 4:
        assert set(row["fall"]) == set(row["fall_of_score"]) == set(SIGNS)
        assert all(set(densities) == set(SIGNS) for densities in row["maps"].values())
    else:
        assert set(row) == {"scan_id", "predicted"}


def test_a_map_that_is_dense_where_the_score_falls_most_has_a_correlation_of_one(tmp_path):
    truth = twin_plan(truth_plan())
    fall = dict(zip(SIGNS, (0.4, 0.1, 0.2, 0.0), strict=True))
    alike = dict(zip(SIGNS, (3.0, 1.5, 2.0, 0.5), strict=True))
    against = {sign: -value for sign, value in alike.items()}
    names = [one.name for one in RECIPES]
    rows = [
        {"scan_id": f"P{n}", "predicted": 4, "fall": fall, "fall_of_score": fall}
        | {"maps": dict(zip(names, (against, alike), strict=True))}
        for n in range(3)
    ]
    rows.append({"scan_id": "P9", "predicted": 3})
    path = ArmJob(truth, ALL, 0, tmp_path).maps
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(rows))
    figures = twin_figures(truth, tmp_path)
    assert (figures["maps"], figures["patients"]) == (3, 3)
    assert figures["methods"][names[0]]["rank"]["value"] == pytest.approx(-1)
    assert figures["methods"][names[1]]["rank"]["value"] == pytest.approx(1)
    assert figures["changes"]["spleen"]["value"] == pytest.approx(0.4)

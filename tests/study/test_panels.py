import math
from pathlib import Path

import numpy as np
import pytest

from fibrolens.cohort.table import CohortRow
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.proportional_odds import ProportionalOdds
from fibrolens.plan import Plan
from fibrolens.study.fold import FoldJob
from fibrolens.study.panels import by_fold, numbers, predict_panel
from fibrolens.study.plans import PanelPlan

SCANS = 30
SPLEEN = PanelPlan("spleen_volume_ml", ("spleen_volume_ml",))


def row(n):
    stage = (0, 2, 4)[n % 3]
    return CohortRow(n + 2, f"p{n}", f"s{n}", Path("ct.nii.gz"), (stage,), None, None, {})


ROWS = [row(n) for n in range(SCANS)]


def job(number):
    test = tuple(ROWS[number * 10 : number * 10 + 10])
    others = [r for r in ROWS if r not in test]
    return FoldJob(number, Path("folds"), tuple(others[:14]), tuple(others[14:]), test, Path("cases"), (Plan(),), None)


JOBS = [job(number) for number in range(3)]


@pytest.fixture
def values():
    generator = np.random.default_rng(0)
    found = {}
    for r in ROWS:
        spleen = 5 + 0.4 * r.stages[0] + generator.normal()
        found[r.scan_id] = {"spleen_volume_ml": spleen, "lsvr": generator.normal(), "lsn": math.nan}
    return found


def expected(case):
    return float(np.dot(range(5), case.probabilities))


def test_each_fold_is_predicted_by_a_model_of_the_others(values):
    result = predict_panel(SPLEEN, values, JOBS, {})
    others = [r for r in ROWS if r not in JOBS[1].test]
    table = np.array([[values[r.scan_id]["spleen_volume_ml"]] for r in others])
    model = ProportionalOdds().fit(table, [r.stages for r in others])
    own = [case for case in result.predictions if case.fold == 1]
    wanted = model.predict_proba(np.array([[values[r.scan_id]["spleen_volume_ml"]] for r in JOBS[1].test]))
    assert [case.scan_id for case in own] == [r.scan_id for r in JOBS[1].test]
    np.testing.assert_allclose([case.probabilities for case in own], wanted)


def test_a_single_marker_scores_only_the_scans_it_was_measured_in(values):
    values["s3"]["spleen_volume_ml"] = math.nan
    result = predict_panel(SPLEEN, values, JOBS, {})
    assert len(result.predictions) == SCANS - 1
    assert "s3" not in {case.scan_id for case in result.predictions}


def test_a_panel_scores_every_scan_and_leaves_out_what_was_not_measured(values):
    values["s3"]["spleen_volume_ml"] = math.nan
    result = predict_panel(PanelPlan("two", ("spleen_volume_ml", "lsn", "lsvr")), values, JOBS, {})
    assert len(result.predictions) == SCANS
    assert result.markers == ("spleen_volume_ml", "lsvr")


def test_a_marker_that_was_never_measured_gives_a_reason(values):
    result = predict_panel(PanelPlan("lsn", ("lsn",)), values, JOBS, {})
    assert result.predictions == ()
    assert result.reason == "measured in too few scans"


def scores(good):
    """The network's predictions of inner and test scans; good ones are the truth, others are all alike."""
    found = {}
    for job in JOBS:
        for r in (*job.inner, *job.test):
            chances = [0.05] * 5
            chances[r.stages[0] if good else 2] = 0.8
            found[by_fold(job.number, r.scan_id)] = Predicted(
                r.scan_id, r.patient_id, job.number, r.stages, tuple(chances)
            )
    return found


def test_network_and_markers_follow_the_better_of_the_two(values):
    panel = PanelPlan("both", ("lsvr",), network=True)
    by_stage = {stage: [] for stage in (0, 2, 4)}
    for case in predict_panel(panel, values, JOBS, scores(good=True)).predictions:
        by_stage[case.stages[0]].append(expected(case))
    means = [np.mean(by_stage[stage]) for stage in (0, 2, 4)]
    assert means[1] - means[0] > 1
    assert means[2] - means[1] > 1
    blind = predict_panel(PanelPlan("both", ("spleen_volume_ml",), network=True), values, JOBS, scores(good=False))
    alone = predict_panel(SPLEEN, values, JOBS, {})
    together = np.corrcoef([expected(c) for c in blind.predictions], [expected(c) for c in alone.predictions])[0, 1]
    assert together > 0.7


def test_without_an_inner_split_network_and_markers_cannot_be_weighed(values):
    jobs = [FoldJob(0, Path("f"), tuple(ROWS[10:]), (), tuple(ROWS[:10]), Path("c"), (Plan(),), None)]
    result = predict_panel(PanelPlan("both", ("lsvr",), network=True), values, jobs, {})
    assert "inner split" in result.reason


def test_markers_over_orders_of_magnitude_are_logarithms():
    found = numbers([{"scan_id": "a", "spleen_volume_ml": "100", "lsn": "2.5", "fib4": "", "mask_source": "file"}])["a"]
    assert found["spleen_volume_ml"] == pytest.approx(math.log(100))
    assert found["lsn"] == 2.5
    assert math.isnan(found["fib4"])

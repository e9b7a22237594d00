"""What a hospital hands out: sums that name nobody."""

import json
import re

import numpy as np
import pytest
from tests.evaluate.hospitals import WEIGHTS, hospital

from fibrolens.evaluate.intervals import auc, delong_variance
from fibrolens.evaluate.packet import Disclosure, Origin, grouped, make_packet, moments
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.roc import at_least
from fibrolens.evaluate.scoregrid import COARSE, ScoreGrid, dense
from fibrolens.evaluate.study import decided

ORIGIN = Origin("fixed weights", (WEIGHTS,))


def packet(cases, markers=None, **chosen):
    return make_packet(cases, ORIGIN, Disclosure(**chosen), markers or {})


def case(n: int, *stages: int, patient: str | None = None) -> Predicted:
    raw = np.random.default_rng(n).random(5)
    return Predicted(f"s{n}", patient or f"p{n}", 0, stages, tuple((raw / raw.sum()).tolist()))


def test_a_packet_names_no_scan_no_patient_and_no_day():
    text = json.dumps(packet(hospital(1), {"spleen_volume_ml": {f"h1s{n}": 200.0 + n for n in range(200)}}))
    assert not re.search(r"h1[sp]\d", text)
    assert not re.search(r"(19|20)\d\d-\d\d", text)
    assert json.loads(text)["site"] is None


def test_every_threshold_has_the_histograms_of_its_decided_scans():
    cases = hospital(2)
    grid = ScoreGrid()
    for k, entry in enumerate(packet(cases)["thresholds"].values(), 1):
        kept, positive = decided(cases, k)
        score = at_least(np.array([c.probabilities for c in kept]))[:, k - 1]
        for side in (True, False):
            bins = sum(dense(group["bins"], grid) for group in entry["groups"] if group["positive"] is side)
            assert bins.tolist() == grid.count(score[positive == side]).tolist()
        patient = np.unique([c.patient_id for c in kept], return_inverse=True)[1]
        assert entry["delong"]["auc"] == pytest.approx(auc(positive, score), abs=1e-15)
        assert entry["delong"]["variance"] == pytest.approx(delong_variance(positive, score, patient), abs=1e-15)


def test_a_stage_of_few_patients_is_merged_with_its_neighbour_on_the_same_side():
    cases = [case(n, 0) for n in range(8)] + [case(20 + n, 1) for n in range(3)] + [case(30 + n, 4) for n in range(6)]
    thresholds = packet(cases)["thresholds"]
    assert [g["stage_sets"] for g in thresholds["F>=1"]["groups"]] == [["F1", "F4"], ["F0"]]
    assert [g["stage_sets"] for g in thresholds["F>=2"]["groups"]] == [["F4"], ["F0", "F1"]]
    assert packet(cases)["counts"]["stage_sets"] == {"F0": 8, "F1": None, "F4": 6}
    assert packet(cases, least=3)["counts"]["stage_sets"]["F1"] == 3


def test_patients_are_counted_not_scans():
    twice = [case(n, 2, patient=f"p{n // 2}") for n in range(8)]
    assert [len(members) for _, members in grouped(twice + [case(50 + n, 3) for n in range(5)], 5)] == [13]
    assert [len(members) for _, members in grouped(twice + [case(50 + n, 3) for n in range(5)], 4)] == [8, 5]


def test_mergers_stop_when_every_group_is_large_enough_and_prefer_the_nearest_stage():
    cases = [case(n, 1) for n in range(5)] + [case(10, 2), case(11, 2, 3)] + [case(20 + n, 4) for n in range(5)]
    assert [names for names, _ in grouped(cases, 5)] == [((1,), (2,), (2, 3)), ((4,),)]


def test_a_threshold_with_a_side_of_few_patients_is_withheld_with_its_reason():
    cases = [case(n, 0) for n in range(20)] + [case(50 + n, 4) for n in range(4)]
    found = packet(cases)["thresholds"]["F4"]
    assert found == {"given": False, "reason": "fewer than 5 patients on one side"}
    assert packet(cases, least=4)["thresholds"]["F4"]["given"]


def test_calibration_bins_add_up_and_know_no_more_than_the_histogram():
    entry = packet(hospital(3))["thresholds"]["F>=2"]
    groups = entry["groups"]
    assert sum(b["scans"] for b in entry["calibration"]) == sum(g["scans"] for g in groups)
    assert sum(b["positives"] for b in entry["calibration"]) == sum(g["scans"] for g in groups if g["positive"])
    bins = sum(dense(group["bins"], ScoreGrid()) for group in groups)
    total = sum(b["sum_of_scores"] for b in entry["calibration"])
    assert total == pytest.approx(bins @ ScoreGrid().centres, rel=1e-5)


def test_a_coarse_packet_has_fewer_bins_and_the_same_auc():
    fine, coarse = packet(hospital(4)), packet(hospital(4), grid=ScoreGrid(COARSE))
    counts = [sum(len(g["bins"]) for g in p["thresholds"]["F>=2"]["groups"]) for p in (fine, coarse)]
    assert counts[1] < 0.8 * counts[0]
    assert fine["thresholds"]["F>=2"]["delong"] == coarse["thresholds"]["F>=2"]["delong"]


def test_moments_leave_out_stages_of_few_known_patients():
    cases = [case(n, 0) for n in range(6)] + [case(10 + n, 4) for n in range(6)]
    values = {f"s{n}": 100.0 + n for n in (*range(6), *range(10, 14))}
    found = moments(cases, values, 5)
    assert list(found) == ["F0"]
    assert found["F0"] == {"scans": 6, "mean": 102.5, "sd": pytest.approx(np.std(range(6), ddof=1), rel=1e-5)}

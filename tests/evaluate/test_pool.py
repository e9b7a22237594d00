"""Several hospitals' packets as one evaluation."""

import numpy as np
import pytest
from tests.evaluate.hospitals import hospital, packet_file, three_hospitals

from fibrolens.errors import InputError, UsageError
from fibrolens.evaluate.intervals import auc, delong
from fibrolens.evaluate.packet import Disclosure, Origin, moments
from fibrolens.evaluate.pool import labels, pool, pooled_moments
from fibrolens.evaluate.roc import at_least
from fibrolens.evaluate.scoregrid import COARSE, ScoreGrid
from fibrolens.evaluate.study import decided, threshold_name


def together(hospitals):
    return [case for cases in hospitals for case in cases]


def question(cases, k):
    kept, positive = decided(cases, k)
    patient = np.unique([c.patient_id for c in kept], return_inverse=True)[1]
    return positive, at_least(np.array([c.probabilities for c in kept]))[:, k - 1], patient


@pytest.fixture(scope="module")
def hospitals():
    return three_hospitals()


@pytest.fixture(scope="module")
def packets(hospitals, tmp_path_factory):
    folder = tmp_path_factory.mktemp("packets")
    return [packet_file(cases, folder / f"{n}.json") for n, cases in enumerate(hospitals)]


@pytest.fixture(scope="module")
def pooled(packets):
    return pool(packets)


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_pooled_packets_give_the_auc_of_the_pooled_raw_data(hospitals, pooled, k):
    positive, score, _ = question(together(hospitals), k)
    found = pooled["thresholds"][threshold_name(k)]["pooled"]
    assert abs(found["auc"] - auc(positive, score)) <= min(found["error_bound"], 1e-3)
    assert (found["positives"], found["negatives"]) == (positive.sum(), (~positive).sum())
    assert found["sensitivity_at_half"]["value"] == (score[positive] >= 0.5).mean()
    assert found["specificity_at_half"]["value"] == (score[~positive] < 0.5).mean()


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_each_hospital_s_auc_and_interval_are_those_of_its_own_scores(hospitals, pooled, k):
    for cases, row in zip(hospitals, pooled["thresholds"][threshold_name(k)]["sites"], strict=True):
        found = delong(*question(cases, k))
        assert row["auc"] == pytest.approx(found.estimate, abs=1e-12)
        assert row["delong"] == pytest.approx([found.low, found.high], abs=1e-12)


def test_the_mean_of_the_hospitals_lies_among_them_and_weights_sum_to_one(pooled):
    for entry in pooled["thresholds"].values():
        areas = [row["auc"] for row in entry["sites"]]
        found = entry["random_effects"]
        assert min(areas) < found["auc"] < max(areas)
        assert found["interval"][0] < found["auc"] < found["interval"][1]
        assert found["prediction"][0] <= found["interval"][0]
        assert sum(row["weight"] for row in entry["sites"]) == pytest.approx(1)


def test_scores_that_mean_what_they_say_have_slope_one_and_meet_their_shares(tmp_path):
    generator = np.random.default_rng(0)
    cases = hospital(9, 4000)
    told = [sum(case.probabilities[2:]) for case in cases]
    drawn = generator.random(len(cases)) < np.array(told)
    cases = [
        type(c)(c.scan_id, c.scan_id, 0, (4 if up else 0,), c.probabilities) for c, up in zip(cases, drawn, strict=True)
    ]
    packets = [packet_file(cases[:2000], tmp_path / "a.json"), packet_file(cases[2000:], tmp_path / "b.json")]
    found = pool(packets)["thresholds"]["F>=2"]["calibration"]
    assert found["slope"] == pytest.approx(1, abs=0.08)
    assert found["intercept"] == pytest.approx(0, abs=0.15)
    assert found["observed_share"] == pytest.approx(found["expected_share"], abs=0.02)
    assert sum(entry["observed"]["of"] for entry in found["bins"]) == 4000


def test_a_coarse_packet_coarsens_the_pool_and_its_bound_says_so(hospitals, packets, tmp_path):
    coarse = packet_file(hospitals[2], tmp_path / "c.json", disclosure=Disclosure(grid=ScoreGrid(COARSE)))
    found = pool([*packets[:2], coarse])["thresholds"]["F>=2"]["pooled"]
    positive, score, _ = question(together(hospitals), 2)
    assert 1e-3 < found["error_bound"] < 0.05
    assert abs(found["auc"] - auc(positive, score)) <= found["error_bound"]


def test_markers_are_those_of_all_hospitals_put_together(hospitals):
    values = {c.scan_id: float(n % 17) for cases in hospitals for n, c in enumerate(cases)}
    parts = [{"spleen": moments(cases, values, 1)} for cases in hospitals]
    whole = moments(together(hospitals), values, 1)
    for stages, found in pooled_moments(parts)["spleen"].items():
        assert found["mean"] == pytest.approx(whole[stages]["mean"], rel=1e-5)
        assert found["sd"] == pytest.approx(whole[stages]["sd"], rel=1e-4, abs=1e-9)
        assert found["scans"] == whole[stages]["scans"]


def test_a_hospital_without_a_threshold_is_told_and_left_out_of_it(packets, tmp_path):
    small = packet_file([c for c in hospital(30) if c.stages != (4,)], tmp_path / "s.json")
    found = pool([*packets, small])["thresholds"]
    assert found["F4"]["withheld"] == ["Hospital 4"]
    assert len(found["F4"]["sites"]) == 3
    assert len(found["F>=2"]["sites"]) == 4


def test_the_same_scans_twice_are_refused(hospitals, packets, tmp_path):
    with pytest.raises(InputError, match="same scans"):
        pool([packets[0], packets[1], packets[0]])
    renamed = packet_file(hospitals[0], tmp_path / "again.json", disclosure=Disclosure(site="Elsewhere", least=7))
    with pytest.raises(InputError, match=r"0\.json and .*again\.json"):
        pool([*packets, renamed])


def test_other_weights_are_refused_by_name_unless_each_hospital_trained_its_own(packets, tmp_path):
    other = packet_file(hospital(50), tmp_path / "other.json", Origin("fixed weights", ("b" * 64,)))
    with pytest.raises(InputError, match=r"other\.json: bbbbbbbbbbbb"):
        pool([*packets, other])
    own = [
        packet_file(cases, tmp_path / f"own{n}.json", Origin("own cross-validation", (f"{n}" * 64,)))
        for n, cases in enumerate(three_hospitals(7))
    ]
    assert pool(own)["model"]["kind"] == "own cross-validation"
    with pytest.raises(InputError, match="merge each kind alone"):
        pool([*packets, own[0]])


def test_one_packet_is_nothing_to_merge(packets):
    with pytest.raises(UsageError, match="two hospitals"):
        pool(packets[:1])


def test_hospitals_are_numbered_unless_they_name_themselves(hospitals, tmp_path):
    named = [packet_file(hospitals[n], tmp_path / f"{n}.json", disclosure=Disclosure(site=site))
             for n, site in enumerate(("North", None, "North"))]  # fmt: skip
    assert labels(named) == ["North (1)", "Hospital 2", "North (3)"]

import itertools

import numpy as np
import pytest

from fibrolens.evaluate.saliency.randomisation import arun_rule, random_pairs

STEPS = ("head", "conv4", "conv3", "all")


def run(own, level, patient=None, scans=30, pairs=50, seed=0):
    """Scans whose similarity after each step scatters about `own`, pairs about `level`."""
    generator = np.random.default_rng(seed)
    owner = np.arange(scans) if patient is None else patient
    similarity = generator.normal(own, 0.05, (scans, len(own)))
    drawn = random_pairs(owner, pairs, generator)
    pair_similarity = generator.normal(level, 0.05, len(drawn))
    return arun_rule(STEPS, similarity, owner, drawn, pair_similarity, generator, 400), similarity, pair_similarity


def test_pairs_are_different_and_never_of_one_patient():
    patient = np.array([0, 0, 1, 2, 2, 2, 3, 4])
    pairs = random_pairs(patient, 12, np.random.default_rng(0))
    assert len({tuple(pair) for pair in pairs.tolist()}) == 12
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert (patient[pairs[:, 0]] != patient[pairs[:, 1]]).all()


def test_where_there_are_fewer_pairs_all_are_taken_and_one_patient_has_none():
    patient = np.array([0, 0, 1, 2])
    everything = {(i, j) for i, j in itertools.combinations(range(4), 2) if patient[i] != patient[j]}
    assert {tuple(pair) for pair in random_pairs(patient, 50, np.random.default_rng(0)).tolist()} == everything
    assert len(random_pairs(np.zeros(5, int), 50, np.random.default_rng(0))) == 0


def test_every_pair_is_as_likely():
    generator = np.random.default_rng(0)
    drawn = np.concatenate([random_pairs(np.arange(5), 2, generator) for _ in range(2000)])
    counts = np.unique(drawn, axis=0, return_counts=True)[1]
    assert counts == pytest.approx(np.full(10, 400), rel=0.2)


def test_maps_that_change_with_the_weights_pass():
    found, similarity, level = run([0.9, 0.7, 0.3, 0.1], 0.5)
    assert found["passed"] is True
    assert found["first_below"] == "conv3"
    assert [step["name"] for step in found["steps"]] == list(STEPS)
    assert [step["value"] for step in found["steps"]] == pytest.approx(similarity.mean(axis=0))
    assert found["random_pairs"]["value"] == pytest.approx(level.mean())
    assert found["margin"]["value"] == pytest.approx(level.mean() - similarity[:, -1].mean())
    assert found["reason"] == (
        f"The map depends on the weights: similarity {similarity[:, -1].mean():.2f} to the map of the randomised "
        f"network, {level.mean():.2f} between maps of different scans; first below that at the step conv3."
    )


def test_maps_that_show_the_image_fail():
    found, *_ = run([0.97, 0.95, 0.93, 0.92], 0.5)
    assert found["passed"] is False
    assert found["first_below"] is None
    assert found["margin"]["interval"][1] < 0
    assert found["reason"].startswith("The map hardly depends on the weights: similarity 0.9")


def test_the_last_step_decides():
    found, *_ = run([0.2, 0.3, 0.6, 0.8], 0.5)
    assert found["passed"] is False
    assert found["first_below"] == "head"


def test_intervals_hold_the_truth_and_are_wide_rather_than_narrow_for_the_pairs():
    found = [run([0.9, 0.5, 0.4, 0.3], 0.5, seed=seed)[0] for seed in range(100)]
    held = {
        key: np.mean([one[key]["interval"][0] < truth < one[key]["interval"][1] for one in found])
        for key, truth in (("after", 0.3), ("random_pairs", 0.5), ("margin", 0.2))
    }
    assert held["after"] > 0.88
    assert min(held["random_pairs"], held["margin"]) > 0.95


def test_scans_of_a_patient_are_one_witness():
    found, *_ = run([0.9, 0.5, 0.4, 0.3], 0.5, patient=np.repeat([0, 1], 15))
    assert found["after"]["interval"] is not None
    one, *_ = run([0.9, 0.5, 0.4, 0.3], 0.5, patient=np.zeros(30, int))
    assert one["passed"] is None
    assert one["reason"].startswith("Not tested: no pair")


def test_without_scans_nothing_is_said():
    nothing = arun_rule(
        STEPS, np.empty((0, 4)), np.empty(0, int), np.empty((0, 2), int), np.empty(0), np.random.default_rng(0)
    )
    assert nothing["passed"] is None
    assert nothing["reason"].startswith("Not tested: no scan")

import numpy as np
import pytest

from fibrolens.evaluate.saliency.repeatability import (
    icc_agreement,
    icc_consistency,
    mean_pairwise_similarity,
    repeatability,
)
from fibrolens.evaluate.saliency.similarity import structural_similarity

#: Shrout and Fleiss 1979, table 2: four judges rate six targets.
JUDGES = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float)


def sample(scans: int, networks: int, seed: int, between=1.0, bias=0.3, noise=0.5):
    generator = np.random.default_rng(seed)
    own, column = generator.normal(0, between, (scans, 1)), generator.normal(0, bias, networks)
    return own + column + generator.normal(0, noise, (scans, networks))


def test_the_published_example_comes_out():
    """Estimates: Shrout and Fleiss 1979, table 4; intervals: the same data in R's psych and irr packages."""
    two, three = icc_agreement(JUDGES), icc_consistency(JUDGES)
    assert two.estimate == pytest.approx(0.2897638, abs=1e-6)
    assert (two.low, two.high) == pytest.approx((0.0188, 0.7611), abs=1e-4)
    assert three.estimate == pytest.approx(0.7148407, abs=1e-6)
    assert (three.low, three.high) == pytest.approx((0.3425, 0.9459), abs=1e-4)


def test_a_network_that_is_higher_throughout_hurts_agreement_alone():
    moved = JUDGES + np.array([0.0, 0.0, 0.0, 20.0])
    assert icc_consistency(moved).estimate == pytest.approx(icc_consistency(JUDGES).estimate)
    assert icc_agreement(moved).estimate < 0.1


@pytest.mark.parametrize(("icc", "truth"), [(icc_agreement, 1 / 1.34), (icc_consistency, 1 / 1.25)])
def test_the_intervals_hold_the_truth_as_often_as_they_say(icc, truth):
    found = [icc(sample(40, 5, seed)) for seed in range(200)]
    assert np.mean([one.low < truth < one.high for one in found]) > 0.9


def test_equal_columns_agree_wholly_but_without_an_interval_and_constants_say_nothing():
    same = np.tile(np.arange(5.0)[:, None], (1, 3))
    for icc in (icc_agreement, icc_consistency):
        assert icc(same).estimate == pytest.approx(1.0)
        assert np.isnan(icc(same).low)
        assert np.isnan(icc(np.ones((4, 3))).estimate)
        assert np.isnan(icc(JUDGES[:1]).estimate)
        assert np.isnan(icc(JUDGES[:, :1]).estimate)


def test_columns_that_differ_by_a_constant_are_consistent():
    shifted = np.arange(5.0)[:, None] + np.array([0.0, 1.0, 2.0])
    assert icc_consistency(shifted).estimate == pytest.approx(1.0)
    assert 0 < icc_agreement(shifted).estimate < 1
    still = np.tile(np.array([0.0, 1.0, 2.0]), (5, 1))
    assert icc_agreement(still).estimate == pytest.approx(0.0)
    assert np.isnan(icc_consistency(still).estimate)


def test_the_figures_of_a_region_over_seeds():
    values = sample(30, 4, 1)
    values[3, 2] = np.nan
    patient = np.arange(30)
    patient[1] = 0
    found = repeatability(values, patient, np.random.default_rng(0), 400)
    complete = np.delete(values, 3, axis=0)
    assert (found["scans"], found["patients"], found["networks"]) == (29, 28, 4)
    assert found["agreement"]["value"] == pytest.approx(icc_agreement(np.delete(complete, 1, axis=0)).estimate)
    spread = found["within_scan_sd"]
    assert spread["value"] == pytest.approx(np.sqrt(complete.var(axis=1, ddof=1).mean()))
    assert spread["interval"][0] < spread["value"] < spread["interval"][1]


@pytest.mark.parametrize("shape", [(0, 3), (1, 3), (5, 1)])
def test_too_little_is_said_as_a_reason(shape):
    found = repeatability(np.random.default_rng(0).random(shape), np.arange(shape[0]), np.random.default_rng(0), 50)
    assert found["agreement"]["value"] is None
    assert found["agreement"]["reason"]
    assert found["within_scan_sd"]["interval"] is None


def test_maps_of_several_networks_are_compared_two_by_two():
    a, b, c = np.random.default_rng(0).random((3, 4, 6, 5))
    inside = np.ones(a.shape, bool)
    pairs = [structural_similarity(*pair, inside) for pair in ((a, b), (a, c), (b, c))]
    assert mean_pairwise_similarity([a, b, c], inside) == pytest.approx(np.mean(pairs))
    assert mean_pairwise_similarity([a, a], inside) == pytest.approx(1.0)
    assert mean_pairwise_similarity([a], inside) is None

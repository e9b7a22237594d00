"""Which stages a set holds, and the threshold that calibration cases give."""

import numpy as np
import pytest
from scipy.stats import beta
from tests.evaluate.drawn import drawn, grown, scores_of

from fibrolens.evaluate.stage_sets import CLAIM, CLAIMS, calibrate, rank, stage_scores


def test_sets_grow_from_the_most_probable_stage_to_the_more_probable_neighbour():
    scores = stage_scores(np.array([[0.05, 0.1, 0.5, 0.15, 0.2]]))
    assert scores[0] == pytest.approx([0.95, 0.85, 0.0, 0.5, 0.65])
    assert stage_scores(np.array([[0.0, 0.2, 0.6, 0.2, 0.0]]))[0] == pytest.approx([1.0, 0.6, 0.0, 0.8, 1.0])


@pytest.mark.parametrize("threshold", [0.0, 0.4, 0.8, 0.95, 1.0])
def test_sets_have_no_gap_and_are_those_grown_one_by_one(threshold):
    told, _ = drawn(np.random.default_rng(1), 300)
    for probabilities, row in zip(told, stage_scores(told) <= threshold, strict=True):
        assert set(np.flatnonzero(row).tolist()) == grown(probabilities, threshold)


def test_no_case_is_no_set():
    assert stage_scores(np.empty((0, 5))).shape == (0, 5)


@pytest.mark.parametrize("cases", [1, 20, 40, 60, 61, 250])
@pytest.mark.parametrize("claim", CLAIMS)
def test_the_rank_is_the_first_that_reaches_the_claim_in_two_of_three_cohorts(cases, claim):
    found = rank(cases, claim)
    share = [beta.sf(claim, k, cases + 1 - k) for k in range(1, cases + 1)]
    assert all(s < 2 / 3 for s in share[: found - 1])
    assert found == cases + 1 or share[found - 1] >= 2 / 3
    assert (rank(60, 0.9), rank(250, 0.9)) == (56, 228)


def test_too_few_cases_for_the_claim_give_sets_of_all_stages():
    """The largest of n scores covers more than the claim with a chance of 1 - claim ** n: 21 cases are not enough."""
    told, stage = drawn(np.random.default_rng(2), 21)
    found = calibrate(scores_of(told, stage), 0.95)
    assert (found.rank, found.value) == (22, None)
    assert found.sets(told).all()
    assert calibrate(np.zeros(22), 0.95).value == 0.0


@pytest.mark.parametrize(("cases", "cohorts"), [(60, 1500), (250, 600)])
@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_the_mean_coverage_is_that_of_the_beta_distribution_however_wrong_the_probabilities(cases, cohorts, sharpness):
    generator = np.random.default_rng(3)
    told, stage = drawn(generator, 40_000, sharpness)
    population = np.sort(scores_of(told, stage))
    coverage = []
    for _ in range(cohorts):
        value = calibrate(generator.choice(population, cases), CLAIM).value
        coverage.append(np.searchsorted(population, value, side="right") / len(population))
    found, expected = np.array(coverage), rank(cases, CLAIM) / (cases + 1)
    assert found.mean() == pytest.approx(expected, abs=4 * found.std() / len(found) ** 0.5)
    assert CLAIM < found.mean() < CLAIM + 0.03
    assert (found >= CLAIM).mean() >= 2 / 3 - 0.05


def test_a_network_that_is_right_more_often_than_claimed_covers_more_than_claimed():
    """The most probable stage is in every set: nothing smaller could be given."""
    told = np.tile([0.96, 0.01, 0.01, 0.01, 0.01], (200, 1))
    stage = np.repeat([0, 1], [194, 6])
    found = calibrate(scores_of(told, stage), CLAIM)
    assert found.value == 0.0
    assert (found.sets(told).sum(axis=1) == 1).all()

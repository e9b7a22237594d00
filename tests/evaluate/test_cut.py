import numpy as np
import pytest

from fibrolens.evaluate.cut import youden_cut


def cut(up, down):
    return youden_cut(np.repeat([True, False], [len(up), len(down)]), np.array([*up, *down], dtype=float))


def test_the_cut_is_the_middle_between_separated_sides():
    found = cut([0.7, 0.9], [0.1, 0.2])
    assert found.value == pytest.approx(0.45)
    assert (found.rule, found.positives, found.negatives, found.reason) == ("youden", 2, 2, None)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_cut_has_a_higher_youden_index(seed):
    generator = np.random.default_rng(seed)
    positive = generator.random(30) < 0.4
    score = np.clip(0.4 + 0.2 * positive + generator.normal(0, 0.2, 30), 0, 1).round(2)

    def youden(value):
        return (score[positive] >= value).mean() + (score[~positive] < value).mean()

    best = max(youden(value) for value in np.linspace(-0.005, 1.005, 203))
    assert youden(youden_cut(positive, score).value) == pytest.approx(best, abs=1e-12)


def test_of_equal_stretches_the_one_nearest_to_a_half_is_taken_then_the_lower():
    """A negative above one positive: cuts below and above the pair are equally good."""
    assert cut([0.3, 0.7], [0.1, 0.6]).value == pytest.approx(0.65)
    assert cut([0.375, 1.0], [0.125, 0.5]).value == 0.25


def test_neighbouring_stretches_of_equal_index_are_one():
    """A tie of one positive and one negative changes nothing: the stretch runs from 0.2 to 0.8."""
    assert cut([0.3, 0.8], [0.2, 0.3]).value == pytest.approx(0.5)


def test_a_side_without_a_case_falls_back_to_a_half():
    found = cut([], [0.1, 0.9])
    assert (found.value, found.rule, found.positives, found.negatives) == (0.5, "0.5", 0, 2)
    assert "no positive case" in found.reason
    assert "no negative case" in cut([0.3], []).reason


@pytest.mark.parametrize(("up", "down"), [([0.1, 0.2], [0.8, 0.9]), ([0.4, 0.4], [0.4, 0.4])])
def test_a_score_that_does_not_tell_the_sides_apart_falls_back_to_a_half(up, down):
    found = cut(up, down)
    assert (found.value, found.rule) == (0.5, "0.5")
    assert "better than chance" in found.reason

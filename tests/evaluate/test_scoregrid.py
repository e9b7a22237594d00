"""The grid on which hospitals count their scores."""

import numpy as np
import pytest
from scipy.special import expit, logit

from fibrolens.evaluate.intervals import auc
from fibrolens.evaluate.scoregrid import COARSE, END, ScoreGrid, added, binned_auc, dense, expand, sparse, tie_bound

GRID = ScoreGrid()


def scores(seed: int, n: int = 300):
    generator = np.random.default_rng(seed)
    positive = generator.random(n) < 0.4
    return positive, expit(generator.normal(2.0 * positive - 1, 1.5))


def test_a_score_lies_in_the_bin_whose_edges_enclose_it():
    _, score = scores(0)
    place = GRID.place(score)
    lower = (place - 1) / GRID.per_unit - END
    assert np.all((lower <= logit(score)) & (logit(score) < lower + 1 / GRID.per_unit))
    told = GRID.centres < 1 - 1e-12  # beyond, double precision gives out
    assert GRID.place(GRID.centres)[told][1:].tolist() == list(range(1, int(told.sum())))


def test_half_is_an_edge_so_that_calls_at_half_are_exact():
    below = np.nextafter(0.5, 0)
    assert GRID.place(np.array([0.5, below])).tolist() == [GRID.half, GRID.half - 1]
    assert ScoreGrid(COARSE).place(np.array([0.5, below])).tolist() == [END * COARSE + 1, END * COARSE]


def test_zero_one_and_what_rounding_put_outside_lie_in_the_end_bins():
    found = GRID.place(np.array([0.0, -1e-12, 1e-46, 1.0, 1.0, 1 + 1e-12]))
    assert found.tolist() == [0, 0, 0, GRID.bins - 1, GRID.bins - 1, GRID.bins - 1]


@pytest.mark.parametrize("seed", range(5))
def test_the_auc_of_bins_is_that_of_tied_scores_and_within_its_bound_of_the_truth(seed):
    positive, score = scores(seed)
    for grid in (GRID, ScoreGrid(COARSE)):
        above, below = grid.count(score[positive]), grid.count(score[~positive])
        assert binned_auc(above, below) == pytest.approx(auc(positive, grid.place(score).astype(float)), abs=1e-12)
        assert abs(binned_auc(above, below) - auc(positive, score)) <= tie_bound(above, below)
        assert auc(*expand(above, below, grid)) == pytest.approx(binned_auc(above, below), abs=1e-12)


def test_saturated_scores_are_still_told_apart():
    score = np.array([1e-40, 1.1e-40, 1e-12, 1 - 1e-12, 1 - 2e-15])
    assert len(np.unique(GRID.place(score))) == len(score)


def test_counts_survive_json_and_anything_else_is_refused():
    counts = GRID.count(scores(1)[1])
    assert dense(sparse(counts), GRID).tolist() == counts.tolist()
    for wrong in ({"-1": 1}, {"5": 0}, {"5": 1.5}, {str(GRID.bins): 1}, {"x": 1}):
        with pytest.raises(ValueError, match="bin"):
            dense(wrong, GRID)


def test_a_fine_and_a_coarse_histogram_add_up_on_the_coarse_grid():
    coarse = ScoreGrid(COARSE)
    one, other = scores(2)[1], scores(3)[1]
    grid, total = added([(GRID, GRID.count(one)), (coarse, coarse.count(other))])
    assert grid == coarse
    assert total.tolist() == coarse.count(np.concatenate([one, other])).tolist()

import numpy as np
import pytest
from scipy.stats import spearmanr

from fibrolens.evaluate.saliency.similarity import (
    K1,
    K2,
    rank_correlation,
    structural_similarity,
)

SHAPE = (5, 7, 6)


def maps(seed: int = 0):
    generator = np.random.default_rng(seed)
    first = generator.random(SHAPE)
    return first, first + generator.normal(0, 0.3, SHAPE)


def by_hand(x, y, mask, sigma, wide):
    """Wang's formulas written out voxel by voxel; the window ends where the library's does."""
    total, voxels = 0.0, np.argwhere(mask)
    reach = [int(3.5 * s + 0.5) for s in sigma]
    for centre in voxels:
        near = voxels[(np.abs(voxels - centre) <= reach).all(axis=1)]
        weight = np.exp(-(((near - centre) / np.array(sigma)) ** 2).sum(axis=1) / 2)
        weight /= weight.sum()
        a, b = x[tuple(near.T)], y[tuple(near.T)]
        ma, mb = weight @ a, weight @ b
        va, vb, cov = weight @ (a - ma) ** 2, weight @ (b - mb) ** 2, weight @ ((a - ma) * (b - mb))
        c1, c2 = (K1 * wide) ** 2, (K2 * wide) ** 2
        total += (2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))
    return total / len(voxels)


@pytest.mark.parametrize("sigma", [(1.5, 1.5, 1.5), (0.5, 1.0, 2.0)])
@pytest.mark.parametrize("masked", [False, True])
def test_it_is_wang_s_index_with_a_gaussian_window_over_the_voxels_inside(sigma, masked):
    x, y = maps()
    mask = np.random.default_rng(3).random(SHAPE) < 0.6 if masked else np.ones(SHAPE, bool)
    wide = max(x[mask].max(), y[mask].max()) - min(x[mask].min(), y[mask].min())
    found = structural_similarity(x, y, mask if masked else None, sigma)
    assert found == pytest.approx(by_hand(x, y, mask, sigma, wide), abs=1e-10)
    assert structural_similarity(x, y, mask, sigma, 3.0) == pytest.approx(by_hand(x, y, mask, sigma, 3.0), abs=1e-10)


def test_equal_maps_have_1_and_the_order_and_the_unit_do_not_matter():
    x, y = maps()
    assert structural_similarity(x, x) == pytest.approx(1.0)
    found = structural_similarity(x, y)
    assert -1 < found < 0.95
    assert structural_similarity(y, x) == pytest.approx(found)
    assert structural_similarity(1000 * x, 1000 * y) == pytest.approx(found)


def test_what_lies_outside_the_mask_does_not_count_not_even_nan():
    x, y = maps()
    inside = np.zeros(SHAPE, bool)
    inside[1:4, 2:6, 1:5] = True
    found = structural_similarity(x, y, inside)
    assert structural_similarity(np.where(inside, x, np.nan), np.where(inside, y, 1e6), inside) == pytest.approx(found)
    assert structural_similarity(x[1:4, 2:6, 1:5], y[1:4, 2:6, 1:5]) == pytest.approx(found)


@pytest.mark.parametrize(("a", "b", "expected"), [(2.0, 2.0, 1.0), (0.0, 0.0, 1.0), (1.0, 3.0, 0.6), (0.0, 3.0, 0.0)])
def test_constant_maps_are_compared_by_their_means(a, b, expected):
    assert structural_similarity(np.full(SHAPE, a), np.full(SHAPE, b)) == pytest.approx(expected, abs=1e-3)


def test_a_constant_map_is_not_like_one_that_varies():
    x, _ = maps()
    assert abs(structural_similarity(x, np.full(SHAPE, x.mean()))) < 0.1


def test_values_far_from_zero_cost_no_digits():
    x, y = maps()
    near, far = (structural_similarity(x + shift, y + shift) for shift in (1e3, 1e7))
    assert near == pytest.approx(far, abs=1e-4)


def test_nothing_inside_is_nan():
    assert np.isnan(structural_similarity(*maps(), np.zeros(SHAPE, bool)))


@pytest.mark.parametrize("seed", range(3))
def test_rank_correlation_is_spearman_s_with_mean_ranks_for_ties(seed):
    x, y = (one.round(1) for one in maps(seed))
    inside = np.random.default_rng(seed).random(SHAPE) < 0.5
    assert rank_correlation(x, y) == pytest.approx(spearmanr(x, y, axis=None).statistic)
    assert rank_correlation(x, y, inside) == pytest.approx(spearmanr(x[inside], y[inside]).statistic)
    assert rank_correlation(x, x**3) == pytest.approx(1.0)
    assert rank_correlation(x, -x) == pytest.approx(-1.0)


def test_a_map_that_ranks_nothing_has_no_rank_correlation():
    x, _ = maps()
    assert rank_correlation(x, np.full(SHAPE, 0.1)) is None
    assert rank_correlation(x, x, np.zeros(SHAPE, bool)) is None

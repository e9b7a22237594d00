import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from fibrolens.evaluate.saliency.robustness import agreement, agreement_under_shift, infidelity, max_sensitivity
from fibrolens.evaluate.saliency.similarity import rank_correlation, structural_similarity

SHAPE = (4, 8, 7)


def test_the_gradient_of_a_linear_score_is_perfectly_faithful():
    generator = np.random.default_rng(0)
    weights, perturbations = generator.normal(size=30), generator.normal(size=(50, 30))
    change = perturbations @ weights
    exact = infidelity(perturbations @ weights, change)
    assert exact == pytest.approx((0.0, 1.0, 0.0, 0.0), abs=1e-12)
    other_unit = infidelity(perturbations @ weights * 1000, change)
    assert other_unit.raw > 1e5
    assert (other_unit.scale, other_unit.scaled) == pytest.approx((1e-3, 0.0), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_the_scale_is_the_best_there_is(seed):
    generator = np.random.default_rng(seed)
    foretold = generator.normal(size=40)
    change = 0.3 * foretold + generator.normal(size=40)
    found = infidelity(foretold, change)
    best = minimize_scalar(lambda a: np.mean((a * foretold - change) ** 2))
    assert found.scale == pytest.approx(best.x, abs=1e-6)
    assert found.scaled == pytest.approx(best.fun)
    assert found.raw == pytest.approx(np.mean((foretold - change) ** 2))
    assert found.relative == pytest.approx(best.fun / np.mean(change**2))


def test_a_map_that_says_nothing_is_no_better_than_nothing():
    assert infidelity(np.zeros(5), np.ones(5)) == (1.0, 0.0, 1.0, 1.0)
    assert infidelity(np.ones(5), np.zeros(5)).relative is None
    with pytest.raises(ValueError, match="at least one"):
        infidelity(np.empty(0), np.empty(0))


def test_sensitivity_is_the_largest_relative_change_inside():
    generator = np.random.default_rng(0)
    original, inside = generator.random(SHAPE), generator.random(SHAPE) < 0.5
    others = [original + np.where(inside, step, 9.0) for step in (0.1, -0.3, 0.2)]
    expected = 0.3 * np.sqrt(inside.sum()) / np.linalg.norm(original[inside])
    assert max_sensitivity(original, others, inside) == pytest.approx(expected)
    assert max_sensitivity(original, [original], inside) == 0.0
    assert max_sensitivity(np.zeros(SHAPE), others, inside) is None
    assert max_sensitivity(original, [], inside) is None


def test_agreement_is_both_figures_inside():
    generator = np.random.default_rng(0)
    original, inside = generator.random(SHAPE), generator.random(SHAPE) < 0.7
    noisy = original + generator.normal(0, 0.1, SHAPE)
    found = agreement(original, noisy, inside)
    assert found.ssim == structural_similarity(original, noisy, inside)
    assert found.rank == rank_correlation(original, noisy, inside)


@pytest.mark.parametrize("voxels", [(0, 0, 0), (1, 0, -2), (0, 3, 2), (-2, -3, 1)])
def test_a_map_that_moves_with_its_scan_agrees_wholly(voxels):
    generator = np.random.default_rng(0)
    original = generator.random(SHAPE)
    shifted = generator.random(SHAPE)
    for voxel in np.ndindex(SHAPE):
        target = tuple(np.add(voxel, voxels))
        if all(0 <= t < size for t, size in zip(target, SHAPE, strict=True)):
            shifted[target] = original[voxel]
    found = agreement_under_shift(original, shifted, voxels, np.ones(SHAPE, bool))
    assert found == pytest.approx((1.0, 1.0))
    if any(voxels):
        assert agreement_under_shift(original, original, voxels, np.ones(SHAPE, bool)).ssim < 0.9


@pytest.mark.parametrize("by", [8, -8, 20])
def test_a_shift_off_the_grid_leaves_nothing_to_compare(by):
    original = np.random.default_rng(0).random(SHAPE)
    found = agreement_under_shift(original, original, (0, by, 0), np.ones(SHAPE, bool))
    assert np.isnan(found.ssim)
    assert found.rank is None

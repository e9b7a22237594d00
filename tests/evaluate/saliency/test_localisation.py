import math

import numpy as np
import pytest

from fibrolens.evaluate.saliency.localisation import pointing_game, relevance_mass, relevance_rank

SHAPE = (4, 6, 5)
SPACING = (5.0, 1.5, 2.0)


def scene(seed: int = 0):
    """A map, a mask and a body; the mask reaches beyond the body."""
    generator = np.random.default_rng(seed)
    return generator.random(SHAPE), generator.random(SHAPE) < 0.2, generator.random(SHAPE) < 0.8


def point_at(*voxel):
    array = np.zeros(SHAPE)
    array[voxel] = 1.0
    return array


EVERYWHERE = np.ones(SHAPE, bool)


@pytest.mark.parametrize("voxel", [(1, 2, 2), (2, 2, 2), (1, 4, 2), (1, 2, 4), (3, 5, 4)])
def test_the_maximum_hits_where_it_is_near_enough_in_millimetres(voxel):
    mask = np.zeros(SHAPE, bool)
    mask[1, 2, 2] = True
    away = math.dist(np.array(voxel) * SPACING, np.array((1, 2, 2)) * SPACING)
    assert pointing_game(point_at(*voxel), mask, EVERYWHERE, SPACING, away + 0.01).hit == 1.0
    if away:
        assert pointing_game(point_at(*voxel), mask, EVERYWHERE, SPACING, away - 0.01).hit == 0.0


def test_a_maximum_outside_the_body_does_not_count():
    mask, body = np.zeros(SHAPE, bool), np.ones(SHAPE, bool)
    mask[0, 0, 0] = True
    body[0, 0, 0] = False
    array = point_at(0, 0, 0)
    array[3, 3, 3] = 0.5
    assert pointing_game(array, mask, body, SPACING).hit == 0.0


def test_equal_maxima_share_and_a_constant_map_hits_as_chance_does():
    _, mask, body = scene()
    found = pointing_game(np.full(SHAPE, 2.0), mask, body, SPACING, 1.6)
    assert found.hit == pytest.approx(found.chance)
    assert pointing_game(np.ones(SHAPE), mask, body, SPACING).chance == pytest.approx(mask[body].mean())
    both = point_at(0, 0, 0) + point_at(3, 5, 4)
    corner = point_at(0, 0, 0) > 0
    assert pointing_game(both, corner, EVERYWHERE, SPACING).hit == 0.5


def test_mass_is_the_share_of_the_positive_values():
    array = np.array([[[3.0, -5.0, 1.0, 4.0]]])
    mask = np.array([[[True, True, False, False]]])
    body = np.array([[[True, True, True, False]]])
    assert relevance_mass(array, mask, body) == pytest.approx(0.75)
    assert relevance_mass(array / 1000, mask, body) == pytest.approx(0.75), "whatever the map's unit"
    assert relevance_mass(-abs(array), mask, body) is None
    assert relevance_mass(array, ~body, body) is None


def test_rank_counts_the_highest_voxels():
    array, mask, body = scene(1)
    inside = mask[body]
    top = np.argsort(-array[body])[: inside.sum()]
    assert relevance_rank(array, mask, body) == pytest.approx(inside[top].mean())
    assert relevance_rank(mask.astype(float), mask, body) == 1.0


def test_ties_for_the_last_ranks_count_as_a_draw_among_them():
    array, mask, body = scene(2)
    array = array.round(1)
    values, inside = array[body], mask[body]
    generator = np.random.default_rng(0)
    draws = []
    for _ in range(4000):
        order = np.lexsort((generator.random(len(values)), -values))
        draws.append(inside[order[: inside.sum()]].mean())
    assert relevance_rank(array, mask, body) == pytest.approx(np.mean(draws), abs=0.01)
    assert relevance_rank(np.ones(SHAPE), mask, body) == pytest.approx(inside.mean())


def test_without_a_mask_there_is_no_figure():
    array, _, body = scene()
    nothing = np.zeros(SHAPE, bool)
    assert pointing_game(array, nothing, body, SPACING) is None
    for figure in (relevance_mass, relevance_rank):
        assert figure(array, nothing, body) is None

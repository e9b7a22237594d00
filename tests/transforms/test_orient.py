from itertools import permutations, product

import numpy as np
import pytest

from fibrolens.transforms import Orient
from fibrolens.transforms.orient import ARRAY_ORDER
from fibrolens.volume import Geometry, Volume

STORAGES = [(axes, flips) for axes in permutations(range(3)) for flips in product((False, True), repeat=3)]


def stored(axes: tuple[int, ...], flips: tuple[bool, ...]) -> Volume:
    """A volume of random values whose axes point along the given patient axes, either way."""
    signs = [-1.0 if flip else 1.0 for flip in flips]
    direction = tuple(tuple(sign * v for v in ARRAY_ORDER[a]) for a, sign in zip(axes, signs, strict=True))
    shape = tuple((3, 4, 5)[a] for a in axes)
    spacing = tuple((5.0, 0.7, 0.8)[a] for a in axes)
    values = np.random.default_rng(0).normal(size=shape)
    return Volume(values, Geometry(shape, spacing, (10.0, -20.0, 30.0), direction))


@pytest.mark.parametrize(("axes", "flips"), STORAGES)
def test_any_storage_is_turned_to_superior_posterior_left_with_every_value_at_its_place(axes, flips):
    volume = stored(axes, flips)
    turned = Orient.fit(volume.geometry).forward(volume)
    assert turned.geometry.direction == ARRAY_ORDER
    assert turned.geometry.shape == (3, 4, 5)
    assert turned.geometry.spacing == (5.0, 0.7, 0.8)
    for index in [(0, 0, 0), (2, 1, 4), (1, 3, 0)]:
        there = np.rint(volume.geometry.to_index(turned.geometry.to_world(np.array(index, float)))).astype(int)
        assert turned.array[index] == volume.array[tuple(there)]


@pytest.mark.parametrize(("axes", "flips"), STORAGES)
def test_the_inverse_gives_back_values_and_grid(axes, flips):
    volume = stored(axes, flips)
    orient = Orient.fit(volume.geometry)
    back = orient.inverse(orient.forward(volume))
    assert back.geometry is volume.geometry
    np.testing.assert_array_equal(back.array, volume.array)


def test_an_oblique_grid_keeps_its_obliquity():
    angle = np.deg2rad(20)
    rows, columns = (-np.sin(angle), -np.cos(angle), 0.0), (np.cos(angle), -np.sin(angle), 0.0)
    geometry = Geometry((2, 3, 4), (1.0, 1.0, 1.0), direction=((0.0, 0.0, -1.0), rows, columns))
    turned = Orient.fit(geometry).target
    assert turned.direction[0] == (0.0, 0.0, 1.0)
    assert turned.direction[1] == pytest.approx((np.sin(angle), np.cos(angle), 0.0))
    assert turned.direction[2] == pytest.approx(columns)
    np.testing.assert_allclose(turned.to_world(np.zeros(3)), geometry.to_world(np.array([1.0, 2.0, 0.0])))

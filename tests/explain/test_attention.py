import numpy as np
import pytest

from fibrolens.errors import GeometryError
from fibrolens.explain.attention import NAMES, attention
from fibrolens.volume import Geometry, Volume

SHAPE = (12, 40, 40)
GRID = Geometry(SHAPE, (5.0, 1.5, 1.5))
BODY = np.ones(SHAPE, bool)
COVERED = np.ones(SHAPE[0])


def labels():
    array = np.zeros(SHAPE, np.uint8)
    array[2:10, 5:30, 3:28] = 1
    array[4:8, 20:30, 31:38] = 2
    return Volume(array, GRID)


def measured(values, organs=None, body=BODY, coverage=COVERED):
    return attention(Volume(values.astype(np.float32), GRID), organs or labels(), body, coverage)


def test_an_even_map_is_one_everywhere_and_shares_follow_volume():
    found = measured(np.ones(SHAPE))
    assert set(found) == set(NAMES)
    assert all(r.mean == pytest.approx(1) for r in found.values())
    assert found["liver"].share == pytest.approx(8 * 25 * 25 / np.prod(SHAPE))


def test_shares_add_up():
    found = measured(np.random.default_rng(0).random(SHAPE))
    assert sum(found[n].share for n in ("liver", "spleen", "elsewhere")) == pytest.approx(1)
    assert found["liver_surface"].share + found["liver_core"].share == pytest.approx(found["liver"].share)


def test_a_map_in_the_spleen_is_found_in_the_spleen():
    found = measured(labels().array == 2)
    assert found["spleen"].share == 1
    assert found["liver"].mean == 0


def test_slices_without_coverage_are_ignored():
    coverage, values = COVERED.copy(), np.ones(SHAPE)
    coverage[:3] = 0
    values[:3] = 100
    found = measured(values, coverage=coverage)
    assert found["elsewhere"].mean == pytest.approx(1)
    assert found["liver"].voxels == 7 * 25 * 25


def test_outside_the_body_counts_for_nothing():
    body = BODY.copy()
    body[:, :2] = False
    values = np.ones(SHAPE)
    values[:, :2] = 100
    assert measured(values, body=body)["elsewhere"].mean == pytest.approx(1)


def test_a_missing_organ_is_none_and_a_zero_map_has_no_figures():
    organs = labels()
    organs.array[organs.array == 2] = 0
    found = measured(np.zeros(SHAPE), organs)
    assert found["spleen"] is None
    assert (found["liver"].mean, found["liver"].share, found["liver"].voxels) == (None, None, 5000)


def test_another_grid_is_refused():
    with pytest.raises(GeometryError):
        attention(Volume(np.ones(SHAPE), Geometry(SHAPE, (4.0, 1.5, 1.5))), labels(), BODY, COVERED)

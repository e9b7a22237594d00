import numpy as np
import pytest

from fibrolens.errors import GeometryError
from fibrolens.markers.attenuation import attenuation, middle_mean
from fibrolens.volume import Geometry, Volume

GRID = Geometry((12, 60, 80), (3.0, 1.0, 1.0))
LIVER, SPLEEN = np.zeros(GRID.shape, bool), np.zeros(GRID.shape, bool)
LIVER[1:11, 5:55, 5:45] = True
SPLEEN[1:11, 10:40, 50:75] = True


def measured(hu, liver=LIVER, spleen=SPLEEN, grid=GRID):
    return attenuation(Volume(hu.astype(np.float32), grid), Volume(liver, grid), Volume(spleen, grid))


def scan():
    noise = np.random.default_rng(0).normal(0, 12, GRID.shape)
    return np.where(LIVER, 98.0, np.where(SPLEEN, 110.0, -100.0)) + noise


def test_the_difference_of_two_even_organs_in_noise():
    found = measured(scan())
    assert found.difference_hu == pytest.approx(-12, abs=1)
    assert found.liver_hu == pytest.approx(98, abs=1)


def test_vessels_lesions_and_partial_volume_hardly_count():
    hu = scan()
    hu[:, 20:24, 10:40] = 180
    hu[4:8, 30:42, 20:32] = 20
    hu[2] = hu[10] = -50
    assert measured(hu).difference_hu == pytest.approx(-12, abs=2.5)


def test_stored_upside_down_it_is_the_same():
    hu = scan()
    plain = measured(hu)
    grid = Geometry(GRID.shape, GRID.spacing, direction=tuple(tuple(-v for v in axis) for axis in GRID.direction))
    turned = measured(*(np.flip(a) for a in (hu, LIVER, SPLEEN)), grid=grid)
    assert turned.difference_hu == pytest.approx(plain.difference_hu)


def test_too_little_of_an_organ_is_none():
    small = np.zeros_like(SPLEEN)
    small[4:8, 20:24, 55:60] = True
    for spleen in (small, np.zeros_like(SPLEEN)):
        found = measured(scan(), spleen=spleen)
        assert found.spleen_hu is None
        assert found.difference_hu is None
        assert found.liver_hu == pytest.approx(98, abs=1)


def test_the_middle_half():
    assert middle_mean(np.array([-1000.0, 10, 11, 12, 13, 14, 15, 16, 3000])) == pytest.approx(13)


def test_a_mask_on_another_grid_is_refused():
    with pytest.raises(GeometryError):
        attenuation(
            Volume(scan().astype(np.float32), GRID),
            Volume(LIVER, GRID),
            Volume(np.ones((2, 4, 4), bool), Geometry((2, 4, 4), (4.0, 1.0, 1.0))),
        )

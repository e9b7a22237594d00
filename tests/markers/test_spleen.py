from itertools import permutations, product

import numpy as np
import pytest

from fibrolens.markers.spleen import spleen_size
from fibrolens.volume import Geometry, Volume

GRID = Geometry((40, 120, 130), (3.0, 1.0, 0.9))


def ellipsoid(radii_mm):
    at = np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * s for n, s in zip(GRID.shape, GRID.spacing, strict=True)])
    z, y, x = (a.transpose(1, 0, 2) for a in at)
    return (z / radii_mm[0]) ** 2 + (y / radii_mm[1]) ** 2 + (x / radii_mm[2]) ** 2 <= 1


def test_a_box_has_the_product_of_its_sides():
    mask = np.zeros(GRID.shape, bool)
    mask[5:30, 20:61, 10:110] = True
    found = spleen_size(Volume(mask, GRID))
    assert found.length_mm == pytest.approx(75)
    assert found.width_mm == pytest.approx(np.hypot(41, 90))
    assert found.thickness_mm == pytest.approx(41, abs=1)


def test_an_ellipsoids_index_is_six_over_pi_times_its_volume():
    found = spleen_size(Volume(ellipsoid((50, 22, 45)), GRID))
    assert (found.length_mm, found.width_mm, found.thickness_mm) == pytest.approx((100, 90, 44), abs=3.1)
    assert found.index_cm3 == pytest.approx(100 * 90 * 44 / 1000, rel=0.05)


def test_a_slanting_spleen_is_as_wide_and_thick_as_a_straight_one():
    rows, columns = np.mgrid[:120, :130].astype(float)
    along, across = (rows - 60) * 0.8 + (columns - 65) * 0.6, (columns - 65) * 0.8 - (rows - 60) * 0.6
    grid = Geometry((4, 120, 130), (3.0, 1.0, 1.0))
    mask = np.broadcast_to((along / 45) ** 2 + (across / 20) ** 2 <= 1, grid.shape)
    found = spleen_size(Volume(mask, grid))
    assert found.width_mm == pytest.approx(90, abs=1.5)
    assert found.thickness_mm == pytest.approx(40, abs=1.5)


@pytest.mark.parametrize("axes", list(permutations(range(3))))
def test_how_the_scan_is_stored_does_not_matter(axes):
    mask = ellipsoid((50, 22, 45))
    mask[:, :, :50] = False
    plain = spleen_size(Volume(mask, GRID))
    for flips in product([False, True], repeat=3):
        directions = [tuple((-1 if f else 1) * v for v in axis) for f, axis in zip(flips, GRID.direction, strict=True)]
        array = np.flip(mask, [i for i in range(3) if flips[i]]).transpose(axes)
        turned = Geometry(
            array.shape,
            tuple(GRID.spacing[a] for a in axes),
            direction=tuple(directions[a] for a in axes),
        )
        assert vars(spleen_size(Volume(array, turned))) == pytest.approx(vars(plain))


def test_a_single_voxel_and_no_spleen():
    mask = np.zeros(GRID.shape, bool)
    assert spleen_size(Volume(mask, GRID)) is None
    mask[3, 3, 3] = True
    assert spleen_size(Volume(mask, GRID)).index_cm3 == pytest.approx(3 * np.hypot(1, 0.9) / 1000, rel=0.6)


@pytest.mark.parametrize("seed", range(8))
def test_its_width_is_that_of_the_corners_farthest_apart(seed):
    plane = np.random.default_rng(seed).random((9, 11)) < (0.02, 0.1, 0.4, 0.9)[seed % 4]
    plane[4, seed] = True
    corners = [(r + a, (c + b) * 0.9) for r, c in np.argwhere(plane) for a, b in product((0, 1), repeat=2)]
    expected = max(np.hypot(r - s, c - d) for r, c in corners for s, d in corners)
    found = spleen_size(Volume(plane[None], Geometry((1, 9, 11), (3.0, 1.0, 0.9))))
    assert found.width_mm == pytest.approx(expected, rel=1e-12)

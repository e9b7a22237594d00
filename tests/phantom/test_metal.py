import numpy as np
import pytest

from fibrolens.phantom.metal import add_streaks
from fibrolens.volume import Geometry

GRID = Geometry((4, 200, 200), (5.0, 1.0, 1.0), (-100.0, -100.0, 0.0))


def streaks(metal: np.ndarray, seed: int = 0) -> np.ndarray:
    hu = np.zeros(metal.shape, np.float32)
    add_streaks(hu, metal, GRID, np.random.default_rng(seed))
    return hu


@pytest.fixture(scope="module")
def two_rods() -> np.ndarray:
    """Two rods, 40 mm apart along the rows of slice 1."""
    metal = np.zeros(GRID.shape, bool)
    metal[1, 95:105, 75:85] = metal[1, 95:105, 115:125] = True
    return metal


def test_nothing_changes_without_metal_and_in_slices_without_it(two_rods):
    assert not streaks(np.zeros(GRID.shape, bool)).any()
    changed = streaks(two_rods).any((1, 2))
    assert changed.tolist() == [False, True, False, False]


def test_the_metal_keeps_its_values(two_rods):
    assert not streaks(two_rods)[two_rods].any()


def test_it_is_dark_between_two_rods_and_streaks_are_bright_and_dark(two_rods):
    picture = streaks(two_rods)[1]
    assert picture[97:103, 90:110].mean() < -30
    assert picture[97:103, 90:110].mean() < picture[70:76, 90:110].mean() - 30
    assert picture.min() < -50
    assert picture.max() > 50


def test_streaks_fall_with_distance(two_rods):
    picture = streaks(two_rods)[1]
    rows, columns = np.indices(picture.shape)
    away = np.hypot(rows - 100, columns - 100)
    spread = [picture[(away >= low) & (away < low + 15)].std() for low in (30, 55, 80)]
    assert spread[0] > 1.3 * spread[1] > 1.3 * spread[2] > 0


def test_a_long_part_is_darkest_along_its_axis():
    metal = np.zeros(GRID.shape, bool)
    metal[0, 80:120, 98:103] = True
    picture = streaks(metal)[0]
    along, across = picture[60:75, 97:104], picture[97:104, 60:75]
    assert along.mean() < -50
    assert along.mean() < across.mean() - 50


def test_streaks_pass_through_the_metal_wherever_it_lies():
    metal = np.zeros(GRID.shape, bool)
    metal[0, 40:42, 150:153] = True
    picture = np.abs(streaks(metal)[0])
    assert picture[30:52, 140:163].mean() > 3 * picture[150:, :50].mean()


def test_same_generator_same_streaks(two_rods):
    assert (streaks(two_rods) == streaks(two_rods)).all()
    assert (streaks(two_rods) != streaks(two_rods, seed=1)).any()

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fibrolens.errors import GeometryError
from fibrolens.volume import Geometry, Volume

AXIAL = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
GRID = Geometry((4, 5, 6), (2.5, 0.8, 0.7), (-10.0, -20.0, 30.0))


def turned(angle: float) -> Geometry:
    c, s = float(np.cos(angle)), float(np.sin(angle))
    return Geometry((4, 5, 6), (2.5, 0.8, 0.7), (1.0, 2.0, 3.0), ((0.0, -s, c), (0.0, c, s), (1.0, 0.0, 0.0)))


def test_index_zero_lies_at_the_origin_and_steps_follow_the_axes():
    np.testing.assert_allclose(GRID.to_world(np.zeros(3)), (-10, -20, 30))
    np.testing.assert_allclose(GRID.to_world(np.array([1.0, 2.0, 3.0])), (-10 + 3 * 0.7, -20 + 2 * 0.8, 30 + 2.5))


@given(st.floats(-3, 3), st.lists(st.floats(-100, 100), min_size=3, max_size=3))
def test_world_and_index_are_inverse(angle: float, index: list[float]):
    grid = turned(angle)
    np.testing.assert_allclose(grid.to_index(grid.to_world(np.array(index))), index, atol=1e-9)


@given(st.floats(-3, 3))
def test_affine_holds_the_whole_geometry(angle: float):
    grid = turned(angle)
    assert Geometry.from_affine(grid.shape, grid.affine).same_grid(grid, 1e-9)


def test_affine_maps_many_points_at_once():
    points = np.arange(24.0).reshape(2, 4, 3)
    world = GRID.to_world(points)
    np.testing.assert_allclose(world[1, 2], GRID.to_world(points[1, 2]))


@pytest.mark.parametrize(
    ("direction", "letters"),
    [
        (AXIAL, "LPS"),
        (((0.0, 0.0, 1.0), (0.0, -1.0, 0.0), (-1.0, 0.0, 0.0)), "RAS"),
        (((-1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)), "PIR"),
    ],
)
def test_letters_name_the_side_that_columns_rows_and_slices_grow_to(direction, letters):
    assert Geometry((2, 2, 2), (1.0, 1.0, 1.0), direction=direction).orientation == letters


def test_one_voxel_in_millilitres():
    assert Geometry((2, 2, 2), (10.0, 5.0, 2.0)).voxel_ml == pytest.approx(0.1)


def test_same_grid_allows_rounding_only():
    assert GRID.same_grid(Geometry((4, 5, 6), (2.5, 0.8, 0.7), (-10.005, -20.0, 30.0)))
    assert not GRID.same_grid(Geometry((4, 5, 6), (2.5, 0.8, 0.7), (-10.02, -20.0, 30.0)))
    assert not GRID.same_grid(Geometry((4, 5, 6), (2.5, 0.81, 0.7), (-10.0, -20.0, 30.0)))
    assert not GRID.same_grid(Geometry((4, 5, 7), (2.5, 0.8, 0.7), (-10.0, -20.0, 30.0)))


@pytest.mark.parametrize(
    ("shape", "spacing", "why"),
    [
        ((0, 5, 6), (1.0, 1.0, 1.0), "at least one voxel"),
        ((4, 5, 6), (1.0, 0.0, 1.0), "positive and finite"),
        ((4, 5, 6), (1.0, float("nan"), 1.0), "positive and finite"),
    ],
)
def test_impossible_grids_are_refused(shape, spacing, why):
    with pytest.raises(GeometryError, match=why):
        Geometry(shape, spacing)


def test_sheared_axes_are_refused():
    affine = np.eye(4)
    affine[0, 1] = 0.3
    with pytest.raises(GeometryError, match="right angles"):
        Geometry.from_affine((2, 2, 2), affine)


@pytest.mark.parametrize("value", [0.0, float("nan")])
def test_broken_affine_is_refused(value):
    affine = np.eye(4)
    affine[1, 1] = value
    with pytest.raises(GeometryError, match="singular or not finite"):
        Geometry.from_affine((2, 2, 2), affine)


def test_volume_describes_itself_in_file_order():
    volume = Volume(np.zeros((4, 5, 6), np.int16), GRID, "scan7")
    assert repr(volume) == "Volume(6x5x4 voxels of 0.70 x 0.80 x 2.50 mm, LPS, int16, from scan7)"


def test_array_must_fit_the_grid():
    with pytest.raises(GeometryError, match="does not fit"):
        Volume(np.zeros((4, 5, 7)), GRID)


def test_other_values_keep_grid_and_provenance():
    volume = Volume(np.zeros((4, 5, 6)), GRID, "scan7", (("kvp", 120.0),))
    ones = volume.with_array(np.ones((4, 5, 6)))
    assert (ones.geometry, ones.source, ones.get("kvp"), ones.get("absent", 1)) == (GRID, "scan7", 120.0, 1)
    assert volume.array.sum() == 0


def test_volumes_and_grids_are_frozen():
    volume = Volume(np.zeros((4, 5, 6)), GRID)
    for thing, name in ((volume, "array"), (GRID, "shape")):
        with pytest.raises(AttributeError):
            setattr(thing, name, None)


def test_grid_mismatch_names_both():
    ct = Volume(np.zeros((4, 5, 6)), GRID, "the ct")
    ct.require_grid(Volume(np.ones((4, 5, 6)), GRID, "a mask"))
    with pytest.raises(GeometryError, match=r"a mask \(6x5x4 .*is not on the grid of the ct \(6x5x4"):
        ct.require_grid(Volume(np.ones((4, 5, 6)), Geometry((4, 5, 6), (2.5, 0.8, 0.7)), "a mask"))


@pytest.mark.parametrize(("number", "expected"), [(1, [0.0, 7.0]), (2, [5.0]), (None, [0.0, 5.0, 7.0]), (3, [])])
def test_values_of_a_label_come_slice_by_slice(number, expected):
    grid = Geometry((2, 2, 2), (1.0, 1.0, 1.0))
    ct = Volume(np.arange(8, dtype=np.float32).reshape(2, 2, 2), grid)
    labels = ct.with_array(np.array([[[1, 0], [0, 0]], [[0, 2], [0, 1]]], np.uint8))

    assert ct.values_in(labels, number).tolist() == expected

"""A small volume on a finer grid, computed where it is cut."""

import numpy as np
import pytest

from fibrolens.transforms import Enlarged, Taps, filled_slices
from fibrolens.transforms.enlarged import BAND

RNG = np.random.default_rng(0)
SMALL = RNG.random((3, 4, 5), np.float32)
#: Fractional indices of the fine voxels along each axis; some lie beyond the ends.
PLACES = (np.linspace(-0.5, 2.5, 7), np.linspace(-1.0, 4.0, 9), np.linspace(0.0, 4.0, 11))
FINE = Enlarged(SMALL, tuple(Taps.at(at, n) for at, n in zip(PLACES, SMALL.shape, strict=True)))


def expected() -> np.ndarray:
    """By interpolation along one axis after the other."""
    found = SMALL.astype(float)
    for axis, at in enumerate(PLACES):
        found = np.apply_along_axis(lambda line, at=at: np.interp(at, np.arange(len(line)), line), axis, found)
    return found


def test_it_is_interpolated_linearly_and_its_ends_repeat():
    assert FINE.shape == (7, 9, 11)
    assert FINE.dtype == FINE[:].dtype == np.float32
    np.testing.assert_allclose(FINE[:], expected(), atol=1e-6)


@pytest.mark.parametrize(
    "key",
    [3, np.int64(3), slice(2, 5), (4, slice(1, 6), slice(None)), (slice(None, None, -1), 7, slice(2, 9)),
     (slice(None), slice(None), 10), (slice(None, None, 2), slice(None, None, 4), slice(None, None, 3)), (1, 2, 3)],
)  # fmt: skip
def test_a_cut_is_that_of_the_whole(key):
    np.testing.assert_allclose(FINE[key], expected()[key], atol=1e-6)


@pytest.mark.parametrize("key", [slice(None), (1, slice(3, 140), slice(None, None, 2))])
def test_more_voxels_than_one_band_are_the_sums_of_eight_neighbours(key):
    small = RNG.random((3, 30, 40), np.float32)
    rows = Taps.at(np.linspace(-1.0, 40.0, 3 * BAND), 50).within(10, 30)
    columns = Taps.at(np.linspace(0.0, 39.0, 2 * BAND + 5), 40)[::-1]
    slices = Taps.at(PLACES[0], 3)
    matrices = [taps.matrix.astype(float) for taps in (slices, rows, columns)]
    found = Enlarged(small, (slices, rows, columns))[key]
    np.testing.assert_allclose(found, np.einsum("ai,bj,ck,ijk", *matrices, small)[key], rtol=1e-6, atol=1e-9)


def test_a_cut_of_nothing_is_empty():
    assert FINE[:, 4:4].shape == (7, 0, 11)
    assert FINE[2:2].shape == (0, 9, 11)


def test_it_is_gone_through_slice_by_slice():
    slices = list(FINE)
    assert len(slices) == len(FINE) == 7
    np.testing.assert_array_equal(np.stack(slices), FINE[:])


def test_its_axes_change_places_and_turn_round():
    turned = FINE.turned((2, 0, 1), (0, 2))
    np.testing.assert_allclose(turned[:], np.flip(expected().transpose(2, 0, 1), (0, 2)), atol=1e-6)


def test_outside_a_crop_of_the_small_grid_it_is_zero():
    padded = np.zeros((4, 5), np.float32)
    padded[1:3] = SMALL[0, 1:3]
    taps = Taps.at(PLACES[1], 4)
    np.testing.assert_allclose(taps.within(1, 2).matrix @ SMALL[0, 1:3], taps.matrix @ padded, atol=1e-6)
    assert not taps.within(50, 2).matrix.any()


def test_the_matrix_weighs_two_neighbours():
    taps = Taps.at(PLACES[1], 4)
    line = RNG.random(4)
    np.testing.assert_allclose(taps.matrix @ line, np.interp(PLACES[1], np.arange(4), line), atol=1e-6)
    np.testing.assert_allclose(taps.matrix.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("size", [7, 40, 200])
def test_a_slice_is_the_same_to_the_bit_alone_and_among_others(size):
    places = np.linspace(0.3, 5.7, 23), np.linspace(-0.5, size, 2 * size + 3), np.linspace(0.1, size - 1.2, 2 * size)
    taps = tuple(Taps.at(at, n) for at, n in zip(places, (7, size, size), strict=True))
    fine = Enlarged(RNG.random((7, size, size), np.float32), taps)
    whole = fine[:]
    assert (whole == np.stack(list(fine))).all()
    assert (whole == np.concatenate([fine[at : at + 7] for at in range(0, 23, 7)])).all()
    assert (whole[::-1] == fine[::-1]).all()


def test_bands_are_the_matrix_without_what_is_zero():
    taps = Taps.at(np.linspace(9.0, -1.0, 25), 9)
    whole = np.zeros((25, 9), np.float32)
    for run, used, matrix in taps.bands(6):
        whole[run, used] = matrix
        assert matrix.shape[1] <= 5
    np.testing.assert_array_equal(whole, taps.matrix)


def grid(values, ends, sizes) -> Enlarged:
    """`values` from `ends[axis][0]` to `ends[axis][1]` of each axis of the small grid, on a grid of `sizes`."""
    places = [np.linspace(*end, size) for end, size in zip(ends, sizes, strict=True)]
    return Enlarged(values, tuple(Taps.at(at, n) for at, n in zip(places, values.shape, strict=True)))


SIDES = ((0, 9), (0, 7), (0, 8))
#: Of places whose fine voxels all lie on voxels of the small grid, so that neighbours count with a weight of zero.
ON_VOXELS = ((1, 7), (1, 5), (2, 6))


@pytest.mark.parametrize(
    ("ends", "sizes"),
    [
        (SIDES, (25, 11, 12)),
        (ON_VOXELS, (7, 5, 5)),
        (((2.5, 3.5), (1, 1), (-3, 20)), (9, 2, 7)),
        (ON_VOXELS, (4, 3, 2)),
    ],
)
@pytest.mark.parametrize("at", [(0, 0, 0), (4, 3, 4), (3, 1, 2), (9, 7, 8), (2, 4, 3), None])
def test_it_knows_which_slices_hold_anything_without_computing_them(ends, sizes, at):
    values = np.zeros((10, 8, 9), np.float32)
    if at is not None:
        values[at] = -2.0
    fine = grid(values, ends, sizes)
    cropped = Enlarged(fine.values, (fine.taps[0], fine.taps[1].within(-2, 8), fine.taps[2].within(3, 9)))
    for one in (
        fine,
        cropped,
        fine.turned((0, 1, 2), (0,)),
        fine.turned((2, 0, 1), (0, 2)),
        cropped.turned((1, 2, 0), (1,)),
    ):
        assert filled_slices(one).tolist() == [bool(plane.any()) for plane in one]
        assert filled_slices(one[:]).tolist() == one.filled.tolist()


def test_slices_of_both_signs_are_filled():
    values = np.zeros((4, 2, 2), np.float32)
    values[1], values[3] = 3.0, -1.0
    fine = grid(values, ((0, 3), (0, 1), (0, 1)), (7, 3, 3))
    assert fine.filled.tolist() == [False, True, True, True, False, True, True]

import numpy as np
import pytest

from fibrolens.transforms import Resample
from fibrolens.volume import Geometry, Volume


def ramp(geometry: Geometry) -> Volume:
    """Values that grow linearly in patient coordinates."""
    world = geometry.to_world(np.stack(np.meshgrid(*map(np.arange, geometry.shape), indexing="ij"), -1).astype(float))
    return Volume((world @ np.array([1.0, -2.0, 0.5])).astype(np.float32), geometry)


FINE = Geometry((24, 30, 28), (1.6, 0.7, 0.7), (5.0, -3.0, 8.0))


def test_the_new_grid_has_the_same_centre_and_covers_the_whole_field():
    target = Resample(FINE, (5.0, 3.0, 3.0)).target
    assert target.shape == (8, 7, 7)
    centres = [g.to_world((np.array(g.shape) - 1) / 2) for g in (FINE, target)]
    np.testing.assert_allclose(centres[0], centres[1], atol=1e-9)
    assert (np.array(target.shape) * target.spacing >= np.array(FINE.shape) * FINE.spacing - 1e-6).all()


@pytest.mark.parametrize("spacing", [(5.0, 3.0, 3.0), (1.0, 0.5, 0.9), (3.2, 1.4, 0.7)])
def test_a_ramp_stays_the_same_ramp_to_a_tenth_of_a_voxel_away_from_the_edges(spacing):
    step = Resample(FINE, spacing)
    inner = (slice(2, -2),) * 3
    np.testing.assert_allclose(step.forward(ramp(FINE)).array[inner], ramp(step.target).array[inner], atol=0.07)
    back = step.inverse(ramp(step.target))
    assert back.geometry is FINE
    inner = (slice(4, -4),) * 3
    np.testing.assert_allclose(back.array[inner], ramp(FINE).array[inner], atol=1e-3)


def test_the_same_spacing_changes_nothing():
    volume = ramp(FINE)
    step = Resample(FINE, FINE.spacing)
    assert step.target.same_grid(FINE)
    np.testing.assert_array_equal(step.forward(volume).array, volume.array)
    np.testing.assert_array_equal(step.inverse(volume).array, volume.array)


def test_a_checkerboard_finer_than_the_new_grid_averages_to_grey_instead_of_aliasing():
    board = np.indices(FINE.shape).sum(0) % 2
    coarse = Resample(FINE, (4.8, 2.1, 2.1)).forward(Volume(board.astype(np.int16), FINE)).array
    assert coarse.dtype == np.float32
    assert np.abs(coarse - 0.5).max() < 0.05


def test_edges_are_clamped_on_the_way_back():
    step = Resample(FINE, (5.0, 3.0, 3.0))
    constant = Volume(np.full(step.target.shape, 2.0, np.float32), step.target)
    np.testing.assert_allclose(step.inverse(constant).array, 2.0, rtol=1e-6)


def test_scanner_padding_below_the_floor_does_not_bleed():
    array = np.full(FINE.shape, -1000, np.int16)
    array[:, :10] = -3024
    assert Resample(FINE, (5.0, 3.0, 3.0), floor=-1000.0).forward(Volume(array, FINE)).array.min() == pytest.approx(
        -1000
    )


def test_labels_take_the_nearest_voxel_and_keep_their_type():
    labels = np.zeros(FINE.shape, np.uint8)
    labels[:, 15:] = 7
    near = Resample(FINE, (5.0, 2.1, 2.1)).forward_nearest(Volume(labels, FINE))
    assert near.array.dtype == np.uint8
    assert set(np.unique(near.array)) == {0, 7}
    np.testing.assert_array_equal((near.array == 7).any(axis=(0, 2)), np.arange(10) >= 5)

import numpy as np
import pytest

from fibrolens.io.slabs import VOXELS, gathered, runs

SHAPE = (4, 2, 3)


def slabs(*dtypes: type) -> list[np.ndarray]:
    return [np.full((2, 2, 3), 100 * number, dtype) for number, dtype in enumerate(dtypes, 1)]


@pytest.mark.parametrize(
    ("shape", "steps"), [((10, 512, 512), [4, 4, 4]), ((2, 2048, 2048), [1, 1]), ((5, 1, 1), [VOXELS])]
)
def test_a_run_has_a_bounded_number_of_voxels_and_at_least_one_slice(shape, steps):
    assert [run.stop - run.start for run in runs(shape)] == steps


def test_runs_follow_on_each_other():
    assert [list(range(10))[run] for run in runs((10, 512, 512))] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_slabs_become_one_array():
    np.testing.assert_array_equal(gathered(SHAPE, slabs(np.int16, np.int16)), np.concatenate(slabs(np.int16, np.int16)))


@pytest.mark.parametrize("dtypes", [(np.int16, np.float32), (np.float32, np.int16)])
def test_one_slab_of_fractions_makes_all_real_numbers(dtypes):
    array = gathered(SHAPE, slabs(*dtypes))
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, np.concatenate(slabs(np.float32, np.float32)))


def test_masks_keep_their_values():
    mask = np.random.default_rng(0).integers(0, 2, SHAPE).astype(np.uint8)
    array = gathered(SHAPE, [mask[:1], mask[1:]])
    assert array.dtype == np.uint8
    np.testing.assert_array_equal(array, mask)

import numpy as np
import pytest

from fibrolens.transforms import CropPad
from fibrolens.transforms.crop import box_centre
from fibrolens.volume import Geometry, Volume

GRID = Geometry((2, 10, 12), (5.0, 2.0, 3.0), (1.0, 2.0, 3.0))


def numbered() -> Volume:
    return Volume(np.arange(240, dtype=np.float32).reshape(GRID.shape), GRID)


@pytest.mark.parametrize("in_plane", [(4, 6), (16, 20), (6, 20), (5, 7)])
def test_every_kept_voxel_stays_where_it_is_in_the_patient_and_the_rest_is_air(in_plane):
    step = CropPad.around(GRID, (3.0, 8.0), in_plane, -1000.0)
    result = step.forward(numbered())
    assert result.array.shape == (2, *in_plane)
    index = np.stack(np.meshgrid(*map(np.arange, result.array.shape), indexing="ij"), -1)
    there = np.rint(GRID.to_index(result.geometry.to_world(index.astype(float)))).astype(int)
    known = ((there >= 0) & (there < GRID.shape)).all(-1)
    np.testing.assert_array_equal(result.array[known], numbered().array[tuple(there[known].T)])
    assert (result.array[~known] == -1000).all()


def test_the_crop_is_centred():
    assert CropPad.around(GRID, (5.5, 6.5), (4, 4), 0.0).start == (4, 5)


def test_its_places_say_which_rows_and_columns_it_shows():
    assert CropPad(GRID, (3, -4), (6, 20)).places == ((3, 6), (-4, 20))


def test_a_crop_beside_the_image_is_all_air():
    step = CropPad(GRID, (50, -60), (4, 4))
    assert (step.forward(numbered()).array == -1000).all()


def test_the_centre_is_that_of_the_bounding_box_or_of_the_plane_if_there_is_none():
    mask = np.zeros((3, 10, 12), bool)
    assert box_centre(mask) == (4.5, 5.5)
    mask[0, 2, 3] = mask[2, 5, 11] = True
    assert box_centre(mask) == (3.5, 7.0)
    mask[1, 3] = True
    assert box_centre(mask) == (3.5, 5.5), "what lies between the ends does not move it"

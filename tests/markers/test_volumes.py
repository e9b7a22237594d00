import numpy as np
import pytest

from fibrolens.markers.volumes import lobe_ratio, organ_volume_ml
from fibrolens.volume import Geometry, Volume

GRID = Geometry((4, 10, 10), (5.0, 1.0, 2.0))


def test_each_voxel_of_a_mask_counts_its_millimetres():
    mask = np.zeros(GRID.shape, bool)
    mask[1:3, :5] = True
    assert organ_volume_ml(Volume(mask, GRID)) == pytest.approx(2 * 5 * 10 * 10 / 1000)
    assert organ_volume_ml(Volume(np.zeros(GRID.shape, np.uint8), GRID)) == 0


def test_segments_one_to_three_are_set_against_four_to_eight():
    segments = np.zeros(GRID.shape, np.uint8)
    segments[0, 0] = np.repeat([1, 2, 3, 4, 5], 2)
    segments[1, 0, :6] = [5, 6, 6, 7, 8, 8]
    assert lobe_ratio(Volume(segments, GRID)) == pytest.approx(6 / 10)


def test_labels_that_are_no_segment_are_ignored():
    segments = np.full(GRID.shape, 9, np.uint8)
    segments[0, 0, :4] = [1, 4, 4, 0]
    assert lobe_ratio(Volume(segments, GRID)) == pytest.approx(0.5)


@pytest.mark.parametrize("label", [0, 1, 3])
def test_without_the_right_lobe_there_is_no_ratio(label):
    assert lobe_ratio(Volume(np.full(GRID.shape, label, np.uint8), GRID)) is None

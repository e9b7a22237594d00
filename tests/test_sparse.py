"""Masks that take memory where something is in them."""

import mmap
from pathlib import Path

import numpy as np
import pytest

from fibrolens.sparse import inside, sparse_zeros, sparsely, write_rows

#: As many bytes as the masks of a long CT.
LONG = (256, 512, 512)


def resident_mb():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * mmap.PAGESIZE / 1e6


def test_it_is_zero_and_can_be_written_to():
    mask = sparse_zeros((2, 3, 4), np.bool_)
    assert mask.shape == (2, 3, 4)
    assert mask.dtype == bool
    assert not mask.any()
    mask[1, 2] = True
    assert mask.sum() == 4


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not tell how much memory is taken")
def test_slices_with_a_narrow_organ_take_a_part_of_their_memory():
    before = resident_mb()
    mask = sparse_zeros(LONG)
    mask[:, 200:260, 100:160] = 1
    assert mask.any(axis=(1, 2)).all()
    assert resident_mb() - before < 0.4 * mask.nbytes / 1e6


def test_rows_that_hold_nothing_are_left_as_they_are():
    into, values = np.full((5, 3), 7), np.zeros((5, 3), int)
    values[1, 2] = values[3, 0] = 1
    write_rows(into, values)
    assert into[[0, 4]].tolist() == [[7, 7, 7]] * 2
    assert into[1:4].tolist() == values[1:4].tolist()


def test_a_mask_is_where_the_label_is_in_any_orientation():
    labels = np.random.default_rng(0).integers(0, 3, (4, 5, 6), np.uint8)
    for turned in (labels, labels[::-1], labels.transpose(2, 0, 1)):
        np.testing.assert_array_equal(inside(turned, 2), turned == 2)
    assert inside(labels, 2).dtype == bool


def test_of_each_plane_what_is_asked_is_kept():
    planes = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    np.testing.assert_array_equal(sparsely(planes, lambda plane: plane % 5), planes % 5)

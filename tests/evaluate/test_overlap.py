import numpy as np
import pytest

from fibrolens.evaluate.overlap import dice, hd95_mm

EMPTY = np.zeros((20, 24, 28), bool)


def block(first):
    mask = EMPTY.copy()
    mask[4:14, 5:15, first : first + 10] = True
    return mask


def test_dice_is_twice_the_overlap_over_both():
    assert dice(block(6), block(6)) == 1
    assert dice(block(6), block(8)) == pytest.approx(0.8)
    assert dice(block(6), EMPTY) == 0
    assert dice(EMPTY, EMPTY) is None


def test_a_shifted_block_is_as_far_as_it_was_shifted():
    assert hd95_mm(block(6), block(6), (5.0, 1.0, 0.7)) == 0
    assert hd95_mm(block(6), block(9), (5.0, 1.0, 0.7)) == pytest.approx(2.1)


def test_a_far_fleck_counts_both_ways_and_nothing_has_no_distance():
    speckled = block(6)
    speckled[:, 22:, :] = True
    assert hd95_mm(speckled, block(6), (1.0, 1.0, 1.0)) > 5
    assert hd95_mm(block(6), speckled, (1.0, 1.0, 1.0)) > 5
    assert hd95_mm(block(6), EMPTY, (1.0, 1.0, 1.0)) is None

import numpy as np

from fibrolens.segment.deform import random_patch, smooth_field

LABELS = np.zeros((20, 40, 40), np.uint8)
LABELS[5:15, 8:30, 6:18] = 1
LABELS[8:12, 20:30, 26:34] = 2
HU = np.where(LABELS == 1, 100, np.where(LABELS == 2, 200, -100)).astype(np.int16)


def patch(seed):
    return random_patch(HU, LABELS, (16, 32, 32), np.random.default_rng(seed))


def test_same_generator_same_patch():
    first, again, other = patch(1), patch(1), patch(2)
    assert np.array_equal(first[0], again[0])
    assert not np.array_equal(first[0], other[0])


def test_labels_move_with_the_image():
    for seed in range(5):
        values, labels = patch(seed)
        assert values[labels == 1].mean() > 60
        assert values[labels == 0].mean() < 0


def test_sides_are_never_mirrored():
    for seed in range(10):
        _, labels = random_patch(HU, LABELS, (40, 60, 60), np.random.default_rng(seed))
        assert np.nonzero(labels == 1)[2].mean() < np.nonzero(labels == 2)[2].mean()


def test_beyond_the_grid_is_air():
    values, labels = random_patch(HU, LABELS, (60, 60, 60), np.random.default_rng(0))
    assert values[0, 0, 0] == -1000
    assert labels[0, 0, 0] == 0


def test_smooth_field_stays_in_its_range_and_is_smooth():
    field = smooth_field(4, (20, 30, 30), 3, np.random.default_rng(0)).numpy()
    assert np.abs(field).max() <= 1
    assert np.abs(np.diff(field, axis=2)).max() < 0.3

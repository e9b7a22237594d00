import numpy as np
import torch

from fibrolens.segment.deform import random_patch, smooth_field

LABELS = np.zeros((20, 40, 40), np.uint8)
LABELS[5:15, 8:30, 6:18] = 1
LABELS[8:12, 20:30, 26:34] = 2
HU = np.where(LABELS == 1, 100, np.where(LABELS == 2, 200, -100)).astype(np.int16)
CPU = torch.device("cpu")


def patch(seed, size=(16, 32, 32)):
    return random_patch(torch.from_numpy(HU), torch.from_numpy(LABELS), size, 4.0, np.random.default_rng(seed))


def test_same_generator_same_patch():
    first, again, other = patch(1), patch(1), patch(2)
    assert torch.equal(first[0], again[0])
    assert not torch.equal(first[0], other[0])


def test_labels_move_with_the_image():
    for seed in range(5):
        values, labels = patch(seed)
        assert values[labels == 1].mean() > 60
        assert values[labels == 0].mean() < 0


def test_sides_are_never_mirrored():
    for seed in range(10):
        _, labels = patch(seed, (40, 60, 60))
        assert (labels == 1).nonzero()[:, 2].float().mean() < (labels == 2).nonzero()[:, 2].float().mean()


def test_beyond_the_grid_is_air():
    values, labels = patch(0, (60, 60, 60))
    assert values[0, 0, 0] == -1000
    assert labels[0, 0, 0] == 0


def test_smooth_field_stays_in_its_range_and_is_smooth():
    field = smooth_field(4, (20, 30, 30), 3, np.random.default_rng(0), CPU).numpy()
    assert np.abs(field).max() <= 1
    assert np.abs(np.diff(field, axis=2)).max() < 0.3

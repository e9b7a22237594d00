import numpy as np
import pytest

from fibrolens.phantom.labels import Organ
from fibrolens.plan import SegmentationPlan
from fibrolens.segment.randomise import random_example, repaint, target_classes, windowed

PLAN = SegmentationPlan()


@pytest.fixture
def abdomen():
    labels = np.full((24, 40, 40), Organ.AIR, np.uint8)
    labels[:, 4:36, 3:37] = Organ.FAT
    labels[4:20, 10:28, 6:18] = Organ.LIVER
    labels[8:16, 18:28, 27:34] = Organ.SPLEEN
    labels[:, 26:30, 19:23] = Organ.AORTA
    means = {Organ.AIR: -1000, Organ.FAT: -100, Organ.LIVER: 105, Organ.SPLEEN: 120, Organ.AORTA: 150}
    hu = np.zeros(labels.shape, np.int16)
    for organ, value in means.items():
        hu[labels == organ] = value
    return hu, labels


def test_an_example_depends_on_its_generator_alone(abdomen):
    first, again = (random_example(*abdomen, PLAN, (16, 32, 32), np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])


def test_inputs_lie_in_the_unit_range_and_targets_are_classes(abdomen):
    for seed in range(20):
        image, target = random_example(*abdomen, PLAN, (16, 32, 32), np.random.default_rng(seed))
        assert image.shape == (2, 16, 32, 32)
        assert image.min() >= 0
        assert image.max() <= 1
        assert set(np.unique(target)) <= {0, 1, 2, 3}


def test_what_the_scan_does_not_reach_is_air_without_organs(abdomen):
    image, target = random_example(*abdomen, PLAN, (16, 32, 32), np.random.default_rng(0))
    empty = (image[1] == 0).all(axis=(1, 2))
    assert empty.any()
    assert not target[empty].any()


def test_organs_become_network_classes():
    organs = np.array([[[Organ.LIVER, Organ.SPLEEN, Organ.AORTA, Organ.KIDNEY]]], np.uint8)
    assert target_classes(organs).ravel().tolist() == [1, 2, 3, 0]


def test_windows_scale_to_zero_and_one():
    hu = np.array([[[-2000.0, -125.0, 50.0, 225.0, 1000.0]]], np.float32)
    assert np.allclose(windowed(hu, PLAN)[0].ravel(), [0, 0, 0.5, 1, 1])


def test_repainting_moves_organ_means_and_leaves_air(abdomen):
    hu, labels = abdomen
    liver = [
        float(repaint(hu.astype(np.float32), labels, np.random.default_rng(seed))[labels == 1].mean())
        for seed in range(60)
    ]
    assert np.std(liver) > 10
    assert 60 < np.median(liver) < 140
    painted = repaint(hu.astype(np.float32), labels, np.random.default_rng(0))
    assert (painted[labels == Organ.AIR] == -1000).all()

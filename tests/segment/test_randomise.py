import numpy as np
import pytest
import torch
from scipy import ndimage

from fibrolens.phantom.labels import Organ
from fibrolens.segment.randomise import (
    FILLED_DOME,
    blur,
    fill_dome,
    random_ellipsoid,
    random_example,
    real_example,
    repaint,
    target_classes,
)

SIZE, VOXEL_MM = (16, 32, 32), 4.0


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
    return torch.from_numpy(hu), torch.from_numpy(labels)


def example(abdomen, seed):
    return random_example(*abdomen, SIZE, VOXEL_MM, np.random.default_rng(seed))


def test_an_example_depends_on_its_generator_alone(abdomen):
    first, again = example(abdomen, 3), example(abdomen, 3)
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])


def test_the_abdomen_is_not_changed(abdomen):
    before = [part.clone() for part in abdomen]
    for seed in range(10):
        example(abdomen, seed)
    assert all(torch.equal(a, b) for a, b in zip(before, abdomen, strict=True))


def test_examples_are_finite_and_targets_are_classes(abdomen):
    for seed in range(30):
        image, target = example(abdomen, seed)
        assert image.shape == target.shape == SIZE
        assert torch.isfinite(image).all()
        assert set(target.unique().tolist()) <= {0, 1, 2, 3}


def test_what_the_scan_does_not_reach_is_air_without_organs(abdomen):
    examples = [example(abdomen, seed) for seed in range(8)]
    empty = [(image == -1000).flatten(1).all(1) for image, _ in examples]
    assert sum(bool(e.any()) for e in empty) > 2
    assert not any(target[e].any() for (_, target), e in zip(examples, empty, strict=True))


def test_organs_become_network_classes():
    organs = torch.tensor([[[Organ.LIVER, Organ.SPLEEN, Organ.AORTA, Organ.KIDNEY]]], dtype=torch.uint8)
    assert target_classes(organs).flatten().tolist() == [1, 2, 3, 0]


def test_repainting_moves_organ_means_and_leaves_air_and_gas(abdomen):
    hu, labels = abdomen[0].float(), abdomen[1]
    hu[10, 12, 8] = -900.0  # gas inside an organ
    painted = [repaint(hu, labels, np.random.default_rng(seed)) for seed in range(60)]
    liver = [float(image[(labels == Organ.LIVER) & (hu > 0)].mean()) for image in painted]
    assert np.std(liver) > 10
    assert 60 < np.median(liver) < 140
    assert (painted[0][labels == Organ.AIR] == -1000).all()
    assert painted[0][10, 12, 8] == -900


def test_blur_is_gaussian_with_repeated_edges():
    image = torch.from_numpy(np.random.default_rng(0).normal(size=(9, 10, 11)).astype(np.float32))
    expected = ndimage.gaussian_filter(image.numpy(), (1.0, 0.7, 1.4), mode="nearest", truncate=3)
    assert np.abs(blur(image, [1.0, 0.7, 1.4]).numpy() - expected).max() < 0.02
    assert torch.equal(blur(image, [0.0, 0.0, 0.0]), image)


def test_an_ellipsoid_lies_around_a_voxel_of_its_mask_and_has_its_radius():
    inside = torch.zeros(40, 40, 40, dtype=torch.bool)
    assert not random_ellipsoid(inside, (8.0, 12.0), 1.0, np.random.default_rng(0)).any()
    inside[20, 20, 20] = True
    ball = random_ellipsoid(inside, (8.0, 12.0), 1.0, np.random.default_rng(0))
    assert ball[20, 20, 20]
    assert 4 / 3 * np.pi * (8 * 0.7) ** 3 < ball.sum() < 4 / 3 * np.pi * (12 * 1.3) ** 3


def test_a_real_example_keeps_its_intensities_or_passes_a_poorer_scanner(abdomen):
    hu, labels = abdomen
    classes = target_classes(labels)
    drawn = [real_example(hu, classes, SIZE, VOXEL_MM, np.random.default_rng(seed)) for seed in range(16)]
    again, _ = real_example(hu, classes, SIZE, VOXEL_MM, np.random.default_rng(4))
    assert torch.equal(drawn[4][0], again)
    livers = [float(image[target == 1].median()) for image, target in drawn if (target == 1).sum() > 200]
    assert sum(level == 105 for level in livers) >= 3
    assert sum(level != 105 for level in livers) >= 3
    assert all(50 < level < 130 for level in livers)
    assert all(not target[image == -1000].any() for image, target in drawn)


@pytest.fixture
def full_stomach(abdomen):
    hu, labels = (part.clone() for part in abdomen)
    stomach = (slice(6, 22), slice(8, 18), slice(24, 34))  # in front of the spleen, and higher
    labels[stomach], hu[stomach] = Organ.STOMACH, 20
    return hu.float(), labels


def filled(full_stomach, seed):
    image, organs = (part.clone() for part in full_stomach)
    rng, noise = np.random.default_rng(seed), torch.Generator().manual_seed(0)
    fill_dome(image, organs, VOXEL_MM, rng, noise)
    return image, organs


def test_a_filled_dome_gives_the_top_of_the_stomach_to_the_spleen(full_stomach):
    _, before = full_stomach
    changed = [filled(full_stomach, seed) for seed in range(60)]
    changed = [(image, organs) for image, organs in changed if not torch.equal(organs, before)]
    # Three standard deviations of a share of 60; and neither kind of dome may be rare.
    assert abs(len(changed) / 60 - FILLED_DOME) < 0.2
    assert 0.25 <= FILLED_DOME <= 0.75
    for image, organs in changed:
        gone = (before == Organ.STOMACH) & (organs != Organ.STOMACH)
        assert gone[21].sum() == 100, "the highest slice of the stomach goes first"
        new = (organs == Organ.SPLEEN) & (before != Organ.SPLEEN)
        assert set(organs[gone].unique().tolist()) <= {Organ.SPLEEN, Organ.FAT}
        if new.sum() > 50:
            assert image[new].mean() == pytest.approx(120, abs=5), "it looks like the spleen"
        assert torch.equal(organs == Organ.LIVER, before == Organ.LIVER)


def test_without_a_spleen_no_dome_is_filled(full_stomach):
    image, organs = full_stomach
    organs[organs == Organ.SPLEEN] = Organ.FAT
    assert all(torch.equal(filled((image, organs), seed)[1], organs) for seed in range(20))

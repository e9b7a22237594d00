import itertools

import numpy as np
import pytest
from tests.segment.cascades import SMALL, Oracle

from fibrolens.segment.predict import CERTAIN, Segmenter, choose, clean, passes
from fibrolens.segment.vnet import Cascade
from fibrolens.volume import Geometry, Volume
from fibrolens.weights import save_model_folder


def abdomen(direction=((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))):
    shape, spacing = (40, 90, 100), (5.0, 3.0, 2.6)
    z, y, x = np.meshgrid(*[np.arange(n) * s for n, s in zip(shape, spacing, strict=True)], indexing="ij")
    hu = np.full(shape, -1000, np.int16)
    hu[((y - 130) / 110) ** 2 + ((x - 125) / 105) ** 2 < 1] = 0
    hu[((z - 100) / 60) ** 2 + ((y - 120) / 55) ** 2 + ((x - 80) / 50) ** 2 < 1] = 150
    hu[((z - 110) / 50) ** 2 + ((y - 160) / 35) ** 2 + ((x - 185) / 30) ** 2 < 1] = 200
    hu[(y - 190) ** 2 + (x - 130) ** 2 < 225] = 100
    return Volume(hu, Geometry(shape, spacing, (-130.0, -150.0, 20.0), direction))


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


@pytest.fixture
def segmenter():
    return Segmenter(Oracle(), SMALL, "oracle", "0" * 64)


def turned(volume, flips, axes):
    """The same patient stored along other axes."""
    geometry = volume.geometry
    corner = geometry.to_world(np.array([(n - 1.0) * f for n, f in zip(geometry.shape, flips, strict=True)]))
    array = np.flip(volume.array, [a for a in range(3) if flips[a]]).transpose(axes)
    rows = [tuple((-1 if f else 1) * c for c in d) for d, f in zip(geometry.direction, flips, strict=True)]
    direction = tuple(rows[a] for a in axes)
    return Volume(array, Geometry(array.shape, tuple(geometry.spacing[a] for a in axes), tuple(corner), direction))


@pytest.mark.parametrize("flips", list(itertools.product((False, True), repeat=3)))
def test_no_orientation_swaps_organs(segmenter, flips):
    ct = turned(abdomen(), flips, (2, 0, 1))
    found = segmenter.segment(ct)
    found.labels.require_grid(ct)
    assert found.labels.array.dtype == np.uint8
    assert dice(found.labels.array == 1, ct.array == 150) > 0.96
    assert dice(found.labels.array == 2, ct.array == 200) > 0.94
    assert dice(found.aorta.array == 1, ct.array == 100) > 0.6
    assert found.source == "oracle"


def test_a_glance_sees_the_same_aorta_and_roughly_the_same_organs(segmenter):
    ct = turned(abdomen(), (True, False, False), (2, 0, 1))
    seen, found = segmenter.glance(ct), segmenter.segment(ct)
    for volume in (seen.labels, seen.aorta):
        volume.require_grid(ct)
    elsewhere = found.labels.array == 0
    assert (seen.aorta.array == found.aorta.array)[elsewhere].all()
    assert seen.aorta.array[elsewhere].any()
    assert all(dice(seen.labels.array == organ, found.labels.array == organ) > 0.85 for organ in (1, 2))


def test_nothing_found_is_nothing_labelled(segmenter):
    ct = abdomen()
    found = segmenter.segment(ct.with_array(np.full_like(ct.array, -1000)))
    assert not found.labels.array.any()
    assert not found.aorta.array.any()


@pytest.mark.parametrize("slices", [1, 112, 113, 300, 1000])
def test_passes_cover_every_slice_within_their_length(slices):
    found = list(passes(slices))
    assert set(itertools.chain(*(range(a, b) for a, b in found))) == set(range(slices))
    assert all(0 < b - a <= 112 for a, b in found)


def test_overlapping_passes_agree_with_a_single_one(segmenter):
    hu = np.random.default_rng(0).normal(100, 30, (260, 8, 8)).astype(np.float32)
    image = np.clip((hu + 125) / 350, 0, 1) * 350 - 125
    assert np.allclose(segmenter.find(hu)[1], -((image - 150) ** 2) / 200, atol=1e-2)


def test_cleaning_keeps_one_piece_without_holes():
    scores = np.zeros((4, 20, 20, 20), np.float32)
    scores[0] = 5
    scores[1, 3:12, 3:12, 3:12] = 9
    scores[1, 7, 7, 7] = 0
    scores[1, 16:18, 16:18, 16:18] = 9
    classes = clean(scores).argmax(axis=0)
    expected = np.zeros((20, 20, 20), int)
    expected[3:12, 3:12, 3:12] = 1
    assert np.array_equal(classes, expected)


def test_a_piece_too_small_for_an_organ_is_none():
    scores = np.zeros((3, 20, 20, 20), np.float32)
    scores[0] = 5
    scores[1, 3:12, 3:12, 3:12] = 9
    scores[2, 16:18, 16:18, 16:18] = 9
    assert set(np.unique(clean(scores, least=9).argmax(axis=0))) == {0, 1}
    assert set(np.unique(clean(scores, least=8).argmax(axis=0))) == {0, 1, 2}


def test_borders_run_between_coarse_voxels():
    scores = np.zeros((2, 8, 8, 8), np.float32)
    scores[1] = np.linspace(-CERTAIN, CERTAIN, 8)[:, None]  # zero halfway between rows 3 and 4
    coarse = Geometry((8, 8, 8), (4.0, 4.0, 4.0))
    fine = Geometry((32, 32, 32), (1.0, 1.0, 1.0), (-1.5, -1.5, -1.5))
    classes = np.zeros(fine.shape, np.uint8)
    choose(scores, coarse, fine, classes)
    assert np.array_equal(classes[16, :, 16], np.repeat([0, 1], 16))


def test_a_segmenter_comes_from_a_model_folder(tmp_path):
    card = {"name": "vnet-test", "trained_on": "nothing", "intended_use": "tests", "figures": {}, "seed": 0}
    digest = save_model_folder(tmp_path / "vnet", Cascade(SMALL).state_dict(), SMALL, card, half=True)
    loaded = Segmenter.load(tmp_path / "vnet")
    assert (loaded.name, loaded.sha256, loaded.plan) == ("vnet-test", digest, SMALL)
    assert loaded.segment(abdomen()).labels.array.shape == (40, 90, 100)

"""Colour pictures of slices under a map, from the head down, by radiological convention."""

import numpy as np
import pytest
from tests.staged import simulated

from fibrolens.report.frames import SIDE, overlay_frames
from fibrolens.report.overlay_captions import Captions
from fibrolens.report.scene import Scene
from fibrolens.report.sheets import MOST_FRAMES, FrameSheet
from fibrolens.transforms import Orient
from fibrolens.volume import Volume


@pytest.fixture(scope="module")
def scene():
    """A CT with a map that is hot in the patient's right half, on part of the slices."""
    rendering = simulated()
    ct = rendering.hu
    values = np.zeros(ct.array.shape, np.float32)
    side = 0 if ct.geometry.orientation[0] == "L" else 1
    half = ct.array.shape[2] // 2
    values[10:13, :, :half] = 3.0 if side == 0 else 0.0
    values[10:13, :, half:] = 0.0 if side == 0 else 3.0
    labels = ct.with_array((rendering.labels.array == 1).astype(np.uint8))
    return ct, ct.with_array(values), labels


def frames_of(ct, location_map, labels, captions=None):
    return overlay_frames(FrameSheet.of(Scene.of(ct, location_map, labels), captions or Captions()))


def warmth(picture):
    """How much redder than blue each half of a picture is."""
    body = picture[100:400, 30:400].astype(int)
    warm = np.maximum(body[..., 0] - body[..., 2], 0)
    return warm[:, :185].mean(), warm[:, 185:].mean()


def test_only_covered_slices_are_shown_and_the_patients_right_is_on_the_left(scene):
    frames = frames_of(*scene, Captions("title"))
    assert frames.shape == (3, SIDE, SIDE, 3)
    left, right = warmth(frames[1])
    assert left > 5 * right
    assert left > 10


def test_a_ct_of_another_orientation_gives_the_same_pictures(scene):
    turned = [Volume(v.array[::-1, ::-1], flipped(v)) for v in scene]
    assert Orient.fit(turned[0].geometry).forward(turned[0]).geometry.same_grid(scene[0].geometry)
    assert (frames_of(*turned) == frames_of(*scene)).all()


def flipped(volume):
    """Geometry of the array with slices and rows reversed."""
    affine = volume.geometry.affine
    d, h, _ = volume.array.shape
    affine[:3, 3] += affine[:3, 0] * (d - 1) + affine[:3, 1] * (h - 1)
    affine[:3, :2] *= -1
    return volume.geometry.from_affine(volume.array.shape, affine)


def test_the_words_change_the_picture(scene):
    plain, forced = (frames_of(*scene, Captions("title", forced=forced)) for forced in (False, True))
    assert (plain[0][:440] == forced[0][:440]).all()
    assert (plain[0][440:] != forced[0][440:]).any()


def test_a_map_of_zeros_shows_the_ct_in_no_more_pictures_than_fit(scene):
    ct, _, labels = scene
    frames = frames_of(ct, ct.with_array(np.zeros(ct.array.shape, np.float32)), labels)
    assert len(frames) == MOST_FRAMES

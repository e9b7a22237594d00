import io
import time

import numpy as np
import pytest
from matplotlib.image import imread

from fibrolens.errors import GeometryError
from fibrolens.report.overlay import overlay_png
from fibrolens.report.overlay_captions import Captions
from fibrolens.report.scene import Scene
from fibrolens.report.sheets import OverlaySheet
from fibrolens.volume import Geometry, Volume


def body(shape=(20, 48, 64), spacing=(5.0, 6.0, 6.0)):
    """An elliptic torso with a liver on the patient's right and a spleen on the left."""
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    torso = ((y / shape[1] - 0.5) / 0.4) ** 2 + ((x / shape[2] - 0.5) / 0.4) ** 2 < 1
    hu = np.where(torso & (z >= 0), 50, -1000).astype(np.int16)
    labels = np.zeros(shape, np.uint8)
    labels[4:-4, shape[1] // 3 : 2 * shape[1] // 3, shape[2] // 5 : shape[2] // 2] = 1
    labels[6:-6, shape[1] // 2 : 2 * shape[1] // 3, 2 * shape[2] // 3 : 3 * shape[2] // 4] = 2
    grid = Geometry(shape, spacing)
    heat = np.where(labels == 2, 5.0, 0.5).astype(np.float32) * torso
    return Volume(hu, grid), Volume(heat, grid), Volume(labels, grid)


def picture(ct, location_map, labels, captions=None):
    """The overlay as an array in [0, 1]."""
    return imread(io.BytesIO(drawn(ct, location_map, labels, captions)))


def drawn(ct, location_map, labels, captions=None):
    return overlay_png(OverlaySheet.of(Scene.of(ct, location_map, labels), captions or Captions()))


def test_a_picture_with_and_without_labels_and_the_same_bytes_each_time():
    ct, heat, labels = body()
    with_labels = drawn(ct, heat, labels, Captions("scan"))
    assert drawn(ct, heat, labels, Captions("scan")) == with_labels
    without = picture(ct, heat, None, Captions("scan", forced=True))
    assert without.shape[:2] == imread(io.BytesIO(with_labels)).shape[:2]


def test_every_orientation_of_a_scan_gives_the_same_picture():
    volumes = body()

    def turned(volume: Volume) -> Volume:
        grid = volume.geometry
        array = np.flip(volume.array, (0, 2)).transpose(1, 0, 2)
        origin = tuple(grid.to_world(np.array([grid.shape[0] - 1.0, 0.0, grid.shape[2] - 1.0])).tolist())
        axes = ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0), (-1.0, 0.0, 0.0))
        spacing = (grid.spacing[1], grid.spacing[0], grid.spacing[2])
        return Volume(np.ascontiguousarray(array), Geometry(array.shape, spacing, origin, axes))

    assert np.abs(picture(*volumes) - picture(*map(turned, volumes))).max() < 0.02


def test_a_scan_without_a_map_an_all_zero_map_and_an_empty_scan_can_be_drawn():
    ct, heat, labels = body()
    bare = picture(ct, None, labels)
    zero = picture(ct, heat.with_array(heat.array * 0), labels)
    assert (bare[:, :1200] == zero[:, :1200]).all()
    # Only a map has a colour bar.
    assert (bare[:, -80:] == 1).mean() > (zero[:, -80:] == 1).mean()
    assert len(drawn(ct.with_array(ct.array * 0 - 1000), heat, None)) > 10_000


def test_another_grid_is_refused():
    ct, heat, _ = body()
    _, other, marks = body(spacing=(4.0, 6.0, 6.0))
    for located, organs in ((other, None), (heat, marks)):
        with pytest.raises(GeometryError):
            drawn(ct, located, organs)


def test_a_clinical_scan_takes_seconds():
    volumes = body((129, 512, 512), (1.6, 0.6, 0.6))
    started = time.process_time()
    drawn(*volumes)
    assert time.process_time() - started < 6.0

import time

import numpy as np
import pytest
from matplotlib.image import imread

from fibrolens.errors import GeometryError
from fibrolens.report.overlay import overlay_png
from fibrolens.report.overlay_captions import Captions
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


def test_a_picture_with_and_without_labels_and_the_same_bytes_each_time(tmp_path):
    ct, heat, labels = body()
    for name, marks in (("a", labels), ("b", labels), ("c", None)):
        overlay_png(ct, heat, marks, tmp_path / f"{name}.png", Captions("scan", forced=marks is None))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert imread(tmp_path / "c.png").shape[:2] == imread(tmp_path / "a.png").shape[:2]


def test_every_orientation_of_a_scan_gives_the_same_picture(tmp_path):
    volumes = body()
    overlay_png(*volumes, tmp_path / "a.png")

    def turned(volume: Volume) -> Volume:
        grid = volume.geometry
        array = np.flip(volume.array, (0, 2)).transpose(1, 0, 2)
        origin = tuple(grid.to_world(np.array([grid.shape[0] - 1.0, 0.0, grid.shape[2] - 1.0])).tolist())
        axes = ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0), (-1.0, 0.0, 0.0))
        spacing = (grid.spacing[1], grid.spacing[0], grid.spacing[2])
        return Volume(np.ascontiguousarray(array), Geometry(array.shape, spacing, origin, axes))

    overlay_png(*map(turned, volumes), tmp_path / "b.png")
    assert np.abs(imread(tmp_path / "a.png") - imread(tmp_path / "b.png")).max() < 0.02


def test_an_all_zero_map_and_an_empty_scan_can_be_drawn(tmp_path):
    ct, heat, labels = body()
    overlay_png(ct, heat.with_array(heat.array * 0), labels, tmp_path / "a.png")
    overlay_png(ct.with_array(ct.array * 0 - 1000), heat, None, tmp_path / "b.png")
    assert (tmp_path / "b.png").stat().st_size > 10_000


def test_another_grid_is_refused(tmp_path):
    ct, heat, _ = body()
    _, other, _ = body(spacing=(4.0, 6.0, 6.0))
    with pytest.raises(GeometryError):
        overlay_png(ct, other, None, tmp_path / "a.png")
    assert heat.array.shape == other.array.shape


def test_a_clinical_scan_takes_seconds(tmp_path):
    volumes = body((129, 512, 512), (1.6, 0.6, 0.6))
    started = time.process_time()
    overlay_png(*volumes, tmp_path / "a.png")
    assert time.process_time() - started < 6.0

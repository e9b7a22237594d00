import numpy as np
import pytest

from fibrolens.segment.regions import depth_mm, regions
from fibrolens.volume import Geometry, Volume


def ball(spacing, radius):
    shape = tuple(int(2 * (radius + 8) / s) for s in spacing)
    axes = np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * s for n, s in zip(shape, spacing, strict=True)], indexing="ij")
    distance = np.sqrt(sum(a**2 for a in axes))
    return distance <= radius, radius - distance


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (5.0, 1.5, 1.5)])
def test_depth_is_in_true_millimetres(spacing):
    mask, truth = ball(spacing, 40.0)
    error = (depth_mm(mask, spacing) - truth)[mask]
    assert abs(np.median(error)) < 0.2
    assert np.percentile(np.abs(error), 90) < max(spacing) / 2


def test_shell_and_core_divide_the_liver():
    mask, truth = ball((2.0, 2.0, 2.0), 40.0)
    volume = Volume(mask.astype(np.uint8), Geometry(mask.shape, (2.0, 2.0, 2.0)))
    found = regions(volume, np.ones_like(mask))
    assert np.array_equal(found["liver_surface"] ^ found["liver_core"], found["liver"])
    assert abs(found["liver_core"].sum() / (truth >= 10).sum() - 1) < 0.05
    assert np.array_equal(found["elsewhere"], ~mask)
    assert "spleen" not in found


def test_the_edge_of_the_scan_is_no_surface():
    mask = np.zeros((10, 30, 30), bool)
    mask[:, 5:25, 5:25] = True
    depth = depth_mm(mask, (5.0, 1.0, 1.0))
    assert depth[0, 15, 15] == depth[5, 15, 15] == pytest.approx(9.57, abs=0.01)
    assert np.isinf(depth_mm(np.ones((3, 3, 3), bool), (1.0, 1.0, 1.0))).all()


def test_no_organs_no_regions():
    empty = np.zeros((3, 4, 4), np.uint8)
    assert set(regions(Volume(empty, Geometry(empty.shape, (1.0, 1.0, 1.0))), empty == 0)) == {"elsewhere"}

import numpy as np
import pytest

from fibrolens.regions import capsule_depth_at, capsule_depth_mm, depth_mm, regions
from fibrolens.volume import Geometry, Volume


def ball(spacing, radius, shift=(0.0, 0.0, 0.0)):
    """A ball, and the true depth of every voxel centre below its surface; `shift` of its centre off the grid's, mm."""
    shape = tuple(int(2 * (radius + 8) / s) for s in spacing)
    axes = [(np.arange(n) - (n - 1) / 2) * s - o for n, s, o in zip(shape, spacing, shift, strict=True)]
    distance = np.sqrt(sum(a**2 for a in np.meshgrid(*axes, indexing="ij", sparse=True)))
    return distance <= radius, radius - distance


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (5.0, 1.5, 1.5), (5.0, 0.7, 0.7)])
def test_depth_is_in_true_millimetres(spacing):
    mask, truth = ball(spacing, 40.0)
    error = (depth_mm(mask, spacing) - truth)[mask]
    assert abs(np.median(error)) < 0.2
    assert np.percentile(np.abs(error), 90) < max(spacing) / 2


@pytest.mark.parametrize("spacing", [(5.0, 0.7, 0.7), (5.0, 1.5, 1.5), (1.6, 0.8, 0.8)])
@pytest.mark.parametrize("shift", [(0.0, 0.0, 0.0), (1.7, 0.2, 0.1), (2.5, 0.35, 0.35)])
def test_shell_of_a_ball_on_thick_slices_has_its_true_volume(spacing, shift):
    radius = 55.0  # about 700 ml
    mask, _ = ball(spacing, radius, shift)
    depth = capsule_depth_mm(mask, spacing)
    ml = np.prod(spacing) / 1000
    core = 4 / 3 * np.pi * (radius - 10) ** 3 / 1000
    shell = 4 / 3 * np.pi * radius**3 / 1000 - core
    assert ((depth <= 10) & mask).sum() * ml == pytest.approx(shell, rel=0.02)
    assert (depth > 10).sum() * ml == pytest.approx(core, rel=0.02)


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


def on_grid(labels, geometry):
    """Labels on another grid, each voxel taking the nearest; 0 where there is none."""
    index = np.rint(
        labels.geometry.to_index(geometry.to_world(np.indices(geometry.shape).reshape(3, -1).T.astype(float)))
    )
    inside = ((index >= 0) & (index < labels.geometry.shape)).all(axis=1)
    array = np.zeros(inside.size, np.uint8)
    array[inside] = labels.array[tuple(index[inside].astype(int).T)]
    return Volume(array.reshape(geometry.shape), geometry)


@pytest.mark.parametrize("spacing", [(5.0, 0.7, 0.7), (1.6, 0.57, 0.57)])
def test_layers_of_a_ball_keep_their_volume_on_a_coarse_grid(spacing):
    radius = 50.0
    mask, _ = ball(spacing, radius, (1.7, 0.2, 0.1))
    labels = Volume(mask.astype(np.uint8), Geometry(mask.shape, spacing))
    shape = tuple(int(n * s / t) for n, s, t in zip(mask.shape, spacing, (5, 3, 3), strict=True))
    coarse = on_grid(labels, Geometry(shape, (5.0, 3.0, 3.0), (0.9, 0.4, 0.2)))
    depth = capsule_depth_at(labels, coarse)
    for upper in (0, 5, 10, 15, 20):
        layer = ((depth > upper) & (depth <= upper + 5)).sum() * 45
        assert layer == pytest.approx(4 / 3 * np.pi * ((radius - upper) ** 3 - (radius - upper - 5) ** 3), rel=0.05)


def test_an_edge_of_the_scan_is_no_surface_where_the_coarse_grid_reaches_beyond_it():
    spacing = (5.0, 1.5, 1.5)
    mask, truth = ball(spacing, 40.0)
    half = mask.shape[2] // 2
    geometry = Geometry((*mask.shape[:2], half), spacing)
    labels = Volume(mask[:, :, :half].astype(np.uint8), geometry)
    wide = on_grid(labels, Geometry(mask.shape, spacing))
    depth = capsule_depth_at(labels, wide)
    assert np.abs(depth - truth)[wide.array > 0].max() < 2.5
    assert depth_mm(wide.array > 0, spacing).max() < 25 < depth.max()


def test_a_scan_inside_the_liver_has_no_depth():
    labels = Volume(np.ones((4, 6, 6), np.uint8), Geometry((4, 6, 6), (5.0, 1.0, 1.0)))
    assert np.isinf(capsule_depth_at(labels, labels)).all()


def test_a_cavity_has_no_capsule():
    spacing = (2.0, 2.0, 2.0)
    mask, truth = ball(spacing, 40.0)
    hollow = mask & (truth < 30)
    depth = capsule_depth_mm(hollow, spacing)
    assert np.abs(depth - truth)[hollow].max() < 2
    assert depth_mm(hollow, spacing)[hollow].max() < 20
    assert not depth[~hollow].any()


def test_no_organs_no_regions():
    empty = np.zeros((3, 4, 4), np.uint8)
    assert set(regions(Volume(empty, Geometry(empty.shape, (1.0, 1.0, 1.0))), empty == 0)) == {"elsewhere"}

import numpy as np
import pytest

from fibrolens.errors import GeometryError
from fibrolens.explain.attention import NAMES, attention, centroid_mm, depth_profile
from fibrolens.plan import GridPlan
from fibrolens.regions import capsule_depth_at
from fibrolens.transforms import ToNetworkGrid
from fibrolens.volume import Geometry, Volume

SHAPE = (12, 40, 40)
GRID = Geometry(SHAPE, (5.0, 1.5, 1.5))
BODY = np.ones(SHAPE, bool)
COVERED = np.ones(SHAPE[0])


def labels():
    array = np.zeros(SHAPE, np.uint8)
    array[2:10, 5:30, 3:28] = 1
    array[4:8, 20:30, 31:38] = 2
    return Volume(array, GRID)


def measured(values, organs=None, body=BODY, coverage=COVERED):
    return attention(Volume(values.astype(np.float32), GRID), organs or labels(), body, coverage)


def test_an_even_map_is_one_everywhere_and_shares_follow_volume():
    found = measured(np.ones(SHAPE))
    assert set(found) == set(NAMES)
    assert all(r.mean == pytest.approx(1) for r in found.values())
    assert found["liver"].share == pytest.approx(8 * 25 * 25 / np.prod(SHAPE))


def test_shares_add_up():
    found = measured(np.random.default_rng(0).random(SHAPE))
    assert sum(found[n].share for n in ("liver", "spleen", "elsewhere")) == pytest.approx(1)
    assert found["liver_surface"].share + found["liver_core"].share == pytest.approx(found["liver"].share)


def test_a_map_in_the_spleen_is_found_in_the_spleen():
    found = measured(labels().array == 2)
    assert found["spleen"].share == 1
    assert found["liver"].mean == 0


def test_slices_without_coverage_are_ignored():
    coverage, values = COVERED.copy(), np.ones(SHAPE)
    coverage[:3] = 0
    values[:3] = 100
    found = measured(values, coverage=coverage)
    assert found["elsewhere"].mean == pytest.approx(1)
    assert found["liver"].voxels == 7 * 25 * 25


def test_outside_the_body_counts_for_nothing():
    body = BODY.copy()
    body[:, :2] = False
    values = np.ones(SHAPE)
    values[:, :2] = 100
    assert measured(values, body=body)["elsewhere"].mean == pytest.approx(1)


def test_a_missing_organ_is_none_and_a_zero_map_has_no_figures():
    organs = labels()
    organs.array[organs.array == 2] = 0
    found = measured(np.zeros(SHAPE), organs)
    assert found["spleen"] is None
    assert (found["liver"].mean, found["liver"].share, found["liver"].voxels) == (None, None, 5000)


def test_another_grid_is_refused():
    with pytest.raises(GeometryError):
        attention(Volume(np.ones(SHAPE), Geometry(SHAPE, (4.0, 1.5, 1.5))), labels(), BODY, COVERED)


def ball_in_a_body(spacing, radius=50.0):
    """A body with a ball for a liver, on a CT's grid: labels, and the true depth below the ball's surface."""
    shape = tuple(int(2 * (radius + 15) / s) for s in spacing)
    axes = [(np.arange(n) - (n - 1) / 2) * s for n, s in zip(shape, spacing, strict=True)]
    depth = radius - np.sqrt(sum(a**2 for a in np.meshgrid(*axes, indexing="ij", sparse=True)))
    return Volume((depth >= 0).astype(np.uint8), Geometry(shape, spacing)), depth.astype(np.float32)


def layer_volume(radius, upper, lower):
    return 4 / 3 * np.pi * ((radius - upper) ** 3 - max(radius - lower, 0) ** 3)


@pytest.mark.parametrize("spacing", [(5.0, 0.7, 0.7), (2.0, 0.8, 0.8)])
def test_profile_of_a_ball_is_that_of_its_true_layers(spacing):
    organs, depth = ball_in_a_body(spacing)
    map_ = organs.with_array(np.maximum(depth, 0))
    layers = depth_profile(map_, organs, np.ones_like(depth, bool), np.ones(len(depth)))
    assert [(layer.from_mm, layer.to_mm) for layer in layers] == [(5.0 * n, 5.0 * (n + 1)) for n in range(10)]
    voxel = np.prod(spacing)
    for layer in layers[:7]:
        assert layer.inside.voxels * voxel == pytest.approx(layer_volume(50, layer.from_mm, layer.to_mm), rel=0.06)
        assert layer.inside.mean == pytest.approx(layer.from_mm + 2.5, abs=0.6)
    assert sum(layer.inside.share for layer in layers) == pytest.approx(1)
    assert sum(layer.inside.voxels for layer in layers) == organs.array.sum()


def test_the_first_two_layers_are_the_shell():
    organs, _ = ball_in_a_body((5.0, 1.5, 1.5))
    map_ = organs.with_array(np.random.default_rng(0).random(organs.array.shape).astype(np.float32))
    everything = (map_, organs, np.ones_like(organs.array, bool), np.ones(len(organs.array)))
    found, layers = attention(*everything), depth_profile(*everything)
    assert sum(layer.inside.voxels for layer in layers[:2]) == found["liver_surface"].voxels
    assert sum(layer.inside.share for layer in layers[2:]) == pytest.approx(found["liver_core"].share)


@pytest.mark.parametrize("plan", [GridPlan(), GridPlan(spacing_mm=(5.0, 3.0, 3.0), in_plane=(128, 128))])
def test_shell_and_layers_hold_on_the_network_grid(plan):
    organs, depth = ball_in_a_body((5.0, 0.7, 0.7))
    way = ToNetworkGrid.fit(organs.with_array(np.where(depth > -10, 50, -1000).astype(np.int16)), plan)
    seen = way.forward_labels(organs)
    map_ = seen.with_array(np.ones(seen.array.shape, np.float32))
    everything = (map_, seen, np.ones_like(seen.array, bool), np.ones(len(map_.array)), capsule_depth_at(organs, seen))
    found, layers = attention(*everything), depth_profile(*everything)
    liver = layer_volume(50, 0, 50)
    shell = found["liver_surface"].share / found["liver"].share
    assert shell == pytest.approx(layer_volume(50, 0, 10) / liver, abs=0.01)
    for layer in layers[:5]:
        share = layer.inside.share / found["liver"].share
        assert share == pytest.approx(layer_volume(50, layer.from_mm, layer.to_mm) / liver, abs=0.012)


def test_slices_without_coverage_are_no_layer_but_keep_the_depth():
    organs, depth = ball_in_a_body((5.0, 1.5, 1.5))
    coverage = np.zeros(len(depth))
    coverage[len(depth) // 2] = 1
    map_ = organs.with_array(np.ones(depth.shape, np.float32))
    layers = depth_profile(map_, organs, np.ones_like(depth, bool), coverage)
    assert sum(layer.inside.voxels for layer in layers) == organs.array[len(depth) // 2].sum()
    assert layers[-1].to_mm == 50


def test_no_liver_or_no_surface_has_no_profile():
    nothing = labels().with_array(np.zeros(SHAPE, np.uint8))
    everywhere = labels().with_array(np.ones(SHAPE, np.uint8))
    map_ = labels().with_array(np.ones(SHAPE, np.float32))
    assert depth_profile(map_, nothing, BODY, COVERED) == ()
    assert depth_profile(map_, everywhere, BODY, COVERED) == ()


def test_a_zero_map_has_layers_without_figures():
    layers = depth_profile(labels().with_array(np.zeros(SHAPE, np.float32)), labels(), BODY, COVERED)
    assert layers
    assert {(layer.inside.mean, layer.inside.share) for layer in layers} == {(None, None)}


def test_the_centroid_is_the_centre_of_gravity_in_the_patients_coordinates():
    map_ = np.zeros(SHAPE)
    map_[2, 10, 20], map_[4, 10, 20] = 1.0, 3.0
    grid = Geometry(SHAPE, (5.0, 1.5, 1.5), (10.0, -20.0, 7.0))
    found = centroid_mm(Volume(map_, grid), BODY)
    assert found == pytest.approx((10 + 20 * 1.5, -20 + 10 * 1.5, 7 + 3.5 * 5.0))
    assert centroid_mm(Volume(map_ * 0, grid), BODY) is None

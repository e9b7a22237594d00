import numpy as np
import pytest

from fibrolens.errors import CoverageError
from fibrolens.plan import GridPlan
from fibrolens.staging.predict import Prediction
from fibrolens.view import NetworkView, scaled_map
from fibrolens.volume import Geometry, Volume

GRID = GridPlan(spacing_mm=(5.0, 6.0, 6.0), in_plane=(24, 24))


@pytest.fixture
def ct():
    hu = np.full((12, 48, 48), -1000, np.int16)
    hu[:, 6:42, 6:42] = 50
    return Volume(hu, Geometry(hu.shape, (2.5, 3.0, 3.0)))


@pytest.fixture
def labels(ct):
    array = np.zeros(ct.array.shape, np.uint8)
    array[2:10, 10:30, 10:30], array[4:8, 32:38, 32:38] = 1, 2
    return ct.with_array(array)


def test_image_organs_and_depth_lie_on_one_grid(ct, labels):
    view = NetworkView.of(ct, labels, GRID)
    assert view.image.array.shape == view.body.shape == view.depth.shape == (6, 24, 24)
    view.image.require_grid(view.labels)
    assert view.image.array[3, 12, 12] == pytest.approx((50 + 125) / 350, abs=1e-5)
    assert view.liver_range == (1, 4)
    assert (view.depth[view.labels.array != 1] == 0).all()
    assert view.depth.max() == pytest.approx(10, abs=2), "4 slices of 5 mm: at most 10 mm below the capsule"


def test_the_ct_s_own_slices_may_be_kept(ct, labels):
    assert NetworkView.of(ct, labels, GRID, native_slices=True).image.array.shape == (12, 24, 24)


def test_a_scan_without_a_liver_is_refused(ct, labels):
    with pytest.raises(CoverageError):
        NetworkView.of(ct, labels.with_array(np.zeros_like(labels.array)), GRID)


def test_each_layer_of_a_map_counts_by_its_own_mean_over_the_covered_body():
    body = np.zeros((4, 6, 6), bool)
    body[:, 1:5, 1:5] = True
    rng = np.random.default_rng(0)
    coverage = np.array([0, 1, 2, 1], np.float32)
    maps = {name: size * rng.random((2, 4, 6, 6), np.float32) for name, size in (("conv3", 1), ("conv4", 50))}
    for values in maps.values():
        values[:, 0] = 0
    logits, features = np.zeros((1, 5), np.float32), np.zeros(1, np.float32)
    prediction = Prediction(np.full(5, 0.2), logits, (0, 4), maps, coverage, features)
    inside = body & (coverage > 0)[:, None, None]
    single = [scaled_map(prediction, 1, [layer], body) for layer in ("conv3", "conv4")]
    assert [float(m[inside].mean()) for m in single] == pytest.approx([1.0, 1.0], abs=1e-5)
    assert all((m[0] == 0).all() for m in single)
    np.testing.assert_allclose(scaled_map(prediction, 1, ["conv3", "conv4"], body), sum(single) / 2, rtol=1e-5)

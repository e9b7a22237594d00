import numpy as np
import pytest

from fibrolens.phantom.pose import Pose, make_pose
from fibrolens.phantom.shapes import Frame, smooth_max, smooth_min
from fibrolens.volume import Geometry


@pytest.fixture
def frame() -> Frame:
    still = Pose(np.eye(3), np.ones(3), np.zeros(3), np.zeros((3, 40, 34, 41), np.float32))
    return Frame(Geometry((60, 60, 60), (2.0, 2.0, 2.0), (-59.0, -59.0, -59.0)), still)


def volume(region) -> float:
    return float(np.clip(0.5 - region.d / 2, 0, 1).sum()) * 8


def test_an_ellipsoid_has_its_volume_however_it_is_turned(frame):
    for tilt in ((0.0, 0.0, 0.0), (30.0, 10.0, -50.0)):
        region = frame.ellipsoid((3.0, -5.0, 1.0), (30.0, 20.0, 12.0), tilt)
        assert volume(region) == pytest.approx(4 / 3 * np.pi * 30 * 20 * 12, rel=0.02)


def test_a_sphere_has_exact_distances(frame):
    region = frame.ellipsoid((0.0, 0.0, 0.0), (20.0, 20.0, 20.0))
    r = np.sqrt(frame.x**2 + frame.y**2 + frame.z**2)[region.box]
    np.testing.assert_allclose(region.d, r - 20, atol=0.05)


def test_a_tube_is_a_cylinder_with_round_ends(frame):
    region = frame.tube([(-20.0, 0.0, 0.0), (20.0, 0.0, 0.0)], [8.0, 8.0])
    assert volume(region) == pytest.approx(np.pi * 64 * 40 + 4 / 3 * np.pi * 512, rel=0.03)


def test_carving_leaves_the_gap(frame):
    region = frame.ellipsoid((0.0, 0.0, 0.0), (30.0, 30.0, 30.0))
    hole = frame.ellipsoid((0.0, 0.0, 0.0), (10.0, 10.0, 10.0))
    region.carve(hole, gap=5.0)
    assert volume(region) == pytest.approx(4 / 3 * np.pi * (30**3 - 15**3), rel=0.02)


def test_a_region_off_the_grid_is_empty(frame):
    assert 0 in frame.ellipsoid((500.0, 0.0, 0.0), (10.0, 10.0, 10.0)).d.shape


def test_smooth_union_is_at_most_the_union_and_equal_far_from_the_seam():
    a, b = np.array([0.0, 5.0, -3.0]), np.array([0.0, -20.0, 30.0])
    assert (smooth_min(a, b, 8.0) <= np.minimum(a, b)).all()
    np.testing.assert_allclose(smooth_min(a, b, 8.0)[1:], np.minimum(a, b)[1:])
    np.testing.assert_allclose(smooth_max(a, b, 8.0), -smooth_min(-a, -b, 8.0))


def test_a_box_misses_no_voxel_and_is_no_larger_than_the_deformation_asks(patient):
    pose = make_pose(patient)
    corner = (float(pose.offset[0]) - 120, float(pose.offset[1]) - 100, float(pose.offset[2]) - 200)
    frame = Frame(Geometry((50, 60, 60), (4.0, 4.0, 4.0), corner), pose)
    lower, upper = (-60.0, -30.0, -110.0), (-30.0, 10.0, -90.0)
    near = np.ones(frame.x.shape, bool)
    for c, low, high in zip(frame.coordinates, lower, upper, strict=True):
        near &= (c > low - 5) & (c < high + 5)
    box = frame.box(lower, upper, pad=5.0)
    assert near.sum() == near[box].sum() > 0
    size = np.array([s.stop - s.start for s in box]) * 4.0
    assert (size < np.array((20.0, 40.0, 30.0)) + 2 * (5 + pose.reach_mm) + 40).all()


def test_capsules_are_the_union_of_their_tubes(frame):
    segments = [((-20.0, 0.0, 0.0), (0.0, 5.0, 3.0), 6.0, 4.0), ((0.0, 5.0, 3.0), (10.0, -20.0, 30.0), 4.0, 2.0)]
    far = ((900.0, 0.0, 0.0), (920.0, 0.0, 0.0), 5.0, 5.0)
    together = frame.capsules([*segments, far], pad=4.0)
    for a, b, ra, rb in segments:
        together.carve(frame.tube([a, b], [ra, rb], pad=4.0))
    assert (together.d > -0.01).all()
    assert not frame.capsules([far]).d.size
    assert not frame.capsules([]).d.size


def test_a_trimmed_region_keeps_all_that_is_near_and_a_voxel_around(frame):
    region = frame.ellipsoid((0.0, 0.0, 0.0), (20.0, 10.0, 6.0))
    part, place = region.trimmed(1.0)
    assert (part.d < 1).sum() == (region.d < 1).sum() > 0
    assert part.d.size < region.d.size / 3
    np.testing.assert_array_equal(part.d, region.d[place])
    whole = np.full(frame.x.shape, np.inf, np.float32)
    whole[region.box] = region.d
    np.testing.assert_array_equal(whole[part.box], part.d)
    assert min(part.d[0].min(), part.d[:, -1].min(), part.d[..., 0].min()) >= 1
    assert not region.trimmed(-50.0)[0].d.size

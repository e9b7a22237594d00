import numpy as np
import pytest

from fibrolens.errors import GeometryError
from fibrolens.phantom.pose import make_pose
from fibrolens.volume import Geometry


def test_world_and_back_differ_by_no_more_than_the_displacement(patient):
    pose = make_pose(patient)
    body = np.array([[-60.0, 10.0, -80.0], [90.0, 30.0, -60.0]])
    for point, world in zip(body, pose.to_world(body), strict=True):
        back = [float(c[0, 0, 0]) for c in pose.to_body(Geometry((1, 1, 1), (1.0, 1.0, 1.0), tuple(world)))]
        assert np.abs(np.array(back) - point).max() <= pose.reach_mm + 1e-3


def test_an_oblique_grid_is_refused(patient):
    flipped = Geometry((2, 2, 2), (1.0, 1.0, 1.0), direction=((0.0, 0.0, -1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)))
    with pytest.raises(GeometryError, match="axial"):
        make_pose(patient).to_body(flipped)

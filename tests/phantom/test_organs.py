from dataclasses import replace

import numpy as np

from fibrolens.phantom import organs, torso
from fibrolens.phantom.pose import make_pose
from fibrolens.phantom.render import small_grid
from fibrolens.phantom.shapes import Frame


def test_the_stomach_is_hollow_with_a_wall_of_millimetres(patient):
    frame = Frame(small_grid(patient), make_pose(patient))
    stomach, _ = organs.stomach(frame, patient)
    wall = organs.lumen(frame, patient, stomach).d - stomach.d
    assert 1.0 < wall.min() < wall.max() < 15


def test_ascites_leaves_the_retroperitoneum_dry(patient):
    frame = Frame(small_grid(patient), make_pose(patient))
    trunk = torso.make_torso(frame, patient)
    fluid = organs.ascites_layer(trunk, replace(patient, ascites=True), frame)
    assert (fluid.d < 0).any()
    assert not ((fluid.d < 0) & (frame.y > 20) & (np.abs(frame.x) < 20)).any()

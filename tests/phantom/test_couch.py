from dataclasses import replace

import pytest

from fibrolens.phantom import couch, torso
from fibrolens.phantom.pose import make_pose
from fibrolens.phantom.render import medium_grid
from fibrolens.phantom.shapes import Frame


@pytest.mark.parametrize("kind", ["flat", "double"])
def test_a_table_is_foam_in_a_rim_of_carbon_fibre(patient, kind):
    frame = Frame(medium_grid(patient), make_pose(patient))
    trunk = torso.make_torso(frame, patient)
    carbon, foam = couch.table(frame, trunk.skin, replace(patient, scan=replace(patient.scan, table=kind)))
    assert 0.2 < (foam.d < 0).sum() / (carbon.d < 0).sum() < 0.9
    assert not ((foam.d < 0) & (carbon.d >= 0)).any()

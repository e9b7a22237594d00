from dataclasses import replace

import pytest

from fibrolens.phantom import couch, torso
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.pose import make_pose
from fibrolens.phantom.render import medium_grid, render, small_grid
from fibrolens.phantom.shapes import Frame


@pytest.mark.parametrize("kind", ["flat", "double"])
def test_a_table_is_foam_in_a_rim_of_carbon_fibre(patient, kind):
    frame = Frame(medium_grid(patient), make_pose(patient))
    trunk = torso.make_torso(frame, patient)
    carbon, foam = couch.table(frame, trunk.skin, replace(patient, scan=replace(patient.scan, table=kind)))
    assert 0.2 < (foam.d < 0).sum() / (carbon.d < 0).sum() < 0.9
    assert not ((foam.d < 0) & (carbon.d >= 0)).any()


def test_a_board_lies_on_the_table_and_is_seen_in_the_networks_window(patient):
    boarded = replace(patient, scan=replace(patient.scan, table="board"))
    rendering = render(boarded, small_grid(boarded))
    table = rendering.labels.array == Organ.TABLE
    assert (rendering.hu.array[table] > -50).sum() > 30 * len(table)

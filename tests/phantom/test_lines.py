from dataclasses import replace

import numpy as np

from fibrolens.phantom.labels import Organ
from fibrolens.phantom.render import render, small_grid


def test_lines_are_seen_beside_the_body_and_in_the_stomach(patient, rendering):
    assert not patient.body.lines
    with_lines = render(replace(patient, body=replace(patient.body, lines=True)), small_grid(patient))
    brighter = with_lines.hu.array.astype(int) - rendering.hu.array > 100
    outside = np.isin(rendering.labels.array, (Organ.AIR, Organ.TABLE))
    assert (brighter & outside).any((1, 2)).mean() > 0.8  # in nearly every slice
    assert (with_lines.hu.array[rendering.labels.array == Organ.STOMACH].max()) > 150
    liver = rendering.labels.array == Organ.LIVER
    assert (with_lines.labels.array[liver] == Organ.LIVER).all()

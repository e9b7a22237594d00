from dataclasses import replace

import numpy as np
import pytest

from fibrolens.phantom import organs, strands, torso
from fibrolens.phantom.pose import make_pose
from fibrolens.phantom.render import small_grid
from fibrolens.phantom.shapes import Frame
from fibrolens.volume import Geometry


def slab(patient, pixels: int, spacing: float, slices: int = 4) -> Frame:
    """Slices at the level of the kidneys."""
    corner = -spacing * (pixels - 1) / 2
    low = patient.body.offset_mm[2] - 150
    return Frame(Geometry((slices, pixels, pixels), (4.0, spacing, spacing), (corner, corner, low)), make_pose(patient))


@pytest.fixture(scope="module")
def fine(patient) -> tuple[Frame, torso.Torso]:
    frame = slab(patient, 200, 2.0)
    return frame, torso.make_torso(frame, patient)


def test_septa_take_a_small_part_of_the_fat_below_the_skin(patient, fine):
    frame, trunk = fine
    fat = strands.subcutaneous_fat(frame, trunk.skin, trunk.muscle, patient)
    below = (trunk.skin.d < -4) & (trunk.muscle.d > 2)
    assert 0.02 < (fat.d[below] > -0.5).mean() < 0.3
    assert (fat.d >= trunk.skin.d).all()


def test_streaks_stay_between_the_surfaces_of_the_muscle_wall(patient, fine):
    frame, trunk = fine
    seams = torso.seams(frame, trunk)
    streaks = strands.marbling(frame, seams, trunk.muscle, trunk.cavity, patient).d < 0
    assert streaks.sum() > (seams.d < 0).sum() / 2
    assert not (streaks & (trunk.muscle.d > 0)).any()
    assert not (streaks & (trunk.cavity.d < 0)).any()


def test_small_vessels_fill_a_few_percent_of_the_abdomen_and_stay_inside(patient, fine):
    frame, trunk = fine
    vessels = strands.small_vessels(frame, trunk.abdomen, patient)
    inside = trunk.abdomen.d[vessels.box] < 0
    assert 0.005 < (vessels.d < 0)[inside].mean() < 0.1
    assert not (vessels.d[~inside] < 0).any()


def test_the_renal_fascia_does_not_touch_the_kidney(patient, fine):
    frame, trunk = fine
    kidneys = [whole for whole, _, _ in organs.kidneys(frame, patient)]
    for kidney, sheet in zip(kidneys, strands.renal_fascia(frame, kidneys, trunk.cavity, patient), strict=True):
        assert (sheet.d < 0).any()
        assert not ((sheet.d < 0) & (kidney.d < 0)).any()


def test_a_grid_of_three_millimetres_has_plain_fat(patient):
    frame = Frame(small_grid(patient), make_pose(patient))
    trunk = torso.make_torso(frame, patient)
    np.testing.assert_array_equal(
        strands.subcutaneous_fat(frame, trunk.skin, trunk.muscle, patient).d, trunk.skin.grown(-strands.SKIN_MM).d
    )
    assert not strands.small_vessels(frame, trunk.abdomen, patient).d.size
    assert not strands.renal_fascia(frame, [], trunk.cavity, patient)


def test_the_same_patient_has_the_same_threads_on_every_grid_and_in_every_stage(patient):
    coarse, fine = slab(patient, 100, 2.0, 2), slab(patient, 199, 1.0, 2)

    whole = [strands.drift(f, f.whole(f.x).box, patient.rng("x"), 20.0) for f in (coarse, fine)]
    np.testing.assert_allclose(whole[0], whole[1][:, ::2, ::2], atol=1e-4)

    sick = replace(patient, stage=4, severity=4.0, disease_stage=4, spleen_volume_ml=1500.0, nodularity_mm=2.0)
    one, other = (strands.small_vessels(fine, torso.make_torso(fine, p).abdomen, p).d for p in (patient, sick))
    np.testing.assert_array_equal(one, other)

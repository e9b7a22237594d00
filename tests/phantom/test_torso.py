from dataclasses import replace

from fibrolens.phantom import torso
from fibrolens.phantom.pose import make_pose
from fibrolens.phantom.render import small_grid
from fibrolens.phantom.shapes import Frame


def test_vessels_of_the_lungs_lie_in_the_lungs(patient):
    frame = Frame(small_grid(patient), make_pose(patient))
    lungs = torso.lungs(torso.make_torso(frame, patient), frame)
    vessels = torso.lung_vessels(frame, lungs, patient)
    inside, found = (frame.whole(frame.x * 0 + 1) for _ in range(2))
    inside.d[lungs.box], found.d[vessels.box] = lungs.d, vessels.d
    assert (found.d < 0).any()
    assert not ((found.d < 0) & (inside.d >= 0)).any()


def test_creases_dent_the_skin_of_people_with_fat_alone(patient):
    frame = Frame(small_grid(patient), make_pose(patient))
    plump, slim = (
        [replace(patient, seed=seed, body=replace(patient.body, fat_mm=mm)) for seed in range(6)] for mm in (30.0, 8.0)
    )
    assert 3 < sum(len(torso._creases(frame, p, 20.0)) for p in plump) < 12
    assert not any(torso._creases(frame, p, 8.0) for p in slim)

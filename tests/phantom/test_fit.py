from dataclasses import replace

import numpy as np
import pytest

from fibrolens.phantom.fit import fit_patient
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.liver import LobeScale
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.pose import make_pose
from fibrolens.phantom.render import small_grid
from fibrolens.phantom.scene import build_scene
from fibrolens.phantom.shapes import Frame


def scene_of(patient, below_mm=0.0):
    """The layers on the small grid, which may be made to reach further down: large spleens leave the scan."""
    grid = small_grid(patient)
    more = round(below_mm / grid.spacing[0])
    origin = (*grid.origin[:2], grid.origin[2] - more * grid.spacing[0])
    longer = replace(grid, shape=(grid.shape[0] + more, *grid.shape[1:]), origin=origin)
    return build_scene(Frame(longer, make_pose(patient)), patient)


def test_a_larger_lsvr_grows_the_left_lobe_and_shrinks_the_right():
    patients = [sample_patient(np.random.default_rng(k), 4) for k in range(6)]
    by_ratio = sorted(patients, key=lambda p: p.lsvr)
    low, high = (fit_patient(p).lobes for p in (by_ratio[0], by_ratio[-1]))
    assert high.lateral / high.right > low.lateral / low.right


def test_the_fit_is_a_function_of_the_patient(patient):
    fit_patient.cache_clear()
    first = fit_patient(patient)
    fit_patient.cache_clear()
    assert fit_patient(patient) == first
    assert first.lobes != LobeScale()


@pytest.mark.parametrize("seed", [(12, 66), (12, 182), (12, 123), (11, 23), (21, 0), (21, 4)])
def test_organs_of_the_very_ill_meet_their_volumes_too(seed):
    ill = sample_patient(np.random.default_rng(seed), 4)
    scene = scene_of(ill, below_mm=100.0)
    spleen = next(layer.region for layer in scene.before if layer.organ == Organ.SPLEEN)
    liver_ml, spleen_ml = (small_grid(ill).voxel_ml * (region.d < 0).sum() for region in (scene.liver, spleen))
    assert liver_ml == pytest.approx(ill.liver_volume_ml, rel=0.02)
    assert spleen_ml == pytest.approx(ill.spleen_volume_ml, rel=0.04)


@pytest.mark.parametrize("lsvr", [0.10, 0.26, 1.60])
def test_lobes_meet_their_four_volumes(patient, lsvr):
    of = replace(patient, lsvr=lsvr)
    scene = scene_of(of)
    parts = np.bincount(scene.liver_segments[scene.liver.d < 0], minlength=9)
    volumes = small_grid(of).voxel_ml * np.array([parts[5:].sum(), parts[4], parts[2:4].sum(), parts[1]])
    assert volumes == pytest.approx(of.lobes_ml, rel=0.04)
    assert volumes.sum() == pytest.approx(of.liver_volume_ml, rel=0.01)

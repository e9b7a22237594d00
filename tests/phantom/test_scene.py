from dataclasses import replace

import numpy as np
import pytest

from fibrolens.phantom.labels import Organ
from fibrolens.phantom.liver import LobeScale, couinaud, make_liver
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.pose import make_pose
from fibrolens.phantom.render import render, small_grid
from fibrolens.phantom.scene import build_scene, fit_patient
from fibrolens.phantom.shapes import Frame


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
    fit = fit_patient(ill)
    scan = render(ill, small_grid(ill))
    liver = np.isin(scan.segments.array, range(1, 9)).sum() * scan.hu.geometry.voxel_ml
    spleen = (scan.labels.array == Organ.SPLEEN).sum() * scan.hu.geometry.voxel_ml
    assert liver == pytest.approx(ill.liver_volume_ml, rel=0.05)
    assert spleen == pytest.approx(ill.spleen_volume_ml, rel=0.05)
    assert max(fit.lobes.lateral, fit.spleen) < 6.0


@pytest.mark.parametrize("lsvr", [0.10, 0.26, 1.60])
def test_lobes_meet_their_four_volumes(patient, lsvr):
    of = replace(patient, lsvr=lsvr)
    _, scene = scene_of(of)
    parts = np.bincount(scene.liver_segments[scene.liver.d < 0], minlength=9)
    volumes = small_grid(of).voxel_ml * np.array([parts[5:].sum(), parts[4], parts[2:4].sum(), parts[1]])
    assert volumes == pytest.approx(of.lobes_ml, rel=0.04)
    assert volumes.sum() == pytest.approx(of.liver_volume_ml, rel=0.01)


def test_a_lobe_grows_alone(patient):
    frame = Frame(small_grid(patient), make_pose(patient))

    def volumes(scale):
        liver = make_liver(frame, patient, scale, [])
        parts = np.bincount(couinaud(frame, liver)[liver.region.d < 0], minlength=9)
        return np.array([parts[5:].sum(), parts[4], parts[2:4].sum(), parts[1]])

    before = volumes(LobeScale())
    for k, lobe in enumerate(("right", "fourth", "lateral", "caudate")):
        gain = volumes(LobeScale(**{lobe: 1.15})) / before - 1
        assert gain[k] > 0.15
        assert abs(np.delete(gain, k)).max() < gain[k] / 3


def test_the_reach_holds_liver_and_spleen(patient):
    low, high = fit_patient(patient).liver_z
    assert 120 < high - low < 320
    assert high == pytest.approx(patient.body.offset_mm[2], abs=40)


def scene_of(patient):
    frame = Frame(small_grid(patient), make_pose(patient))
    return frame, build_scene(frame, patient)


def test_the_liver_has_eight_parts_right_ones_right_and_upper_ones_above(patient):
    frame, scene = scene_of(patient)
    assert scene.liver_segments.shape == scene.liver.d.shape
    inside = scene.liver.d < 0
    assert set(np.unique(scene.liver_segments[inside])) == set(range(1, 9))

    def mean(axis, *parts):
        return float(axis[scene.liver.box][inside & np.isin(scene.liver_segments, parts)].mean())

    assert mean(frame.x, 5, 6, 7, 8) < mean(frame.x, 4) < mean(frame.x, 2, 3)
    assert mean(frame.z, 7, 8) > mean(frame.z, 5, 6)
    assert mean(frame.z, 2) > mean(frame.z, 3)
    assert mean(frame.y, 6, 7) > mean(frame.y, 5, 8)


def test_another_spleen_leaves_the_liver_as_it_was(patient):
    twin = replace(patient, spleen_volume_ml=1500.0)
    assert fit_patient(twin).lobes == fit_patient(patient).lobes
    frame = Frame(small_grid(patient), make_pose(patient))
    first, second = (build_scene(frame, p) for p in (patient, twin))
    np.testing.assert_array_equal(first.liver.d, second.liver.d)


def test_after_splenectomy_no_spleen_is_painted_and_the_liver_gives_the_reach(patient):
    without = replace(patient, splenectomy=True, spleen_volume_ml=0.0, varices=True)
    _, scene = scene_of(without)
    assert not any(layer.region.d.size for layer in scene.before if layer.organ == Organ.SPLEEN)
    low, high = fit_patient(without).liver_z
    assert high - low > 100


@pytest.mark.parametrize(("metal", "parts"), [("", 0), ("clips", 3), ("spine", 6)])
def test_metal_is_painted_last_at_the_top_of_the_range(patient, metal, parts):
    _, scene = scene_of(replace(patient, metal=metal))
    found = [layer for layer in scene.before if layer.organ == Organ.METAL]
    assert len(found) >= parts
    assert all(layer.hu == 3071.0 for layer in found)
    assert bool(found) == bool(metal)
    assert metal != "clips" or not any(layer.organ == Organ.GALLBLADDER for layer in scene.before)


def test_each_kind_of_table_is_another_picture_below_the_patient(patient):
    tables = {}
    for kind in ("curved", "flat", "double"):
        found = render(replace(patient, scan=replace(patient.scan, table=kind)), small_grid(patient))
        tables[kind] = np.where(found.labels.array == Organ.TABLE, found.hu.array, -1000)
        assert (tables[kind] > -300).mean() > 0.005
    for one, other in (("curved", "flat"), ("curved", "double"), ("flat", "double")):
        assert (np.abs(tables[one] - tables[other]) > 300).mean() > 0.005

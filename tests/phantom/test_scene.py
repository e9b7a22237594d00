from dataclasses import replace

import numpy as np
import pytest

from fibrolens.phantom.fit import fit_patient
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.liver import LobeScale, couinaud, make_liver
from fibrolens.phantom.pose import make_pose
from fibrolens.phantom.render import render, small_grid
from fibrolens.phantom.scene import build_scene
from fibrolens.phantom.shapes import Frame


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
    for kind in ("curved", "flat", "double", "board"):
        found = render(replace(patient, scan=replace(patient.scan, table=kind)), small_grid(patient))
        tables[kind] = np.where(found.labels.array == Organ.TABLE, found.hu.array, -1000)
        assert (tables[kind] > -300).mean() > 0.005
    for one, other in (("curved", "flat"), ("curved", "double"), ("flat", "double")):
        assert (np.abs(tables[one] - tables[other]) > 300).mean() > 0.005

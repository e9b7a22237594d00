"""What moves with a sign and what does not: counterfactual twins share everything else, noise included."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from fibrolens.phantom.labels import Organ
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.render import render, small_grid
from fibrolens.phantom.setting import Setting

SEED = 21


@pytest.fixture(scope="module")
def original():
    patient = sample_patient(np.random.default_rng(SEED), 4)
    return patient, render(patient, small_grid(patient))


def twin(original, sign, stage):
    patient, _ = original
    other = sample_patient(np.random.default_rng(SEED), 4, moved={sign: stage})
    return other, render(other, small_grid(patient))


def test_moving_the_texture_changes_the_parenchyma_alone(original):
    _, rendering = original
    _, other = twin(original, "texture", 0)
    changed = rendering.hu.array != other.hu.array
    assert changed.any()
    away = distance_transform_edt(rendering.labels.array != Organ.LIVER)
    assert away[changed].max() < 3  # blur and slice profile carry a change to the neighbouring voxels
    assert (rendering.labels.array == other.labels.array).all()


def test_moving_the_spleen_leaves_the_liver_as_it_is(original):
    patient, rendering = original
    other_patient, other = twin(original, "spleen", 0)
    assert other_patient.spleen_volume_ml < patient.spleen_volume_ml
    liver, other_liver = (r.labels.array == Organ.LIVER for r in (rendering, other))
    assert (liver != other_liver).mean() < 1e-4
    assert (rendering.labels.array == Organ.SPLEEN).sum() > (other.labels.array == Organ.SPLEEN).sum()


def test_a_nodular_surface_moves_the_edge_and_keeps_the_core(original):
    patient, rendering = original
    rough = render(replace(patient, nodularity_mm=2.5), small_grid(patient))
    changed = np.abs(rendering.hu.array.astype(int) - rough.hu.array) > 20
    shell = rough.evidence["surface"].array > 0
    core = distance_transform_edt(rendering.labels.array == Organ.LIVER, sampling=rendering.hu.geometry.spacing) > 12
    assert changed[shell].mean() > 10 * changed[core].mean()


def test_twins_share_noise_far_from_the_sign(original):
    _, rendering = original
    _, other = twin(original, "spleen", 0)
    bone = rendering.labels.array == Organ.BONE
    assert (rendering.hu.array[bone] == other.hu.array[bone]).mean() > 0.9


def test_a_strong_texture_is_seen_on_the_small_grid():
    sds = []
    for stage in (0, 4):
        patient = sample_patient(np.random.default_rng(5), stage, setting=Setting(arm="texture", strong=True))
        rendering = render(patient, small_grid(patient))
        sds.append(rendering.hu.array[rendering.evidence["texture"].array > 0].std())
    assert sds[1] > 1.5 * sds[0]

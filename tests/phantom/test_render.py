import hashlib
from dataclasses import replace

import numpy as np
import pytest

from fibrolens.phantom.labels import Organ
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.render import full_grid, render, small_grid
from fibrolens.volume import Geometry


def organ_ml(rendering, organ) -> float:
    return float((rendering.labels.array == organ).sum()) * rendering.labels.geometry.voxel_ml


@pytest.mark.parametrize(("stage", "seed"), [(0, 1), (3, 12), (4, 2), (4, 22)])
def test_liver_and_spleen_have_the_patients_volumes(stage, seed):
    patient = sample_patient(np.random.default_rng(seed), stage)
    rendering = render(patient, small_grid(patient))
    assert organ_ml(rendering, Organ.LIVER) == pytest.approx(patient.liver_volume_ml, rel=0.1)
    assert organ_ml(rendering, Organ.SPLEEN) == pytest.approx(patient.spleen_volume_ml, rel=0.1)


def test_same_patient_same_bytes(patient, rendering):
    again = render(patient, small_grid(patient))
    for one, other in ((rendering.hu, again.hu), (rendering.labels, again.labels)):
        assert hashlib.sha256(one.array.tobytes()).digest() == hashlib.sha256(other.array.tobytes()).digest()


def test_liver_lies_on_the_patients_right_and_spleen_on_the_left_behind(rendering):
    centre = {
        organ: rendering.labels.geometry.to_world(np.argwhere(rendering.labels.array == organ).mean(0))
        for organ in (Organ.LIVER, Organ.SPLEEN, Organ.AORTA)
    }
    assert centre[Organ.LIVER][0] < centre[Organ.AORTA][0] - 20
    assert centre[Organ.SPLEEN][0] > centre[Organ.AORTA][0] + 40
    assert centre[Organ.SPLEEN][1] > centre[Organ.LIVER][1]


def test_the_scan_shows_the_whole_liver(rendering):
    liver = rendering.labels.array == Organ.LIVER
    assert not liver[0].any()
    assert not liver[-1].any()


def test_the_scans_range_does_not_tell_the_size_of_the_spleen(patient):
    large = replace(patient, spleen_volume_ml=1800.0)
    assert small_grid(large) == small_grid(patient)


def test_a_partial_scan_cuts_the_liver(patient):
    labels = render(replace(patient, partial=True), small_grid(replace(patient, partial=True))).labels.array
    assert (labels[0] == Organ.LIVER).any() or (labels[-1] == Organ.LIVER).any()


@pytest.mark.parametrize(
    ("organ", "low", "high"),
    [
        (Organ.AIR, -1024, -950), (Organ.LUNG, -900, -650), (Organ.FAT, -115, -40), (Organ.MUSCLE, 30, 80),
        (Organ.AORTA, 90, 190), (Organ.KIDNEY, 120, 230), (Organ.BONE, 120, 450),
    ],
)  # fmt: skip
def test_each_tissue_has_its_range(rendering, organ, low, high):
    assert low < np.median(rendering.hu.array[rendering.labels.array == organ]) < high


@pytest.mark.parametrize("organ", [Organ.LIVER, Organ.SPLEEN])
def test_liver_and_spleen_have_the_patients_enhancement(patient, rendering, organ):
    expected = getattr(patient.enhancement, organ.name.lower())
    assert np.median(rendering.hu.array[rendering.labels.array == organ]) == pytest.approx(expected, abs=8)


def test_every_organ_of_a_healthy_abdomen_is_there(rendering):
    absent = {Organ.FLUID, Organ.VARICES, Organ.MASS, Organ.GALLBLADDER, Organ.METAL}
    assert set(Organ) - absent <= set(np.unique(rendering.labels.array))


def test_small_grid_is_a_reduced_axial_grid(patient):
    grid = small_grid(patient)
    assert grid.shape[1:] == (128, 128)
    assert grid.spacing == (5.0, 3.0, 3.0)
    assert grid.orientation == "LPS"


def test_full_grid_has_the_scanners_spacing_over_the_same_range(patient):
    grid, small = full_grid(patient), small_grid(patient)
    assert grid.shape[1:] == (512, 512)
    assert 0.6 <= grid.spacing[1] <= 0.98
    assert 2.5 <= grid.spacing[0] <= 5
    assert grid.origin[2] == small.origin[2]


def test_a_finer_grid_shows_the_same_organs(patient, rendering):
    coarse = rendering.hu.geometry
    fine = Geometry((10, 300, 300), (5.0, 1.2, 1.2), (-179.4, -179.4, coarse.origin[2] + 5 * (coarse.shape[0] // 2)))
    labels = render(patient, fine).labels
    start = coarse.shape[0] // 2
    expected = (rendering.labels.array[start : start + 10] == Organ.LIVER).sum() * coarse.voxel_ml
    assert (labels.array == Organ.LIVER).sum() * fine.voxel_ml == pytest.approx(expected, rel=0.05)

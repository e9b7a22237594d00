"""Simulated MR of the hepatobiliary phase: what it shows, and that it is written like any cohort."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import binary_erosion

from fibrolens.cohort.check import check_cohort
from fibrolens.io import read_volume
from fibrolens.phantom.cohort import CohortOptions, Setting, write_cohort
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.render import full_grid, render, small_grid
from fibrolens.phantom.roster import Twin
from fibrolens.phantom.severity import SIGNS

SETTING = Setting(modality="mr-hbp")


@pytest.fixture(scope="module")
def mr_patient():
    return sample_patient(np.random.default_rng(5), 0, setting=SETTING)


@pytest.fixture(scope="module")
def shown(mr_patient):
    return render(mr_patient, small_grid(mr_patient))


def median(rendering, organ):
    """Inside an organ, away from its edges."""
    return float(np.median(rendering.hu.array[binary_erosion(rendering.labels.array == organ)]))


def test_labels_segments_and_signs_are_those_of_the_patients_ct(shown, rendering):
    assert (shown.labels.array == rendering.labels.array).all()
    assert (shown.segments.array == rendering.segments.array).all()
    assert set(shown.evidence) == {*SIGNS, "uptake"} - {"enhancement"}
    assert (shown.evidence["surface"].array == rendering.evidence["surface"].array).all()
    assert ((shown.evidence["uptake"].array > 0) == (shown.labels.array == Organ.LIVER)).all()


def test_it_is_an_mr_of_whole_numbers_that_no_ct_has(shown):
    assert (shown.hu.get("modality"), shown.hu.get("phase")) == ("MR", "hepatobiliary")
    assert shown.hu.array.dtype == np.int16
    assert shown.hu.array.min() >= 0


def test_liver_shines_spleen_muscle_and_vessels_are_darker_and_fat_is_suppressed(shown):
    liver, spleen, muscle, fat = (median(shown, o) for o in (Organ.LIVER, Organ.SPLEEN, Organ.MUSCLE, Organ.FAT))
    assert liver > 1.4 * median(shown, Organ.AORTA) > liver / 2.5
    assert liver > 1.5 * spleen
    assert spleen > 2 * fat
    assert muscle == pytest.approx(spleen, rel=0.35)
    assert median(shown, Organ.KIDNEY) > 1.3 * spleen


def test_air_and_table_are_dark(shown):
    for organ in (Organ.AIR, Organ.TABLE):
        values = shown.hu.array[shown.labels.array == organ]
        assert np.median(values) < 0.06 * median(shown, Organ.LIVER)


def test_noise_in_air_is_that_of_a_magnitude(mr_patient, shown):
    """Rayleigh: mean over SD is 1.91."""
    corner = shown.hu.array[:, :12, :12].astype(float)
    assert corner.std() > 0
    loud = replace(mr_patient, mr=replace(mr_patient.mr, scale=5000.0))
    corner = render(loud, replace(small_grid(mr_patient), shape=(4, 128, 128))).hu.array[:, :12, :12].astype(float)
    assert corner.mean() / corner.std() == pytest.approx(1.913, rel=0.03)


def test_another_scale_is_the_same_picture(mr_patient, shown):
    other = replace(mr_patient, mr=replace(mr_patient.mr, scale=3 * mr_patient.mr.scale))
    again = render(other, shown.hu.geometry).hu.array
    assert np.abs(again - 3.0 * shown.hu.array).max() <= 3


def test_the_coils_leave_a_slow_unevenness(mr_patient, shown):
    even = replace(mr_patient, mr=replace(mr_patient.mr, coil=0.0))
    flat = render(even, shown.hu.geometry).hu.array
    inside = binary_erosion(shown.labels.array == Organ.LIVER)
    ratio = shown.hu.array[inside] / flat[inside]
    assert 0.01 < ratio.std() / ratio.mean() < 0.3


def test_less_uptake_darkens_the_liver_alone(mr_patient, shown):
    signal = mr_patient.mr.signal
    dim = replace(mr_patient, mr=replace(mr_patient.mr, signal=replace(signal, liver=0.6 * signal.liver)))
    darker = render(dim, shown.hu.geometry)
    assert median(darker, Organ.LIVER) == pytest.approx(0.6 * median(shown, Organ.LIVER), rel=0.05)
    away = binary_erosion(shown.labels.array == Organ.SPLEEN)
    assert (darker.hu.array[away] == shown.hu.array[away]).all()


def test_metal_takes_the_signal_around_it(mr_patient):
    with_metal = replace(mr_patient, metal="spine")
    found = render(with_metal, small_grid(mr_patient))
    metal = found.labels.array == Organ.METAL
    assert metal.any()
    assert np.median(found.hu.array[metal]) < 0.1 * median(found, Organ.LIVER)


def test_the_full_grid_is_that_of_an_mr(mr_patient):
    grid = full_grid(mr_patient)
    assert grid.shape[1:] == (320, 320)
    assert grid.spacing[0] == 3.0
    assert 1.2 <= grid.spacing[1] == grid.spacing[2] <= 1.6


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    options = CohortOptions(setting=SETTING, twins=(Twin("uptake", 0),))
    return write_cohort(tmp_path_factory.mktemp("mr") / "cohort", [0, 4], 1, options)


def test_the_table_says_mr_and_passes_the_check(cohort):
    rows = check_cohort(cohort)
    assert {row.values["modality"] for row in rows} == {"MR"}
    assert {row.values["phase"] for row in rows} == {"hepatobiliary"}
    assert {row.values["field_strength"] for row in rows} <= {"1.5", "3"}
    assert {row.values["site"].split()[-1] for row in rows} == {"MR"}


def test_the_truth_tells_uptake_and_signals_and_nothing_of_a_ct(cohort):
    with (cohort.parent / "truth.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        assert 0 < float(row["uptake"]) < 1.8
        assert float(row["liver_signal"]) > 0
        assert not {"kvp", "liver_hu", "parenchymal_enhancement", "noise_hu"} & set(row)
        assert float(row["liver_mask_ml"]) == pytest.approx(float(row["liver_volume_ml"]), rel=0.1)
    with (cohort.parent / "twins.csv").open(newline="") as stream:
        twins = {row["twin_of"]: row for row in csv.DictReader(stream)}
    cirrhosis = rows[1]
    assert float(twins[cirrhosis["scan_id"]]["uptake"]) > float(cirrhosis["uptake"])


def test_the_same_seed_writes_the_same_bytes_with_any_number_of_workers(cohort, tmp_path):
    again = write_cohort(tmp_path / "again", [0, 4], 1, CohortOptions(setting=SETTING, workers=2)).parent
    for name in ("images/P0001.nii.gz", "images/P0002.nii.gz", "labels/P0002.nii.gz", "cohort.csv", "truth.csv"):
        assert (again / name).read_bytes() == (cohort.parent / name).read_bytes()


def test_images_are_read_back_as_they_were_rendered(cohort):
    assert read_volume(cohort.parent / "images" / "P0001.nii.gz").array.max() > 0
    assert (cohort.parent / "evidence" / "P0001_uptake.nii.gz").exists()

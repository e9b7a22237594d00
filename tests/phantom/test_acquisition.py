from dataclasses import replace

import numpy as np
import pytest
from scripts.noise_power_spectrum import middle_patches, noise_power_spectrum

from fibrolens.phantom.acquisition import FALL_TO_SKIN, KERNELS, acquire, noise
from fibrolens.phantom.patient import Patient
from fibrolens.volume import Geometry


def scanned(patient: Patient, kernel: str = "standard", psf_mm: float = 1.0) -> Patient:
    """The patient in the middle of the field, scanned with 10 HU of noise."""
    body = replace(patient.body, offset_mm=(0.0, 0.0, 0.0))
    scan = replace(patient.scan, kernel=kernel, noise_hu=10.0, psf_mm=psf_mm, slice_mm=2.5)
    return replace(patient, body=body, scan=scan)


def grid(slice_mm: float, pixel_mm: float, size: int = 160, slices: int = 8) -> Geometry:
    corner = -pixel_mm * (size - 1) / 2
    return Geometry((slices, size, size), (slice_mm, pixel_mm, pixel_mm), (corner, corner, 0.0))


THIN, THICK = grid(2.5, 0.75), grid(5.0, 0.75)


def middle_sd(field: np.ndarray, share: float = 0.2) -> float:
    """SD within a square around the middle, `share` of the field wide."""
    low, high = (int(field.shape[1] * (0.5 + sign * share / 2)) for sign in (-1, 1))
    return float(field[:, low:high, low:high].std())


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("pixel_mm", [0.6, 0.75, 0.98])
def test_noise_in_the_middle_of_the_body_has_the_declared_level_on_every_full_grid(patient, kernel, pixel_mm):
    field = noise(scanned(patient, kernel), grid(5.0, pixel_mm, slices=16))
    assert middle_sd(field) == pytest.approx(10 * KERNELS[kernel].strength, rel=0.05)


def test_noise_grows_with_one_over_the_root_of_slice_thickness(patient):
    thin, thick = (noise(scanned(patient), geometry).std() for geometry in (THIN, THICK))
    assert thin == pytest.approx(2**0.5 * thick, rel=1e-4)


def test_slices_thicker_than_the_grids_spacing_blur_along_z_and_are_less_noisy(patient):
    edge = np.zeros(THIN.shape, np.float32)
    edge[4:] = 500
    thin = scanned(patient)
    thick = replace(thin, scan=replace(thin.scan, slice_mm=8.0))
    assert noise(thick, THIN).std() == pytest.approx(noise(thin, THIN).std() * (2.5 / 8) ** 0.5, rel=1e-4)
    rise = [np.diff(acquire(edge.copy(), p, THIN).mean((1, 2))).max() for p in (thin, thick)]
    assert rise[1] < 0.6 * rise[0]


def test_wide_pixels_average_the_noise_as_an_average_of_the_fine_grid_would(patient):
    fine = noise(scanned(patient), grid(5.0, 0.75, size=256, slices=16))
    averaged = fine.reshape(16, 64, 4, 64, 4).mean((2, 4))
    coarse = noise(scanned(patient), grid(5.0, 3.0, size=64, slices=16))
    assert middle_sd(averaged, 0.4) == pytest.approx(middle_sd(coarse), rel=0.15)
    assert 2 < middle_sd(coarse) < 5


def test_the_spectrum_peaks_where_its_kernel_says_and_its_integral_is_the_variance(patient):
    peaks = []
    for kernel in ("soft", "standard", "sharp"):
        patches = middle_patches(scanned(patient, kernel), slices=16)
        frequency, power = noise_power_spectrum(patches, 0.75)
        peaks.append(frequency[power.argmax()])
        assert peaks[-1] == pytest.approx(KERNELS[kernel].peak, abs=0.06)
        assert power[0] < 0.4 * power.max()
        step = frequency[1] - frequency[0]
        assert (2 * np.pi * frequency * power).sum() * step == pytest.approx(patches.var(), rel=0.1)
    assert peaks == sorted(peaks)


def test_white_noise_has_a_flat_spectrum():
    rng = np.random.default_rng(0)
    frequency, power = noise_power_spectrum(rng.normal(0, 10, (400, 32, 32)), 0.5)
    assert frequency[-1] == pytest.approx(1.0)
    assert power == pytest.approx(100 * 0.5**2, rel=0.1)


def test_noise_is_correlated_between_neighbours_without_a_slow_part(patient):
    field = noise(scanned(patient), THICK)
    assert np.corrcoef(field[:, :, 1:].ravel(), field[:, :, :-1].ravel())[0, 1] > 0.4
    assert 0.15 < np.corrcoef(field[1:].ravel(), field[:-1].ravel())[0, 1] < 0.35
    assert field.reshape(8, 8, 20, 8, 20).mean((2, 4)).std() < 0.12 * field.std()


def test_noise_is_lower_at_the_skin_than_in_the_middle(patient):
    field = noise(scanned(patient), grid(5.0, 3.0, size=128, slices=40))
    assert field[:, :, :8].std() == pytest.approx((1 - FALL_TO_SKIN) * middle_sd(field), rel=0.08)


def test_a_picture_with_one_organ_changed_is_the_same_elsewhere(patient):
    plain, organ = np.full(THICK.shape, 50, np.float32), np.full(THICK.shape, 50, np.float32)
    organ[3:5, 70:90, 70:90] += 100
    here, there = acquire(plain, patient, THICK), acquire(organ, patient, THICK)
    assert (there[:, :, 100:] == here[:, :, 100:]).all()
    assert np.abs(there[3:5, 75:85, 75:85] - here[3:5, 75:85, 75:85] - 94).max() <= 1


@pytest.mark.parametrize("psf_mm", [0.8, 1.3])
def test_an_edge_is_as_wide_as_the_point_spread_and_flat_on_both_sides(patient, psf_mm):
    step = np.zeros(THICK.shape, np.float32)
    step[:, :, 80:] = 1000
    profile = acquire(step, scanned(patient, psf_mm=psf_mm), THICK).mean((0, 1))
    slope = np.diff(profile)
    at = np.arange(len(slope)) - 79
    near = np.abs(at) < 6
    variance = (slope[near] * at[near] ** 2).sum() / slope[near].sum() * 0.75**2
    assert 2.355 * variance**0.5 == pytest.approx(psf_mm, abs=0.15)
    assert profile[40] == pytest.approx(0, abs=5)
    assert profile[120] == pytest.approx(1000, abs=5)


def test_a_slice_takes_a_little_of_its_neighbours_and_nothing_is_lost(patient):
    disc = np.zeros(THICK.shape, np.float32)
    disc[3] = 1000
    shown = acquire(disc, patient, THICK).mean((1, 2))
    assert shown[2] == pytest.approx(shown[4], abs=2)
    assert 20 < shown[2] < 120
    assert shown.sum() == pytest.approx(1000, abs=5)


def test_values_are_whole_hounsfield_units_within_twelve_bits(patient):
    scan = acquire(np.full(THICK.shape, 2400, np.float32), patient, THICK)
    assert scan.dtype == np.int16
    assert acquire(np.full(THICK.shape, -2000, np.float32), patient, THICK).min() == -1024
    dense = np.full(THICK.shape, 0, np.float32)
    dense[:, 60:90, 60:90] = 9000
    assert acquire(dense, patient, THICK).max() == 3071

import numpy as np
import pytest

from fibrolens.phantom.acquisition import KERNELS
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.setting import Setting


@pytest.fixture(scope="module")
def scans():
    return [sample_patient(np.random.default_rng(k), k % 5).scan for k in range(400)]


def test_spacings_are_those_of_routine_abdominal_ct(scans):
    assert {s.slice_mm for s in scans} == {2.5, 3.0, 4.0, 5.0}
    assert 0.6 <= min(s.pixel_mm for s in scans) < max(s.pixel_mm for s in scans) <= 0.98


def test_noise_on_the_scans_own_slices_is_that_of_routine_scans(scans):
    noise = [s.noise_hu * KERNELS[s.kernel].strength * (5 / s.slice_mm) ** 0.5 for s in scans]
    assert np.mean([8 <= n <= 15 for n in noise]) > 0.95
    assert 9.5 < np.mean(noise) < 12.5


def test_noise_grows_with_the_body():
    patients = [sample_patient(np.random.default_rng(k), 0) for k in range(300)]
    size = [p.body.scale * p.body.width * p.body.depth + p.body.fat_mm / 150 for p in patients]
    assert np.corrcoef(size, [p.scan.noise_hu * (5 / p.scan.slice_mm) ** 0.5 for p in patients])[0, 1] > 0.3


def test_a_sharp_kernel_has_a_narrower_point_spread(scans):
    width = {k: np.mean([s.psf_mm for s in scans if s.kernel == k]) for k in ("soft", "standard", "sharp")}
    assert width["soft"] > width["standard"] > width["sharp"]


def test_thick_slices_of_the_spacing_shortcut_blur():
    found = [
        sample_patient(np.random.default_rng(k), 4, setting=Setting(arm="shortcut:spacing")).scan for k in range(40)
    ]
    thick = [s for s in found if s.slice_mm > 5]
    assert 30 <= len(thick) <= 40
    assert min(s.psf_mm for s in thick) > 2

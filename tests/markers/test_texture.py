import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from fibrolens.errors import GeometryError
from fibrolens.markers.texture import SCALES_MM, liver_texture
from fibrolens.volume import Geometry, Volume

GRID = Geometry((6, 120, 160), (4.0, 1.0, 0.8))
LIVER, SPLEEN = np.zeros(GRID.shape, bool), np.zeros(GRID.shape, bool)
LIVER[:, 10:110, 10:90] = True
SPLEEN[:, 20:100, 100:150] = True


def grain(seed, sigma_mm):
    """A field of unit SD with this width of correlation in the plane."""
    field = np.random.default_rng(seed).standard_normal(GRID.shape)
    field = gaussian_filter(field, (0, *(sigma_mm / s for s in GRID.spacing[1:])))
    return field / field.std()


def scan(texture_hu=0.0, noise_hu=0.0, seed=0):
    hu = np.where(LIVER, 100.0, np.where(SPLEEN, 120.0, -100.0))
    hu += texture_hu * grain([seed, 0], 2.0) * LIVER + noise_hu * grain([seed, 1], 0.8)
    return hu.astype(np.float32)


def measured(hu, **options):
    return liver_texture(Volume(hu, GRID), Volume(LIVER, GRID), **options)


def test_an_even_liver_has_no_texture_although_its_edge_is_sharp():
    found = measured(scan())
    assert found.heterogeneity_hu == pytest.approx(0, abs=0.01)
    assert list(found.scales) == list(SCALES_MM)
    assert all(s.sd < 0.05 and abs(s.mean) < 0.02 for s in found.scales.values())


def test_heterogeneity_is_proportional_to_the_textures_contrast():
    four, eight = (measured(scan(hu)).heterogeneity_hu for hu in (4, 8))
    assert eight / four == pytest.approx(2, rel=0.02)


@pytest.mark.parametrize("noise_hu", [8.0, 16.0])
def test_noise_is_taken_off_with_the_help_of_a_homogeneous_organ(noise_hu):
    reference = Volume(SPLEEN, GRID)
    quiet = measured(scan(6)).heterogeneity_hu
    found = measured(scan(6, noise_hu), reference=reference)
    assert found.heterogeneity_hu == pytest.approx(quiet, rel=0.12)
    assert measured(scan(6, noise_hu)).heterogeneity_hu > found.heterogeneity_hu + 0.1
    assert measured(scan(6, noise_hu), noise_sd_hu=found.noise_hu).heterogeneity_hu == found.heterogeneity_hu


@pytest.mark.parametrize(("sigma_mm", "strongest"), [(0.8, "fine"), (6.0, "coarse")])
def test_fine_grain_shows_at_the_fine_scale_and_coarse_grain_at_the_coarse(sigma_mm, strongest):
    scales = measured((scan() + 5 * grain(3, sigma_mm) * LIVER).astype(np.float32)).scales
    assert max(scales, key=lambda name: scales[name].sd) == strongest


def test_vessels_and_lesions_are_left_out():
    hu = scan(4)
    plain = measured(hu)
    hu[:, 40:46, 20:80] = 190
    hu[:, 70:85, 40:60] = 10
    found = measured(hu)
    assert found.heterogeneity_hu == pytest.approx(plain.heterogeneity_hu, rel=0.1)
    assert found.scales["coarse"].kurtosis < 1
    assert found.voxels < plain.voxels - 6 * (6 * 60 + 15 * 20)


def test_statistics_of_a_normal_texture():
    """Skewness and excess kurtosis 0; the positive half has mean sd * sqrt(2 / pi); entropy by quadrature of bins."""
    fine = measured(scan(10)).scales["fine"]
    assert fine.mean == pytest.approx(0, abs=0.3)
    assert fine.skewness == pytest.approx(0, abs=0.15)
    assert fine.kurtosis == pytest.approx(0, abs=0.3)
    assert fine.mpp == pytest.approx(fine.sd * (2 / np.pi) ** 0.5, rel=0.05)
    assert fine.entropy == pytest.approx(0.5 * np.log2(2 * np.pi * np.e * fine.sd**2) - np.log2(5), abs=0.1)


def test_too_small_a_liver_gives_a_reason():
    tiny = np.zeros(GRID.shape, bool)
    tiny[2, 50:54, 50:54] = True
    for mask in (tiny, np.zeros(GRID.shape, bool)):
        found = liver_texture(Volume(scan(), GRID), Volume(mask, GRID))
        assert found.heterogeneity_hu is None
        assert found.scales == {}
        assert "few voxels" in found.reason


def test_a_mask_on_another_grid_is_refused():
    other = Volume(np.ones((2, 4, 4), bool), Geometry((2, 4, 4), (4.0, 1.0, 1.0)))
    with pytest.raises(GeometryError):
        liver_texture(Volume(scan(), GRID), other)
    with pytest.raises(GeometryError):
        measured(scan(), reference=other)

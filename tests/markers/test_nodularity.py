from functools import lru_cache

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from fibrolens.errors import GeometryError
from fibrolens.markers.nodularity import surface_nodularity
from fibrolens.volume import Geometry, Volume

SHAPE, SPACING = (6, 224, 224), (4.0, 0.75, 0.75)
GRID = Geometry(SHAPE, SPACING)
RADII_MM = (60.0, 72.0, 62.0)


def _grid():
    return np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * s for n, s in zip(SHAPE, SPACING, strict=True)], indexing="ij")


@lru_cache
def distance():
    """Millimetres from the surface of an ellipsoid, negative inside."""
    at = np.stack(_grid(), -1)
    k = np.linalg.norm(at / RADII_MM, axis=-1)
    return k * (k - 1) / np.maximum(np.linalg.norm(at / np.square(RADII_MM), axis=-1), 1e-6)


@lru_cache
def waves(seed):
    """Unit-SD waves of 4 to 20 mm length."""
    frequency = np.sqrt(
        sum(
            f * f
            for f in np.meshgrid(*[np.fft.fftfreq(n, s) for n, s in zip(SHAPE, SPACING, strict=True)], indexing="ij")
        )
    )
    field = np.fft.fftn(np.random.default_rng(seed).standard_normal(SHAPE))
    field = np.fft.ifftn(field * ((frequency > 1 / 20) & (frequency < 1 / 4))).real
    return field / field.std()


def scan(rms_mm=0.0, seed=0, noise_hu=11.0):
    """Liver of 100 HU in fat, with blur of 0.9 mm FWHM and correlated noise."""
    hu = -100 + 200 * np.clip(0.5 - (distance() - rms_mm * waves(seed)) / SPACING[1], 0, 1)
    hu = gaussian_filter(hu, (0, *[0.9 / 2.355 / s for s in SPACING[1:]]))
    white = np.random.default_rng([seed, 1]).standard_normal(SHAPE)
    noise = gaussian_filter(white, (0, 1, 1)) - gaussian_filter(white, (0, 2.2, 2.2))
    return Volume((hu + noise_hu * noise / noise.std()).astype(np.float32), GRID)


def mask(offset_mm=0.0):
    return Volume(distance() < offset_mm, GRID)


def test_a_smooth_liver_has_a_low_floor():
    found = surface_nodularity(scan(), mask())
    assert found.lsn < 1.0
    assert found.reason is None
    assert found.slices == SHAPE[0]


def test_the_score_grows_in_proportion_to_the_waves():
    """The mean absolute value of a normal variable is 0.8 of its RMS; the blur along the edge costs some of it."""
    scores = [surface_nodularity(scan(rms), mask()).lsn for rms in (0.2, 0.4, 0.8)]
    for rms, score in zip((0.2, 0.4, 0.8), scores, strict=True):
        assert 5.0 * rms < score < 8.0 * rms
    assert scores[2] / scores[1] == pytest.approx(2, rel=0.2)


def test_another_scan_of_the_same_liver_gives_the_same_score():
    liver = scan(0.4, noise_hu=0).array
    scores = []
    for seed in range(4):
        noise = scan(0.0, seed).array - scan(0.0, noise_hu=0).array
        scores.append(surface_nodularity(Volume(liver + noise, GRID), mask()).lsn)
    assert np.std(scores) < 0.2


def test_without_its_noise_a_scan_reads_the_same_however_noisy_it_is():
    """What is left of the noise is less than 10 %, or 0.02 mm, between 8 and 15 HU."""
    for rms in (0.1, 0.4):
        quiet, loud = (surface_nodularity(scan(rms, noise_hu=hu), mask()) for hu in (8.0, 15.0))
        assert 1.6 < loud.noise / quiet.noise < 2.1
        assert loud.amplitude_mm == pytest.approx(quiet.amplitude_mm, rel=0.1, abs=0.02)
        assert loud.lsn - quiet.lsn > 10 * abs(loud.amplitude_mm - quiet.amplitude_mm)


def test_a_smooth_liver_is_nearly_smooth_without_the_noise():
    found = surface_nodularity(scan(), mask())
    assert found.amplitude_mm < 0.05
    assert 0.1 * found.lsn > 1.5 * found.amplitude_mm


@pytest.mark.parametrize("offset_mm", [-2.0, 2.0])
def test_a_mask_two_millimetres_off_does_not_matter(offset_mm):
    ct = scan(0.4)
    assert surface_nodularity(ct, mask(offset_mm)).lsn == pytest.approx(surface_nodularity(ct, mask()).lsn, abs=0.15)


def test_where_the_liver_touches_an_organ_or_lung_there_is_no_edge_to_measure():
    ct = scan()
    for hu in (60, -850):
        outside = Volume(np.where(distance() > 1, np.float32(hu), ct.array), GRID)
        found = surface_nodularity(outside, mask())
        assert found.lsn is None
        assert found.arcs == 0
        assert "fat" in found.reason


def test_only_the_part_against_fat_counts():
    """The lower half lies against muscle, whose rough border is none of the liver's surface."""
    below = _grid()[1] > 0
    rough = scan(1.2).array
    half = Volume(np.where(below, np.where(rough < 0, 60, rough), scan().array).astype(np.float32), GRID)
    found = surface_nodularity(half, mask())
    assert 0 < found.arcs < 0.6 * surface_nodularity(scan(), mask()).arcs
    assert found.lsn < 1.0


def test_wide_pixels_cannot_be_measured():
    geometry = Geometry(SHAPE, (4.0, 1.2, 1.2))
    found = surface_nodularity(Volume(scan().array, geometry), Volume(mask().array, geometry))
    assert found.lsn is found.noise is found.amplitude_mm is None
    assert "1.20 mm" in found.reason


def test_without_a_liver_there_is_a_reason():
    found = surface_nodularity(scan(), Volume(np.zeros(SHAPE, np.uint8), GRID))
    assert found.lsn is None
    assert "empty" in found.reason


def test_a_mask_on_another_grid_is_refused():
    with pytest.raises(GeometryError):
        surface_nodularity(scan(), Volume(np.ones((2, 4, 4), bool), Geometry((2, 4, 4), SPACING)))

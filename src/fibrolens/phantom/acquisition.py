"""What the scanner does to the picture: point spread, slice profile, correlated noise, rounding."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int16
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from fibrolens.phantom.fields import unit_sd
from fibrolens.phantom.patient import Patient
from fibrolens.volume import Geometry

FWHM_TO_SIGMA = 1 / 2.355
#: Grain of the noise: SD in millimetres of the smoothing that makes it; twice this is taken out again.
GRAIN_MM = 0.8
HU_LIMITS = (-1024, 3071)


def acquire(hu: Float32[np.ndarray, "d h w"], patient: Patient, geometry: Geometry) -> Int16[np.ndarray, "d h w"]:
    """Blur, noise and rounding of one scan; `hu` is used up."""
    sigma = patient.scan.psf_mm * FWHM_TO_SIGMA
    hu = gaussian_filter(hu, (0.0, sigma / geometry.spacing[1], sigma / geometry.spacing[2]), truncate=3.0)
    hu = gaussian_filter1d(hu, 0.35, axis=0, truncate=3.0)  # slices share some of their neighbours' profile
    hu += noise(patient, geometry)
    rounded: np.ndarray = np.clip(np.rint(hu, out=hu), *HU_LIMITS).astype(np.int16)
    return rounded


def noise(patient: Patient, geometry: Geometry) -> Float32[np.ndarray, "d h w"]:
    """Band-pass noise: its SD goes with one over the root of slice thickness, and falls where pixels average it."""
    rng = patient.rng("noise")
    pixel = float(np.mean(geometry.spacing[1:]))
    field = rng.standard_normal(geometry.shape, dtype=np.float32)
    grain = GRAIN_MM / pixel
    if grain > 0.3:
        smooth = gaussian_filter(field, (0.0, grain, grain), truncate=3.0)
        field = smooth - np.float32(0.6) * gaussian_filter(smooth, (0.0, 2 * grain, 2 * grain), truncate=2.5)
    field = gaussian_filter1d(field, 0.45, axis=0, truncate=3.0)
    level = patient.scan.noise_hu * (5.0 / geometry.spacing[0]) ** 0.5 * min(1.0, 1.4 / pixel)
    return unit_sd(field) * np.float32(level)

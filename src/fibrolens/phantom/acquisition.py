"""What the scanner does to the picture: point spread, slice profile, metal streaks, correlated noise, rounding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import gamma

import numpy as np
from jaxtyping import Float32, Int16
from scipy.fft import fft2, fftfreq
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from fibrolens.phantom.metal import METAL_HU, add_streaks
from fibrolens.phantom.patient import Patient
from fibrolens.volume import Geometry

FWHM_TO_SIGMA = 1 / 2.355
HU_LIMITS = (-1024, 3071)
#: What a slice takes from each of its two neighbours: profiles overlap a little (together an SD of 0.35 slices).
SLICE_SHARE = 0.06
#: Correlation of the noise in neighbouring slices.
SLICE_CORRELATION = 0.25
#: Slice thickness to which a scan's `noise_hu` refers.
REFERENCE_SLICE_MM = 5.0
#: Up to this width a pixel samples the reconstruction; a wider one stands for the average over its area.
SAMPLING_PIXEL_MM = 1.0
#: The noise is lower by this share at the skin than in the middle, which the fewest photons reach.
FALL_TO_SKIN = 0.2
#: Middle of the body to the skin without fat, canonical millimetres, lateral and antero-posterior.
BODY_MM = (142.0, 106.0)


@dataclass(frozen=True)
class Kernel:
    """Reconstruction kernel, as the noise shows it.

    Args:
        peak: frequency per mm at which the noise is strongest; grain is about half its inverse.
        strength: SD of the noise relative to the standard kernel.
    """

    peak: float
    strength: float


#: Peaks as of body kernels (0.2 to 0.4 per mm, grain 2.5 to 1.3 mm). The strengths are our choice and smaller than of
#: kernels at equal dose, since a department with a sharp kernel gives more.
KERNELS: Mapping[str, Kernel] = {
    "soft": Kernel(0.20, 0.88),
    "standard": Kernel(0.28, 1.0),
    "sharp": Kernel(0.38, 1.18),
}


def acquire(hu: Float32[np.ndarray, "d h w"], patient: Patient, geometry: Geometry) -> Int16[np.ndarray, "d h w"]:
    """Blur, metal streaks, noise and rounding of one scan; `hu` is used up."""
    metal = hu > METAL_HU
    sigma = patient.scan.psf_mm * FWHM_TO_SIGMA
    pixels = (sigma / geometry.spacing[1], sigma / geometry.spacing[2])
    for picture in hu:
        gaussian_filter(picture, pixels, output=picture, truncate=3.0)
    share_slices(hu)
    thicken(hu, patient.scan.slice_mm, geometry.spacing[0])
    add_streaks(hu, metal, geometry, patient.rng("streaks"))
    hu += noise(patient, geometry)
    np.clip(np.rint(hu, out=hu), *HU_LIMITS, out=hu)
    rounded: np.ndarray = hu.astype(np.int16)
    return rounded


def noise(patient: Patient, geometry: Geometry) -> Float32[np.ndarray, "d h w"]:
    """Noise of a scan in HU, a function of patient and grid alone.

    In the middle of the body, on the full grid, its SD is ``noise_hu`` times the kernel's strength times the root of
    5 mm by the slice thickness. Wide pixels average it.
    """
    rng = patient.rng("noise")
    slices, rows, columns = geometry.shape
    amplitude = _amplitude(patient, geometry)
    fall = _fall_to_skin(patient, geometry)
    field = np.empty(geometry.shape, np.float32)
    for first in range(0, slices, 2):
        white = rng.standard_normal((rows, columns, 2), dtype=np.float32).view(np.complex64)[..., 0]
        white *= amplitude
        # Real and imaginary part are two independent slices, for the price of one transform.
        pair = fft2(white, overwrite_x=True)
        for index, part in zip(range(first, min(first + 2, slices)), (pair.real, pair.imag), strict=False):
            np.multiply(part, fall, out=field[index])
    own = np.float32((1 - SLICE_CORRELATION**2) ** 0.5)
    for index in range(1, slices):
        field[index] *= own
        field[index] += np.float32(SLICE_CORRELATION) * field[index - 1]
    return field


def _amplitude(patient: Patient, geometry: Geometry) -> Float32[np.ndarray, "h w"]:
    """Root of the noise power in each bin of a slice's Fourier transform; its squares add up to the variance.

    The power is that of filtered back-projection, frequency times squared apodisation, here of fourth order and nearly
    nil at twice the peak. What lies above the grid's highest frequency folds back, as it does in any sampling.
    """
    kernel = KERNELS[patient.scan.kernel]
    width = 2**0.5 * kernel.peak
    edges = [1 / s for s in geometry.spacing[1:]]
    wide = max(geometry.spacing[1:]) > SAMPLING_PIXEL_MM
    axes = [fftfreq(n, s) for n, s in zip(geometry.shape[1:], geometry.spacing[1:], strict=True)]
    folds = [range(-k, k + 1) for k in (int(np.ceil(1.6 * width / edge - 0.5)) for edge in edges)]
    power = np.zeros(geometry.shape[1:])
    for m in folds[0]:
        for n in folds[1]:
            y, x = axes[0][:, None] + m * edges[0], axes[1][None] + n * edges[1]
            squared = x * x + y * y
            part = np.sqrt(squared) * np.exp(squared**2 / -(width**4))
            if wide:
                part *= (np.sinc(y / edges[0]) * np.sinc(x / edges[1])) ** 2
            power += part
    # The integral of the power over the plane, times what one bin covers of the plane.
    share = power / (2 * np.pi * width**3 * gamma(0.75) / 4) * edges[0] * edges[1] / power.size
    thickness = max(geometry.spacing[0], patient.scan.slice_mm)
    level = patient.scan.noise_hu * kernel.strength * (REFERENCE_SLICE_MM / thickness) ** 0.5
    return (level * np.sqrt(share)).astype(np.float32)


def _fall_to_skin(patient: Patient, geometry: Geometry) -> Float32[np.ndarray, "h w"]:
    """Factor on the noise: 1 in the middle of the body, less towards the skin and beyond it."""
    body = patient.body
    squared: np.ndarray | float = 0.0
    for axis, stretch in ((0, body.width), (1, body.depth)):
        n, spacing, origin = geometry.shape[2 - axis], geometry.spacing[2 - axis], geometry.origin[axis]
        reach = BODY_MM[axis] * body.scale * stretch + body.fat_mm
        u = (origin + spacing * np.arange(n) - body.offset_mm[axis]) / reach
        squared = squared + (u * u).reshape((1, -1) if axis == 0 else (-1, 1))
    fall: np.ndarray = (1 - FALL_TO_SKIN * np.minimum(squared, 1)).astype(np.float32)
    return fall


def share_slices(hu: Float32[np.ndarray, "d h w"]) -> None:
    """Each slice takes a little of its neighbours, in place."""
    last = len(hu) - 1
    below = hu[0].copy()
    for index in range(last + 1):
        here = hu[index].copy()
        around = below + hu[min(index + 1, last)]
        hu[index] = np.float32(1 - 2 * SLICE_SHARE) * here + np.float32(SLICE_SHARE) * around
        below = here


def thicken(hu: Float32[np.ndarray, "d h w"], slice_mm: float, spacing_mm: float) -> None:
    """Blur along z, in place, where the scan's slices are thicker than the grid's spacing."""
    if slice_mm > spacing_mm:
        sigma = (slice_mm**2 - spacing_mm**2) ** 0.5 * FWHM_TO_SIGMA / spacing_mm
        gaussian_filter1d(hu, sigma, axis=0, output=hu, mode="nearest", truncate=3.0)

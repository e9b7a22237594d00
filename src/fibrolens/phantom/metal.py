"""Streaks around metal, by the way they arise: rays through metal are measured wrongly and then back-projected.

The parallel-beam sinogram of the metal is saturated (a beam that metal has hardened looks less attenuated than it is,
and few photons are left of it), and the error is reconstructed by filtered back-projection (Kak and Slaney, Principles
of Computerized Tomographic Imaging, section 3.3). So streaks lie along the lines that pass through most metal: between
its parts and along its long axis, bright and dark, falling with distance.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32
from scipy.fft import irfft, rfft
from scipy.ndimage import gaussian_filter1d

from fibrolens.phantom.fields import sample_linear
from fibrolens.volume import Geometry

#: What is brighter is metal.
METAL_HU = 2500.0
#: Attenuation of the metal relative to water, in HU, beyond what the scanner's number range can show.
TRUE_METAL_HU = 6000.0
#: Path through metal at which the measured attenuation saturates, mm.
SATURATION_MM = 40.0
#: SD of the error that few photons leave in a view, in mm of metal, and the path at which it is nearly reached.
STARVED_MM, THIN_MM = 1.4, 4.0
#: Streaks are no stronger than this.
LIMIT_HU = 500.0
VIEWS = 180
#: Width of a detector bin, into how many the filtered views are interpolated, and SD of the focal blur.
DETECTOR_MM, FINER, FOCUS_MM = 1.0, 4, 1.2
#: Streaks are made on pixels about this wide and interpolated in between.
WORK_MM = 2.0


def add_streaks(
    hu: Float32[np.ndarray, "d h w"], metal: Bool[np.ndarray, "d h w"], geometry: Geometry, rng: np.random.Generator
) -> None:
    """Add the streaks of the metal to the slices that hold some, in place; the metal keeps its values.

    Args:
        hu: the CT in Hounsfield units.
        metal: where it is metal.
        geometry: their grid.
        rng: source of the photon noise in rays through metal.
    """
    touched = np.flatnonzero(metal.any((1, 2)))
    if not len(touched):
        return
    sinogram = _sinogram(metal[touched], geometry)
    measured = SATURATION_MM * (1 - np.exp(-sinogram / SATURATION_MM))
    starved = STARVED_MM * (1 - np.exp(-sinogram / THIN_MM))
    starved *= rng.standard_normal((VIEWS, 1, len(touched)), dtype=np.float32)
    streaks = _back_project(_ramp(measured - sinogram + starved), geometry)
    for index, coarse in zip(touched, streaks, strict=True):
        fine = _onto(coarse, geometry)
        fine[metal[index]] = 0
        hu[index] += fine


def _sinogram(metal: Bool[np.ndarray, "d h w"], geometry: Geometry) -> Float32[np.ndarray, "views bins d"]:
    """Path through metal, in mm, of every ray."""
    which, row, column = np.nonzero(metal)
    y, x = _millimetres(row, geometry, 1), _millimetres(column, geometry, 2)
    bins, middle = _detector(geometry)
    weight = geometry.spacing[1] * geometry.spacing[2] / DETECTOR_MM
    paths = np.empty((VIEWS, bins, len(metal)), np.float32)
    for view, angle in enumerate(_angles()):
        at = (x * np.cos(angle) + y * np.sin(angle)) / DETECTOR_MM + middle
        low = np.floor(at).astype(int)
        share = at - low
        count = np.bincount(low * len(metal) + which, 1 - share, bins * len(metal))
        count += np.bincount((low + 1) * len(metal) + which, share, bins * len(metal))
        paths[view] = weight * count.reshape(bins, len(metal))
    # A pixel casts a shadow of its own width.
    return gaussian_filter1d(paths, max(FOCUS_MM, 0.4 * geometry.spacing[1]) / DETECTOR_MM, axis=1, truncate=3.0)


def _ramp(error: Float32[np.ndarray, "views bins d"]) -> Float32[np.ndarray, "views fine d"]:
    """Convolution with the band-limited ramp (Kak and Slaney, equation 3.61), on bins `FINER` times as many."""
    bins = error.shape[1]
    n = np.arange(bins)
    ramp = np.where(n % 2 == 1, -1 / (np.pi * np.maximum(n, 1)) ** 2, 0.0)
    ramp[0] = 0.25
    padded = np.concatenate([ramp, [0.0], ramp[:0:-1]]).astype(np.float32) / np.float32(DETECTOR_MM)
    spectrum = rfft(error, 2 * bins, axis=1) * rfft(padded)[None, :, None]
    return FINER * irfft(spectrum, 2 * bins * FINER, axis=1)[:, : bins * FINER]


def _back_project(filtered: Float32[np.ndarray, "views fine d"], geometry: Geometry) -> Float32[np.ndarray, "d y x"]:
    """The error in HU on coarse pixels over the same field."""
    steps = _steps(geometry)
    shape = [int(np.ceil((n - 1) / k)) + 1 for n, k in zip(geometry.shape[1:], steps, strict=True)]
    y, x = (_millimetres(np.arange(n) * k, geometry, a) for n, k, a in zip(shape, steps, (1, 2), strict=True))
    middle = _detector(geometry)[1]
    total = np.zeros((shape[0] * shape[1], filtered.shape[2]), np.float32)
    for view, angle in enumerate(_angles()):
        at = (x[None] * np.cos(angle) + y[:, None] * np.sin(angle)).ravel() / DETECTOR_MM + middle
        total += filtered[view].take(np.rint(FINER * at).astype(int), axis=0)
    total *= np.float32(np.pi / VIEWS * TRUE_METAL_HU)
    return np.ascontiguousarray(np.clip(total, -LIMIT_HU, LIMIT_HU).T.reshape(-1, *shape))


def _onto(coarse: Float32[np.ndarray, "y x"], geometry: Geometry) -> Float32[np.ndarray, "h w"]:
    """Interpolated to the grid of the picture."""
    index = [np.arange(n) / k for n, k in zip(geometry.shape[1:], _steps(geometry), strict=True)]
    return sample_linear(coarse[None], [np.zeros(1), *index])[0]


def _steps(geometry: Geometry) -> list[int]:
    return [max(1, round(WORK_MM / s)) for s in geometry.spacing[1:]]


def _millimetres(index: np.ndarray, geometry: Geometry, axis: int) -> np.ndarray:
    """Distance from the middle of the field along rows (axis 1) or columns (axis 2)."""
    return (index - (geometry.shape[axis] - 1) / 2) * geometry.spacing[axis]


def _detector(geometry: Geometry) -> tuple[int, int]:
    """Bins that cover the field's diagonal, and the one in the middle."""
    half = float(np.hypot(geometry.shape[1] * geometry.spacing[1], geometry.shape[2] * geometry.spacing[2])) / 2
    middle = int(np.ceil(half / DETECTOR_MM)) + 4
    return 2 * middle + 1, middle


def _angles() -> np.ndarray:
    return np.arange(VIEWS) * (np.pi / VIEWS)

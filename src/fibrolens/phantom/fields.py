"""Random fields and their interpolation: displacement, texture, stool, noise are all made of these."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32
from scipy.ndimage import gaussian_filter


def sample_linear(
    array: Float32[np.ndarray, "a b c"], index: list[Float[np.ndarray, " _"]]
) -> Float32[np.ndarray, "d h w"]:
    """Trilinear samples of `array` at the outer product of fractional indices per axis, clamped at the border.

    Where the indices are those of `array`, it is `array` itself.
    """
    # The last axis first: while the array is small, since its elements do not lie in rows to be copied whole.
    for axis in (2, 1, 0):
        size = array.shape[axis]
        if np.array_equal(index[axis], np.arange(size)):
            continue
        at = np.clip(index[axis], 0, size - 1)
        low = np.minimum(at.astype(int), max(size - 2, 0))
        below, above = array.take(low, axis), array.take(np.minimum(low + 1, size - 1), axis)
        above -= below
        above *= (at - low).astype(np.float32).reshape([-1 if k == axis else 1 for k in range(3)])
        above += below
        array = above
    return array


def unit_sd(field: Float32[np.ndarray, "d h w"]) -> Float32[np.ndarray, "d h w"]:
    """The field divided by its standard deviation; an empty or constant one as it is."""
    spread = float(field.std()) if field.size else 0.0
    scaled: np.ndarray = field / np.float32(spread or 1.0)
    return scaled


def band(
    rng: np.random.Generator, shape: tuple[int, ...], spacing: np.ndarray, sigma_mm: float
) -> Float32[np.ndarray, "d h w"]:
    """Smooth noise of unit SD with correlation length `sigma_mm`, without what is slower than 2.5 times that."""
    field = rng.standard_normal(shape, dtype=np.float32)
    fine = gaussian_filter(field, sigma_mm / spacing, truncate=2.5, mode="wrap")
    fine -= gaussian_filter(fine, 2 * sigma_mm / spacing, truncate=2.0, mode="wrap")
    return unit_sd(fine)


def patches(
    rng: np.random.Generator, shape: tuple[int, ...], spacing: np.ndarray, pitch_mm: float = 25.0
) -> Float32[np.ndarray, "d h w"]:
    """A slow factor around 1, at least 0, with a new value every `pitch_mm`."""
    coarse_shape = [max(2, int(np.ceil(n * s / pitch_mm)) + 1) for n, s in zip(shape, spacing, strict=True)]
    coarse = np.clip(1 + 0.6 * rng.standard_normal(coarse_shape, dtype=np.float32), 0, 2.5)
    return sample_linear(coarse, [np.linspace(0, c - 1, n) for c, n in zip(coarse_shape, shape, strict=True)])

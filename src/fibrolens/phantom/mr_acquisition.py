"""What an MR scanner does to the picture: point spread, slices, metal, coil sensitivity, Rician noise, units."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32, Int16
from scipy.ndimage import gaussian_filter

from fibrolens.phantom.acquisition import FWHM_TO_SIGMA, share_slices, thicken
from fibrolens.phantom.fields import sample_linear, unit_sd
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.mr import MrScan
from fibrolens.phantom.patient import Patient
from fibrolens.phantom.pose import LATTICE_LOW, LATTICE_SHAPE, PITCH_MM
from fibrolens.volume import Geometry

#: Over which the coils' sensitivity changes.
COIL_SIGMA_MM = 70.0
#: Parallel imaging adds this share of noise in the middle of the field, falling off over so many millimetres.
MIDDLE_NOISE, MIDDLE_MM = 0.5, 90.0
#: Metal takes the signal around it: SD of the Gaussian that is subtracted, and its strength.
VOID_MM, VOID = 5.0, 6.0
LARGEST = 32767


def acquire_mr(
    signal: Float32[np.ndarray, "d h w"],
    metal: Bool[np.ndarray, "d h w"],
    patient: Patient,
    scan: MrScan,
    geometry: Geometry,
) -> Int16[np.ndarray, "d h w"]:
    """One scan in arbitrary units; `signal` is used up. A function of patient, scan and grid alone."""
    sigma = scan.psf_mm * FWHM_TO_SIGMA
    for picture in signal:
        gaussian_filter(picture, (sigma / geometry.spacing[1], sigma / geometry.spacing[2]), output=picture)
    share_slices(signal)
    thicken(signal, scan.slice_mm, geometry.spacing[0])
    if metal.any():
        shadow = gaussian_filter(metal.astype(np.float32), [VOID_MM / s for s in geometry.spacing])
        signal *= np.clip(1 - VOID * shadow, 0, 1)
    signal *= _coil(patient, scan, geometry)
    signal = _with_noise(signal, patient, scan, geometry)
    rounded: np.ndarray = np.clip(np.rint(signal * np.float32(scan.scale)), 0, LARGEST).astype(np.int16)
    return rounded


def metal_of(labels: np.ndarray) -> Bool[np.ndarray, "d h w"]:
    """Where metal lies."""
    return np.asarray(labels == Organ.METAL)


def _coil(patient: Patient, scan: MrScan, geometry: Geometry) -> Float32[np.ndarray, "d h w"]:
    """Slow factor around 1, drawn on a lattice around the patient, whatever the grid."""
    rng = patient.rng("coil")
    slow = gaussian_filter(rng.standard_normal(LATTICE_SHAPE, dtype=np.float32), COIL_SIGMA_MM / PITCH_MM)
    offset = patient.body.offset_mm
    at = [
        (geometry.origin[2 - k] - offset[2 - k] - LATTICE_LOW[k] + geometry.spacing[k] * np.arange(geometry.shape[k]))
        / PITCH_MM
        for k in range(3)
    ]
    field: np.ndarray = np.exp(np.float32(scan.coil) * sample_linear(unit_sd(slow), at))
    return field


def _with_noise(
    signal: Float32[np.ndarray, "d h w"], patient: Patient, scan: MrScan, geometry: Geometry
) -> Float32[np.ndarray, "d h w"]:
    """Magnitude of the signal with Gaussian noise in both channels; voxels larger than the scan's own average it."""
    rng = patient.rng("mr noise")
    own = scan.slice_mm * scan.pixel_mm**2
    level = scan.noise * min(1.0, own / geometry.voxel_ml / 1000.0) ** 0.5
    y, x = (
        geometry.origin[1 - k]
        + geometry.spacing[1 + k] * np.arange(geometry.shape[1 + k])
        - patient.body.offset_mm[1 - k]
        for k in range(2)
    )
    squared = (y[:, None] ** 2 + x[None] ** 2) / MIDDLE_MM**2
    sd = (level * (1 + MIDDLE_NOISE * np.exp(-squared))).astype(np.float32)
    for picture in signal:
        real = picture + sd * rng.standard_normal(picture.shape, dtype=np.float32)
        np.hypot(real, sd * rng.standard_normal(picture.shape, dtype=np.float32), out=picture)
    return signal

"""Draw the power spectrum of the simulated noise, one curve for each reconstruction kernel.

::

    python scripts/noise_power_spectrum.py           write docs/images/noise_power_spectrum.png

The spectrum is measured as on a real scanner, from regions of a uniform object (AAPM task group 233).
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float

from fibrolens.phantom.acquisition import noise
from fibrolens.phantom.patient import Patient, sample_patient
from fibrolens.volume import Geometry

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "noise_power_spectrum.png"
#: Okabe and Ito's colours, told apart by everyone; the line styles help where there is no colour.
STYLES = {"soft": ("#0072B2", "-"), "standard": ("#E69F00", "--"), "sharp": ("#009E73", "-.")}
NOISE_HU, PIXEL_MM, SLICE_MM = 11.0, 0.75, 5.0
REGION, SIDE = 64, 3


def noise_power_spectrum(
    patches: Float[np.ndarray, "n h w"], pixel_mm: float
) -> tuple[Float[np.ndarray, " f"], Float[np.ndarray, " f"]]:
    """Radially averaged power spectrum of the noise.

    Args:
        patches: square regions of a uniform object, in Hounsfield units.
        pixel_mm: width of a pixel.

    Returns:
        Frequencies per mm up to the highest that the pixels hold, and power in HU^2 mm^2. Its integral over the plane
        of frequencies is the variance.
    """
    size = patches.shape[-1]
    uniform = patches - patches.mean((1, 2), keepdims=True)
    power = (np.abs(np.fft.fft2(uniform)) ** 2).mean(0) * pixel_mm**2 / size**2
    axis = np.fft.fftfreq(size, pixel_mm)
    ring = np.rint(np.hypot(axis[:, None], axis[None]) * size * pixel_mm).astype(int).ravel()
    average = np.bincount(ring, power.ravel()) / np.bincount(ring)
    rings = np.arange(1, size // 2 + 1)
    return rings / (size * pixel_mm), average[rings]


def middle_patches(patient: Patient, slices: int = 24) -> Float[np.ndarray, "n h w"]:
    """Noise of the patient's scan in regions around the middle of the body."""
    width = REGION * SIDE
    corner = [patient.body.offset_mm[k] - PIXEL_MM * (width - 1) / 2 for k in (0, 1)]
    field = noise(patient, Geometry((slices, width, width), (SLICE_MM, PIXEL_MM, PIXEL_MM), (*corner, 0.0)))
    tiles = field.reshape(slices, SIDE, REGION, SIDE, REGION).swapaxes(2, 3)
    return tiles.reshape(-1, REGION, REGION).astype(float)


def draw(path: Path) -> None:
    """One curve for each kernel, with the SD in the legend."""
    mpl.use("agg")
    patient = sample_patient(np.random.default_rng(0), 0)
    figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
    for kernel, (colour, line) in STYLES.items():
        scanned = replace(patient, scan=replace(patient.scan, kernel=kernel, noise_hu=NOISE_HU))
        patches = middle_patches(scanned)
        frequency, power = noise_power_spectrum(patches, PIXEL_MM)
        axes.plot(frequency, power, line, color=colour, lw=2, label=f"{kernel}, SD {patches.std():.1f} HU")
    axes.set_xlabel("spatial frequency (1/mm)")
    axes.set_ylabel("noise power (HU² mm²)")
    axes.set_xlim(0, 0.5 / PIXEL_MM)
    axes.set_ylim(0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(title=f"simulated noise, {SLICE_MM:g} mm slices, {PIXEL_MM:g} mm pixels", frameon=False)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=PICTURE, help="the picture to write")
    draw(parser.parse_args().out)

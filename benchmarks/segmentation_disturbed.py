"""Segmentation on disturbed real CT: what weights lose when a scan is noisier, darker, blurred, turned or cut.

::

    python benchmarks/segmentation_disturbed.py --data ../shared/data [--model FOLDER ...]

Each CT with known organs is disturbed in one way at a time; a line tells the Dice of liver and spleen by every model
folder (the shipped one where none is given). Two weights that are alike on the scans as they are may not be so here.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from fibrolens.evaluate.overlap import dice
from fibrolens.segment.predict import Segmenter
from fibrolens.volume import Volume
from fibrolens.weights import shipped
from segmentation_real import ORGANS, Truth, cases

Scan = tuple[Volume, Truth]

NOISE_HU, NOISE_GRAIN, BLUR, TURN_DEGREES = 25.0, 0.8, 1.5, 12.0
#: Tissue whose contrast is changed; fat, air and bone stay.
SOFT_HU = (-20.0, 300.0)
#: Slices of a short scan in millimetres, and of a thick slice.
SHORT_MM, THICK_MM = 40.0, 5.0


def noisy(ct: Volume, truth: Truth) -> Scan:
    """Noise of `NOISE_HU` with a grain of about a pixel."""
    grain = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=ct.array.shape), (0, NOISE_GRAIN, NOISE_GRAIN))
    return ct.with_array((ct.array + NOISE_HU * grain / grain.std()).astype(np.float32)), truth


def contrast(factor: float) -> Callable[[Volume, Truth], Scan]:
    """Soft tissue times a factor."""

    def change(ct: Volume, truth: Truth) -> Scan:
        hu = ct.array.astype(np.float32)
        soft = (hu > SOFT_HU[0]) & (hu < SOFT_HU[1])
        return ct.with_array(np.where(soft, factor * hu, hu)), truth

    return change


def turned(degrees: float) -> Callable[[Volume, Truth], Scan]:
    """A patient who lies on one side."""

    def change(ct: Volume, truth: Truth) -> Scan:
        hu = ndimage.rotate(ct.array.astype(np.float32), degrees, axes=(1, 2), reshape=False, order=1, cval=-1000)
        masks = {
            organ: ndimage.rotate(mask.astype(np.uint8), degrees, axes=(1, 2), reshape=False, order=0) > 0
            for organ, mask in truth.items()
        }
        return ct.with_array(hu), masks

    return change


def blurred(ct: Volume, truth: Truth) -> Scan:
    """A soft kernel."""
    return ct.with_array(ndimage.gaussian_filter(ct.array.astype(np.float32), (0, BLUR, BLUR))), truth


def thick(ct: Volume, truth: Truth) -> Scan:
    """Neighbouring slices averaged."""
    spacing = ct.geometry.spacing
    count = max(1, round(THICK_MM / spacing[0]))
    slices = len(ct.array) // count

    def mean(array: np.ndarray) -> np.ndarray:
        return np.asarray(array[: slices * count].reshape(slices, count, *array.shape[1:]).mean(axis=1))

    hu = mean(ct.array.astype(np.float32))
    x, y, z = (float(v) for v in ct.geometry.to_world(np.array([(count - 1) / 2, 0, 0])))
    thicker = (spacing[0] * count, *spacing[1:])
    geometry = replace(ct.geometry, shape=hu.shape, spacing=thicker, origin=(x, y, z))
    return replace(ct, array=hu, geometry=geometry), {organ: mean(mask) >= 0.5 for organ, mask in truth.items()}


def cut(first: float, last: float) -> Callable[[Volume, Truth], Scan]:
    """A part of the slices, from and to a share of them."""

    def change(ct: Volume, truth: Truth) -> Scan:
        part = slice(round(first * len(ct.array)), round(last * len(ct.array)))
        x, y, z = (float(v) for v in ct.geometry.to_world(np.array([part.start, 0.0, 0.0])))
        hu = ct.array[part]
        geometry = replace(ct.geometry, shape=hu.shape, origin=(x, y, z))
        return replace(ct, array=hu, geometry=geometry), {organ: mask[part] for organ, mask in truth.items()}

    return change


def disturbed(ct: Volume, truth: Truth) -> Iterator[tuple[str, Volume, Truth]]:
    """Each way by its name; a short scan is not cut further."""
    ways: dict[str, Callable[[Volume, Truth], Scan]] = {
        "as it is": lambda *scan: scan,
        f"noise of {NOISE_HU:g} HU": noisy,
        "contrast x 0.75": contrast(0.75),
        "contrast x 1.25": contrast(1.25),
        f"turned by {TURN_DEGREES:g}": turned(TURN_DEGREES),
        f"turned by -{TURN_DEGREES:g}": turned(-TURN_DEGREES),
        "blurred": blurred,
    }
    length = len(ct.array) * ct.geometry.spacing[0]
    if length > 2 * SHORT_MM:
        middle, half = 0.6, SHORT_MM / length / 2
        ways |= {
            f"slices of {THICK_MM:g} mm": thick,
            "lower two thirds": cut(0, 2 / 3),
            "upper two thirds": cut(1 / 3, 1),
            f"{SHORT_MM:g} mm": cut(middle - half, middle + half),
        }
    for name, way in ways.items():
        yield name, *way(ct, truth)


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, nargs="+", default=[shipped("vnet")])
    arguments = parser.parse_args()
    segmenters = [Segmenter.load(folder) for folder in arguments.model]
    scores: list[list[list[float]]] = [[] for _ in segmenters]
    print("liver / spleen by", ", ".join(segmenter.name for segmenter in segmenters))
    for name, whole, known in cases(arguments.data):
        if not known:
            continue
        for way, ct, truth in disturbed(whole, known):
            for found, segmenter in zip(scores, segmenters, strict=True):
                labels = segmenter.segment(ct).labels.array
                found.append([dice(labels == value, truth[organ]) or 0.0 for value, organ in ORGANS])
            print(f"{name}, {way}: " + ", ".join("{:.3f} / {:.3f}".format(*found[-1]) for found in scores), flush=True)
    for how in (np.mean, np.min):
        print(f"{how.__name__}: " + ", ".join("{:.3f} / {:.3f}".format(*how(found, axis=0)) for found in scores))


if __name__ == "__main__":
    main()

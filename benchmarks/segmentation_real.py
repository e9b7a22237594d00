"""Segmentation on real CT: Dice, HD95, volumes and seconds, and overlays to look at.

::

    python benchmarks/segmentation_real.py --data ../shared/data [--runs runs/vnet] [--out out/segmentation]

Without ``--runs`` the shipped weights are measured, with it the last checkpoint of a training. The CTs are for looking
and testing: nothing is trained on them, and a single case decides nothing.
"""

from __future__ import annotations

import argparse
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pydicom
from jaxtyping import Bool, Shaped
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fibrolens.evaluate.overlap import dice, hd95_mm
from fibrolens.io import read_labels, read_volume
from fibrolens.plan import SegmentationPlan
from fibrolens.segment.predict import Segmenter
from fibrolens.segment.train import CHECKPOINT, trained_network
from fibrolens.transforms import Orient
from fibrolens.volume import Volume
from fibrolens.weights import shipped

ORGANS = ((1, "liver"), (2, "spleen"))
Truth = dict[str, Bool[np.ndarray, "d h w"]]


def cases(data: Path) -> Iterator[tuple[str, Volume, Truth]]:
    """Name, CT and known organs of each real scan."""
    ct = read_volume(data / "ircad01" / "PATIENT_DICOM")
    yield "ircad01", ct, {organ: _ircad_mask(data, organ, ct) for organ in ("liver", "spleen")}
    folder = data / "totalsegmentator"
    ct = read_volume(folder / "example_ct_dicom")
    labels = read_labels(folder / "example_seg_dicom.nii.gz", ct).array
    yield "totalsegmentator_slab", ct, {"liver": labels == 5, "spleen": labels == 1}
    yield "chaos_ct3", read_volume(data / "chaos_ct3" / "DICOM_anon"), {}
    yield "totalsegmentator_native", read_volume(folder / "example_ct.nii.gz"), {}


def _ircad_mask(data: Path, organ: str, ct: Volume) -> Bool[np.ndarray, "d h w"]:
    """An expert mask, which is a DICOM series of its own, on the CT's grid."""
    with TemporaryDirectory() as folder, zipfile.ZipFile(data / "ircad01" / "MASKS_DICOM.zip") as archive:
        archive.extractall(folder, [n for n in archive.namelist() if n.startswith(f"MASKS_DICOM/{organ}/")])
        return _stack(Path(folder) / "MASKS_DICOM" / organ, ct)


def _stack(folder: Path, ct: Volume) -> Bool[np.ndarray, "d h w"]:
    """8-bit slices ordered by their position, the way the CT reader orders its own."""
    slices = [pydicom.dcmread(p) for p in folder.iterdir() if p.is_file()]
    axis = np.asarray(ct.geometry.direction[0])
    slices.sort(key=lambda s: float(np.dot(axis, [float(v) for v in s.ImagePositionPatient])))
    return np.stack([s.pixel_array > 0 for s in slices])


def describe(organ: str, ct: Volume, mask: Bool[np.ndarray, "d h w"], known: Bool[np.ndarray, "d h w"] | None) -> str:
    """What there is to say of one organ."""
    found = f"{organ} found {mask.sum() * ct.geometry.voxel_ml:.0f} ml"
    if known is None:
        return found
    far = hd95_mm(mask, known, ct.geometry.spacing)
    distance = "none" if far is None else f"{far:.1f} mm"
    return f"{found} of {known.sum() * ct.geometry.voxel_ml:.0f} ml, Dice {dice(mask, known):.3f}, HD95 {distance}"


def overlay(path: Path, ct: Volume, labels: Volume, truth: Truth) -> None:
    """Five axial and three coronal sections with outlines: found (solid red, cyan), known (thin yellow)."""
    orient = Orient.fit(ct.geometry)
    hu, found = orient.forward(ct).array, orient.forward(labels).array
    known = sum(k * orient.forward(ct.with_array(m)).array for k, m in enumerate(truth.values(), 1)) if truth else None
    depth, row, _ = orient.target.spacing
    present = np.flatnonzero((found > 0).any(axis=(1, 2))) if found.any() else np.arange(len(hu))
    rows = np.flatnonzero((found > 0).any(axis=(0, 2))) if found.any() else np.arange(hu.shape[1])
    figure = Figure(figsize=(25, 10))
    axes = figure.subplots(2, 5)
    for panel, part in zip(axes[0], (0.08, 0.3, 0.5, 0.7, 0.92), strict=True):
        _panel(panel, [a[present[int(part * (len(present) - 1))]] for a in (hu, found, known) if a is not None], 1.0)
    for panel, part in zip(axes[1], (0.2, 0.4, 0.55, 0.7, 0.85), strict=True):
        index = rows[int(part * (len(rows) - 1))]
        _panel(panel, [a[::-1, index] for a in (hu, found, known) if a is not None], depth / row)
    figure.tight_layout()
    figure.savefig(path, dpi=50)


def _panel(panel: Axes, images: list[Shaped[np.ndarray, "h w"]], aspect: float) -> None:
    panel.imshow(images[0], cmap="gray", vmin=-125, vmax=225, aspect=aspect)
    panel.axis("off")
    for image, colours, width in zip(images[1:], (("red", "cyan"), ("yellow", "yellow")), (1.2, 0.7), strict=False):
        for value, colour in zip((1, 2), colours, strict=True):
            if (image == value).any():
                panel.contour(image == value, [0.5], colors=colour, linewidths=width)


def load(runs: Path | None) -> Segmenter:
    """The shipped segmenter, or the last checkpoint of a training."""
    if runs is None:
        return Segmenter.load(shipped("vnet"))
    plan = SegmentationPlan()
    network, steps = trained_network(runs / CHECKPOINT, plan)
    return Segmenter(network, plan, f"checkpoint at {steps} steps", "")


def main() -> None:
    """Parse the command line, measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path)
    parser.add_argument("--out", type=Path, default=Path("out/segmentation"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    segmenter = load(arguments.runs)
    print(segmenter.name)
    for name, ct, truth in cases(arguments.data):
        started = time.perf_counter()
        found = segmenter.segment(ct)
        seconds = time.perf_counter() - started
        figures = [describe(organ, ct, found.labels.array == value, truth.get(organ)) for value, organ in ORGANS]
        aorta = ct.array[found.aorta.array > 0]
        figures.append(f"aorta {np.median(aorta):.0f} HU" if aorta.size else "no aorta")
        print(f"{name}: {'; '.join(figures)}; {seconds:.1f} s", flush=True)
        overlay(arguments.out / f"{name}.png", ct, found.labels, truth)


if __name__ == "__main__":
    main()

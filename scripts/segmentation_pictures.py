"""Draw what the shipped V-Nets find beside what is there: a real slab, and the worst of some simulated patients.

::

    python scripts/segmentation_pictures.py --data ../shared/data --out docs/images/segmentation.png

The real CT is the example of TotalSegmentator (Apache-2.0), its outlines made by that model. Simulated patients are
those that no training saw.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fibrolens.evaluate.overlap import dice
from fibrolens.io import read_labels, read_volume
from fibrolens.labelmaps import label_map
from fibrolens.phantom.render import medium_grid, render
from fibrolens.segment.predict import Segmenter
from fibrolens.transforms import Orient
from fibrolens.volume import Volume
from fibrolens.weights import shipped
from train_vnet import UNSEEN_SEED, simulated_patient

#: Found, known: colours that the colour-blind tell apart.
COLOURS = (("#d55e00", 1.8), ("#56b4e9", 1.0))
Labels = UInt8[np.ndarray, "d h w"]


def real_slab(data: Path) -> tuple[str, Volume, Labels]:
    """The real CT and its known liver (1) and spleen (2)."""
    folder = data / "totalsegmentator"
    ct = read_volume(folder / "example_ct_dicom")
    numbers = read_labels(folder / "example_seg_dicom.nii.gz", ct).array
    names = label_map("totalsegmentator")
    known = np.select([np.isin(numbers, list(names.liver)), np.isin(numbers, list(names.spleen))], [1, 2], 0).astype(
        np.uint8
    )
    return "real slab", ct, known


def worst_simulated(segmenter: Segmenter, count: int) -> list[tuple[str, Volume, Labels]]:
    """The simulated patients with the lowest Dice of liver and of spleen."""
    seen = []
    for seed in range(UNSEEN_SEED, UNSEEN_SEED + count):
        patient = simulated_patient(seed)
        rendering = render(patient, medium_grid(patient))
        known = np.where(rendering.labels.array <= 2, rendering.labels.array, 0).astype(np.uint8)
        found = segmenter.segment(rendering.hu).labels.array
        scores = [dice(found == organ, known == organ) or 0.0 for organ in (1, 2)]
        seen.append((scores, rendering.hu, known))
    cases = []
    for organ, name in enumerate(("liver", "spleen")):
        scores, hu, known = min(seen, key=lambda case: case[0][organ])
        cases.append((f"worst {name} of {count} simulated", hu, known))
    return cases


def panel(axes: Axes, images: list[np.ndarray], aspect: float) -> None:
    """One section with both outlines."""
    hu, *labels = images
    axes.imshow(hu, cmap="gray", vmin=-125, vmax=225, aspect=aspect)
    axes.axis("off")
    for image, (colour, width) in zip(labels, COLOURS, strict=True):
        for organ in (1, 2):
            if (image == organ).any():
                axes.contour(image == organ, [0.5], colors=colour, linewidths=width)


def draw(segmenter: Segmenter, cases: list[tuple[str, Volume, Labels]], path: Path) -> None:
    """A row per case: three axial sections and a coronal one."""
    figure = Figure(figsize=(12, 3.1 * len(cases)), layout="constrained")
    for (name, ct, known), row in zip(cases, np.atleast_2d(figure.subplots(len(cases), 4)), strict=True):
        orient = Orient.fit(ct.geometry)
        labels = segmenter.segment(ct).labels
        images = [orient.forward(volume).array for volume in (ct, labels, ct.with_array(known))]
        organs = images[2] > 0
        slices = np.flatnonzero(organs.any(axis=(1, 2)))
        for axes, part in zip(row[:3], (0.2, 0.5, 0.8), strict=True):
            panel(axes, [image[slices[int(part * (len(slices) - 1))]] for image in images], 1.0)
        middle = int(np.median(np.flatnonzero(organs.any(axis=(0, 2)))))
        depth, spacing, _ = orient.target.spacing
        panel(row[3], [image[::-1, middle] for image in images], depth / spacing)
        scores = ", ".join(
            f"{organ} {dice(images[1] == number, known_there):.3f}"
            for number, organ in enumerate(("liver", "spleen"), 1)
            if (known_there := images[2] == number).any()
        )
        row[0].set_title(f"{name}: Dice {scores}", fontsize=9, loc="left")
    figure.savefig(path, dpi=100)


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--simulated", type=int, default=20)
    arguments = parser.parse_args()
    segmenter = Segmenter.load(shipped("vnet"))
    draw(segmenter, [real_slab(arguments.data), *worst_simulated(segmenter, arguments.simulated)], arguments.out)


if __name__ == "__main__":
    main()

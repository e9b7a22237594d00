"""Draw simulated slices above real ones in the same window: does the simulation look like a CT?

    python scripts/compare_slices.py REAL [REAL ...] OUT.png

REAL is a DICOM folder or a NIfTI file of a portal-venous CT. The picture shows the real scans: where it may go is what
their licence says.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from fibrolens.io import read_volume
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.render import render
from fibrolens.volume import Volume

WINDOW_HU = (-125, 225)
#: Where the slices lie, as shares of a scan's length from its top.
LEVELS = (0.2, 0.4, 0.6, 0.8)


def main() -> None:
    """Render one patient per seed and draw all scans as rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("real", nargs="+", type=Path, help="real scans")
    parser.add_argument("out", type=Path, help="picture to write")
    parser.add_argument("--seeds", nargs="+", type=int, default=[5, 4], help="simulated patients")
    options = parser.parse_args()
    simulated = [render(sample_patient(np.random.default_rng(seed), seed % 5)).hu for seed in options.seeds]
    draw([*simulated, *(read_volume(path) for path in options.real)], options.out)


def draw(scans: list[Volume], out: Path) -> None:
    """One row of slices per scan, from the top down."""
    figure, axes = plt.subplots(len(scans), len(LEVELS), figsize=(4 * len(LEVELS), 4 * len(scans)), squeeze=False)
    for row, scan in zip(axes, scans, strict=True):
        for panel, level in zip(row, LEVELS, strict=True):
            picture = scan.array[int((1 - level) * (len(scan.array) - 1))]
            panel.imshow(picture, cmap="gray", vmin=WINDOW_HU[0], vmax=WINDOW_HU[1])
            panel.axis("off")
    figure.tight_layout()
    figure.savefig(out, dpi=75)


if __name__ == "__main__":
    main()

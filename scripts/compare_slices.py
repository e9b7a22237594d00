"""Draw simulated slices above real ones in the same window: does the simulation look like a CT?

    python scripts/compare_slices.py REAL [REAL ...] OUT.png

REAL is a DICOM folder or a NIfTI file of a portal-venous CT. The picture shows the real scans: where it may go is what
their licence says.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from fibrolens.io import read_volume
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.render import render
from fibrolens.volume import Volume

WINDOW_HU = (-125, 225)
#: Half the field that is shown, down and across.
FIELD_MM = (150.0, 200.0)


def main() -> None:
    """Render one patient per seed and draw all scans as rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("real", nargs="+", type=Path, help="real scans")
    parser.add_argument("out", type=Path, help="picture to write")
    parser.add_argument("--seeds", nargs="+", type=int, default=[5, 4], help="simulated patients")
    parser.add_argument("--levels", nargs="+", type=float, default=[0.2, 0.4, 0.6, 0.8], help="in the simulated scans")
    parser.add_argument("--name", nargs="+", default=[], help="what to write beside the real scans")
    options = parser.parse_args()
    rows = []
    for seed in options.seeds:
        patient = sample_patient(np.random.default_rng(seed), seed % 5)
        rows.append((f"simulated, F{patient.stage}", render(patient).hu, options.levels))
    names = options.name or ["real"] * len(options.real)
    for name, path in zip(names, options.real, strict=True):
        real = read_volume(path)
        # A slab shows one level; its slices are spread evenly over the row.
        rows.append((name, real, np.linspace(0.08, 0.92, len(options.levels)).tolist()))
    draw(rows, options.out)


def draw(rows: Sequence[tuple[str, Volume, Sequence[float]]], out: Path) -> None:
    """One row of slices per scan, at `levels` of its length from the top down, cropped to the same field."""
    columns = len(rows[0][2])
    figure, axes = plt.subplots(len(rows), columns, figsize=(2.9 * columns, 2.35 * len(rows)), squeeze=False)
    for row, (name, scan, levels) in zip(axes, rows, strict=True):
        for panel, level in zip(row, levels, strict=True):
            picture = scan.array[int((1 - level) * (len(scan.array) - 1))]
            _, height, width = np.array(scan.array.shape) * scan.geometry.spacing
            extent = (-width / 2, width / 2, height / 2, -height / 2)
            panel.imshow(picture, cmap="gray", vmin=WINDOW_HU[0], vmax=WINDOW_HU[1], extent=extent)
            panel.set(xlim=(-FIELD_MM[1], FIELD_MM[1]), ylim=(FIELD_MM[0], -FIELD_MM[0]), xticks=[], yticks=[])
            panel.set_facecolor("black")
        row[0].set_ylabel(name, fontsize=9)
    figure.suptitle(f"Same window, {WINDOW_HU[0]} to {WINDOW_HU[1]} HU. Research use only.", fontsize=9)
    figure.tight_layout(pad=0.4)
    figure.savefig(out, dpi=100)


if __name__ == "__main__":
    main()

"""Draw simulated MR of the hepatobiliary phase below the same patients' CT, and real MR below all.

    python scripts/mr_slices.py OUT.png [--real MR.nii.gz]

The picture shows the real scan: where it may go is what its licence says.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np

from fibrolens.io import read_volume
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.render import render
from fibrolens.phantom.setting import CT, MR_HBP, Setting
from fibrolens.plan import GridPlan
from fibrolens.report.drawing import WINDOW_HU
from fibrolens.transforms import ToNetworkGrid
from fibrolens.volume import Volume

#: Half the field that is shown, down and across.
FIELD_MM = (150.0, 200.0)
#: Seed and stage of the patients.
PATIENTS = ((11, 0), (12, 4))


class Row(NamedTuple):
    """A scan, what is written beside it, its grey values, and how far from its bottom its slices lie."""

    name: str
    scan: Volume
    window: tuple[float, float]
    levels: Sequence[float]


def main() -> None:
    """Render both scans of each patient and draw all as rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path, help="picture to write")
    parser.add_argument("--real", type=Path, help="a real MR")
    parser.add_argument("--levels", nargs="+", type=float, default=[0.42, 0.55, 0.66, 0.76], help="in the scans")
    options = parser.parse_args()
    rows = []
    for seed, stage in PATIENTS:
        for modality, name in ((CT, "CT"), (MR_HBP, "MR")):
            patient = sample_patient(np.random.default_rng(seed), stage, setting=Setting(modality=modality))
            scan = render(patient).hu
            uptake = f",\nuptake {patient.mr.uptake:.2f}" if patient.mr else ""
            rows.append(Row(f"simulated {name}, F{stage}{uptake}", scan, _window(scan, modality), options.levels))
    if options.real is not None:
        real = read_volume(options.real)
        rows.append(Row("real MR, T1,\nno contrast, fat bright", real, _window(real, MR_HBP), (0.1, 0.4, 0.65, 0.95)))
    draw(rows, options.out)


def _window(scan: Volume, modality: str) -> tuple[float, float]:
    if modality == CT:
        return WINDOW_HU
    window = ToNetworkGrid.fit(scan, GridPlan(intensity="mr")).window
    return window.lower, window.upper


def draw(rows: Sequence[Row], out: Path) -> None:
    """One row of slices per scan, all cropped to the same field."""
    columns = len(rows[0].levels)
    figure, axes = plt.subplots(len(rows), columns, figsize=(2.9 * columns, 2.25 * len(rows)), squeeze=False)
    for panels, row in zip(axes, rows, strict=True):
        for panel, level in zip(panels, row.levels, strict=True):
            picture = row.scan.array[int(level * (len(row.scan.array) - 1))]
            _, height, width = np.array(row.scan.array.shape) * row.scan.geometry.spacing
            extent = (-width / 2, width / 2, height / 2, -height / 2)
            panel.imshow(picture, cmap="gray", vmin=row.window[0], vmax=row.window[1], extent=extent)
            panel.set(xlim=(-FIELD_MM[1], FIELD_MM[1]), ylim=(FIELD_MM[0], -FIELD_MM[0]), xticks=[], yticks=[])
            panel.set_facecolor("black")
        panels[0].set_ylabel(row.name, fontsize=9)
    low, high = WINDOW_HU
    figure.suptitle(f"CT: {low:g} to {high:g} HU; MR: 0.5 to 99.5 % of the body. Research use only.", fontsize=9)
    figure.tight_layout(pad=0.4, rect=(0, 0, 1, 0.985))
    figure.savefig(out, dpi=80)


if __name__ == "__main__":
    main()

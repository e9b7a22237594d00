"""Tiny CTs whose organs differ by their intensity, with masks, for tests of the training of the segmentation."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from tests.segment.cascades import SMALL

from fibrolens.io import write_nifti
from fibrolens.volume import Geometry, Volume

PLAN = replace(SMALL, in_plane=(32, 32), learning_rate=1e-3, warmup_steps=1, average_steps=2)
SHAPE = (14, 24, 24)


def tiny_ct(number: int) -> tuple[Volume, Volume]:
    """A CT with a liver, a spleen and an aorta, and its labels (1 liver, 2 spleen)."""
    hu, labels = np.full(SHAPE, -1000, np.int16), np.zeros(SHAPE, np.uint8)
    hu[:, 2:22, 2:22] = -50
    hu[:, 16:18, 12:14] = 100
    labels[2:12, 5:18, 3 : 10 + number % 3] = 1
    labels[3:10, 12:19, 17:21] = 2
    hu[labels == 1], hu[labels == 2] = 150 + number, 200 + number
    volume = Volume(hu, Geometry(SHAPE, (5.0, 5.0, 5.0)))
    return volume, volume.with_array(labels)


def write_cohort(folder: Path, count: int, without_spleen: tuple[int, ...] = ()) -> Path:
    """CTs, masks of liver and spleen, and the table; some rows name no spleen mask."""
    lines = ["patient_id,scan_id,stage,image,liver_mask,spleen_mask"]
    for k in range(count):
        ct, labels = tiny_ct(k)
        write_nifti(ct, folder / f"ct{k}.nii.gz")
        write_nifti(labels, folder / f"labels{k}.nii.gz")
        for number, organ in ((1, "liver"), (2, "spleen")):
            write_nifti(ct.with_array((labels.array == number).astype(np.uint8)), folder / f"{organ}{k}.nii.gz")
        spleen = "" if k in without_spleen else f"spleen{k}.nii.gz"
        lines.append(f"p{k},s{k},F0|F1|F2|F3|F4,ct{k}.nii.gz,liver{k}.nii.gz,{spleen}")
    (folder / "cohort.csv").write_text("\n".join(lines) + "\n")
    return folder / "cohort.csv"

"""Label files with a set's own numbers, split into the masks that ``cohort.csv`` takes: one organ, 1 inside."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fibrolens.cohort.sources.base import Labels
from fibrolens.errors import InputError
from fibrolens.io import read_labels, write_nifti
from fibrolens.labelmaps import label_map


def split_labels(labels: Labels, folder: Path, scan_id: str) -> dict[str, Path]:
    """Write a mask per organ that a label file holds.

    Args:
        labels: the file and whose numbers it has.
        folder: where the masks go, as ``SCAN_ID_ORGAN.nii.gz``.
        scan_id: of the scan.

    Returns:
        The masks by ``liver`` and ``spleen``; an organ that is not there has none.

    Raises:
        InputError: the file cannot be read, or holds numbers that the set does not have.
    """
    volume, numbers = read_labels(labels.path), label_map(labels.label_map)
    unknown = sorted(set(np.unique(volume.array).tolist()) - numbers.known)
    if unknown:
        raise InputError(
            f"{labels.path.name} holds the label {unknown[0]}, which {numbers.title} does not have; it is of "
            f"another set."
        )
    written = {}
    for organ, values in (("liver", numbers.liver), ("spleen", numbers.spleen)):
        mask = np.isin(volume.array, values)
        if values and mask.any():
            written[organ] = folder / f"{scan_id}_{organ}.nii.gz"
            write_nifti(volume.with_array(mask.astype(np.uint8)), written[organ], f"{organ} of {labels.label_map}")
    return written

"""Scans with their user's masks, as the training of the segmentation reads them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from fibrolens.cohort.problems import Problem, refuse
from fibrolens.cohort.table import CohortRow, read_cohort
from fibrolens.errors import CohortError, InputError
from fibrolens.io import read_mask, read_organs, read_volume
from fibrolens.io.reading import file_format
from fibrolens.plan import GridPlan, SegmentationPlan
from fibrolens.quality import require_ct
from fibrolens.segment.predict import AORTA, ORGANS, Segmenter
from fibrolens.segment.randomise import real_example
from fibrolens.transforms import ToNetworkGrid
from fibrolens.volume import Geometry, Volume

LIVER, SPLEEN = 1, 2

Organs = dict[str, Bool[np.ndarray, "d h w"]]


@dataclass(frozen=True)
class MaskedScan:
    """A prepared scan, read anew for every example, so that memory does not grow with the cohort.

    Args:
        path: of what `prepare` wrote, with the aorta of `add_aorta` beside it.
        unlabelled: classes that its user did not outline.
    """

    path: Path
    unlabelled: tuple[int, ...] = ()

    def draw(
        self, size: tuple[int, int, int], voxel_mm: float, rng: np.random.Generator
    ) -> tuple[Float[Tensor, "a b c"], UInt8[Tensor, "a b c"]]:
        """One example; its intensities stay those of the CT."""
        with np.load(self.path, allow_pickle=False) as stored:
            hu, classes = stored["hu"], stored["classes"]
        aorta = np.load(_aorta_file(self.path), allow_pickle=False)
        classes[(classes == 0) & aorta] = AORTA
        return real_example(torch.from_numpy(hu), torch.from_numpy(classes), size, voxel_mm, rng)


def masked_rows(cohort_csv: Path) -> list[CohortRow]:
    """The rows to learn from: all that are not excluded.

    Raises:
        CohortError: there are none, one has no liver mask, or the table cannot be used.
    """
    rows = [row for row in read_cohort(cohort_csv) if not row.values.get("exclude")]
    if not rows:
        raise CohortError(f"{cohort_csv.name} has no row to train on; give rows without an exclude reason.")
    if "liver_mask" not in rows[0].values:
        raise CohortError(f"{cohort_csv.name} has no column liver_mask; the segmentation is learnt from masks.")
    refuse(cohort_csv, [Problem(row.line, "liver_mask is empty") for row in rows if row.liver_mask is None])
    return rows


def organs_of(row: CohortRow, ct: Volume, label_map: str | None) -> Organs:
    """The organs that a row has masks of, on the CT's grid; where both overlap, the liver wins.

    Args:
        row: its ``liver_mask`` and ``spleen_mask`` may be one file where that holds both.
        ct: the scan.
        label_map: whose numbers the files have; None for masks of one organ each. DICOM SEG names its organs itself.

    Raises:
        InputError: a mask cannot be read, or does not hold its organ; the spleen alone may be empty, as it is absent
            in some patients.
        GeometryError: a mask lies on another grid than the CT.
    """
    paths = {"liver": row.liver_mask, "spleen": row.spleen_mask}
    organs = {organ: _organ(path, ct, organ, label_map) for organ, path in paths.items() if path is not None}
    if not organs["liver"].any():
        raise InputError(f"{row.values['liver_mask']} holds no liver; outline it, or exclude the row.")
    if "spleen" in organs:
        organs["spleen"] = organs["spleen"] & ~organs["liver"]
    return organs


def _organ(path: Path, ct: Volume, organ: str, label_map: str | None) -> Bool[np.ndarray, "d h w"]:
    if label_map is None or file_format(path) is None:
        return read_mask(path, ct, organ)
    organs = read_organs(path, ct, label_map)
    if organ not in organs:
        raise InputError(f"The labels of {label_map} have no {organ}; leave {organ}_mask empty or give another file.")
    return organs[organ]


def scan_file(cases: Path, row: CohortRow) -> Path:
    """Where a prepared scan is kept."""
    return cases / f"{row.scan_id}.npz"


def prepare(row: CohortRow, plan: SegmentationPlan, cases: Path, label_map: str | None) -> None:
    """Read a scan and its masks and keep both on the fine network's voxels, unless that was done before.

    Raises:
        InputError: the CT or a mask cannot be used.
    """
    path = scan_file(cases, row)
    if path.exists():
        return
    ct = read_volume(row.image)
    require_ct(ct)
    organs = organs_of(row, ct, label_map)
    grid = ToNetworkGrid.fit(ct, fine_grid(plan))
    hu = np.clip(np.round(grid.forward_hu(ct).array), -1000, 30000).astype(np.int16)
    classes = np.zeros(hu.shape, np.uint8)
    for organ in reversed(organs):
        classes[grid.forward_labels(ct.with_array(organs[organ])).array] = ORGANS.index(organ) + 1
    aside = path.with_suffix(".partial")
    with aside.open("wb") as stream:
        np.savez(stream, hu=hu, classes=classes, affine=grid.target.affine)
    aside.replace(path)


def fine_grid(plan: SegmentationPlan) -> GridPlan:
    """The fine network's voxels over the field that the coarse one sees, centred on the body."""
    rows, columns = (
        int(np.ceil(n * coarse / fine))
        for n, coarse, fine in zip(plan.in_plane, plan.coarse.spacing_mm[1:], plan.fine.spacing_mm[1:], strict=True)
    )
    return GridPlan(plan.fine.spacing_mm, (rows, columns))


def add_aorta(path: Path, start: Segmenter) -> None:
    """Keep the aorta that the starting networks see in a prepared scan, unless that was done before."""
    target = _aorta_file(path)
    if target.exists():
        return
    with np.load(path, allow_pickle=False) as stored:
        hu, affine = stored["hu"], stored["affine"]
    depth, height, width = hu.shape
    seen = Volume(hu, Geometry.from_affine((depth, height, width), affine), path.stem)
    aside = target.with_suffix(".partial")
    with aside.open("wb") as stream:
        np.save(stream, start.segment(seen).aorta.array > 0)
    aside.replace(target)


def masked_scan(cases: Path, row: CohortRow) -> MaskedScan:
    """What the training draws examples of this row from."""
    return MaskedScan(scan_file(cases, row), () if row.spleen_mask is not None else (SPLEEN,))


def _aorta_file(path: Path) -> Path:
    return path.with_suffix(".aorta.npy")

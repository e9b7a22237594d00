"""Whose organs a study's scan is measured in: the cohort's own masks, and a network's where there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from fibrolens.cohort.table import CohortRow
from fibrolens.errors import InputError
from fibrolens.io import write_nifti
from fibrolens.io.nifti import read_nifti
from fibrolens.masks import NUMBERS, OwnMasks, find_organs
from fibrolens.segment.predict import OrganSegmenter, Segmenter
from fibrolens.segment.segmenters import SegmenterName, load_segmenter
from fibrolens.segment.sources import MaskSource, OrganSources
from fibrolens.study.modality import is_mr
from fibrolens.volume import Volume
from fibrolens.weights import shipped


@dataclass(frozen=True, eq=False)
class Organs:
    """The organs of one scan.

    Args:
        labels: 1 liver, 2 spleen, on the scan's grid.
        sources: what made the masks.
        aorta: not 0 in the aorta, on the CT's grid; None on an MR, which no network of ours can read.
        aorta_source: what found it; a cohort has no masks of it.
    """

    labels: Volume
    sources: OrganSources
    aorta: Volume | None
    aorta_source: MaskSource | None

    @property
    def kind(self) -> Literal["given", "network", "both"]:
        """Whether liver and spleen are the cohort's own, a network's, or one of each."""
        kinds = {self.sources.liver.kind, self.sources.spleen.kind}
        if len(kinds) > 1:
            return "both"
        return "given" if kinds == {"file"} else "network"


@dataclass(frozen=True)
class Segmentations:
    """The organs of a study's scans; what a network finds is kept in `folder`, for the eye and for later steps.

    Args:
        folder: of ``<scan>.nii.gz``: 1 liver, 2 spleen.
        segmenter: which network, loaded when the first scan needs it.
        model: folder of its weights; None takes those that come with the package.
    """

    folder: Path
    segmenter: SegmenterName = "fibrolens"
    model: Path | None = None

    def find(self, row: CohortRow, ct: Volume) -> Organs:
        """The row's own masks where it has both; else the network's, with the row's own in their place.

        Raises:
            InputError: a mask cannot be read, or is not what it should be; or one lacks of an MR.
            GeometryError: it lies on another grid than the CT.
        """
        if has_masks(row):
            labels, sources = own_organs(row, ct)
            if is_mr(row):
                return Organs(labels, sources, None, None)
            coarse = self._coarse
            return Organs(labels, sources, coarse.glance(ct).aorta, MaskSource("segmenter", coarse.name, coarse.sha256))
        if is_mr(row):
            raise InputError("an MR needs a liver_mask and a spleen_mask; the networks for organs know CT only.")
        network = self._network
        found = find_organs(ct, network, _own_masks(row))
        self.folder.mkdir(parents=True, exist_ok=True)
        aside = self.file(row).with_name(f".{row.scan_id}.nii.gz")
        write_nifti(found.masks.labels, aside, "1 liver, 2 spleen")
        aside.replace(self.file(row))
        source = MaskSource("segmenter", network.name, network.sha256)
        return Organs(found.masks.labels, found.sources, found.masks.aorta, source)

    def labels(self, row: CohortRow, ct: Volume) -> Volume:
        """The organs that `find` found before, on the CT's grid.

        Raises:
            InputError: they are not there.
        """
        if has_masks(row):
            return own_organs(row, ct)[0]
        return ct.with_array(read_nifti(self.file(row))[0].astype(np.uint8))

    def file(self, row: CohortRow) -> Path:
        """Where the organs of a scan are kept that a network found."""
        return self.folder / f"{row.scan_id}.nii.gz"

    def require(self, rows: Sequence[CohortRow]) -> None:
        """Load what the rows will need, so that it is not found missing after hours.

        Raises:
            UsageError: a folder for a program that has its own weights.
            ModelError: the weights cannot be used, or the program is not installed.
        """
        if self.model is not None or not all(has_masks(row) for row in rows):
            load_segmenter(self.segmenter, self.model)

    @cached_property
    def _network(self) -> OrganSegmenter:
        return load_segmenter(self.segmenter, self.model)

    @cached_property
    def _coarse(self) -> Segmenter:
        """Our own networks, which find the aorta in a fraction of a second."""
        return Segmenter.load(self.model or shipped("vnet"))


def has_masks(row: CohortRow) -> bool:
    """Whether a row has masks of both organs."""
    return row.liver_mask is not None and row.spleen_mask is not None


def own_organs(row: CohortRow, ct: Volume) -> tuple[Volume, OrganSources]:
    """Labels (1 liver, 2 spleen) on the CT's grid and their sources, from both of the row's own masks.

    Where both overlap, the liver wins.

    Raises:
        InputError: a mask cannot be read, or is not what it should be.
        GeometryError: it lies on another grid than the CT.
    """
    own = {organ: (mask, source) for organ, mask, source in _own_masks(row).read(ct)}
    labels = np.zeros(ct.array.shape, np.uint8)
    for organ in ("spleen", "liver"):
        labels[own[organ][0]] = NUMBERS[organ]
    return ct.with_array(labels), OrganSources(own["liver"][1], own["spleen"][1])


def _own_masks(row: CohortRow) -> OwnMasks:
    return OwnMasks(liver=row.liver_mask, spleen=row.spleen_mask)

"""Whose organ masks a CT is measured with: the user's own, the network's, or one organ from each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8

from fibrolens.errors import InputError, UsageError
from fibrolens.io import read_mask, read_organs
from fibrolens.labelmaps import LIVER, SPLEEN, label_map
from fibrolens.output import file_sha256
from fibrolens.segment.predict import OrganSegmenter, Segmentation
from fibrolens.segment.sources import MaskSource, OrganSources
from fibrolens.volume import Volume

NUMBERS = {"liver": LIVER, "spleen": SPLEEN}
#: Below this overlap with the network's organ, the user's own is probably another organ, or of another scan.
DOUBTFUL_DICE = 0.3


@dataclass(frozen=True)
class OwnMasks:
    """Organ masks that the user brings, on the CT's grid: NIfTI, NRRD, MetaImage or DICOM SEG.

    Args:
        liver: 1 inside, 0 outside, or a DICOM segmentation with a liver.
        spleen: the same for the spleen.
        labels: both in one file.
        label_map: whose numbers `labels` has, a key of `LABEL_MAPS`; None takes 1 liver, 2 spleen.

    Raises:
        UsageError: files that exclude each other, or a map that is not known or has no file.
    """

    liver: Path | None = None
    spleen: Path | None = None
    labels: Path | None = None
    label_map: str | None = None

    def __post_init__(self) -> None:
        if self.labels is not None and (self.liver is not None or self.spleen is not None):
            raise UsageError("Give either --labels or --liver-mask and --spleen-mask, not both.")
        if self.label_map is not None:
            label_map(self.label_map)
            if self.labels is None:
                raise UsageError("--label-map says whose numbers a label file has; give the file with --labels.")

    @property
    def files(self) -> dict[str, Path]:
        """The files that were given, by what they are."""
        named = {"liver": self.liver, "spleen": self.spleen, "labels": self.labels}
        return {name: path for name, path in named.items() if path is not None}

    @property
    def given(self) -> bool:
        """Whether there is any."""
        return bool(self.files)

    def sha256(self) -> dict[str, str]:
        """The hash of each file.

        Raises:
            InputError: one cannot be read.
        """
        return {name: _hash(path) for name, path in self.files.items()}

    def read(self, ct: Volume) -> Iterator[tuple[str, Bool[np.ndarray, "d h w"], MaskSource]]:
        """Organ, mask on the CT's grid, and source, for each organ that a file speaks of.

        Raises:
            InputError: a file cannot be read, or is not what it should be.
            GeometryError: it lies on another grid than the CT.
        """
        for organ in NUMBERS:
            path = self.files.get(organ)
            if path is not None:
                yield organ, read_mask(path, ct, organ), MaskSource("file", path.name, _hash(path))
        if self.labels is not None:
            source = MaskSource("file", self.labels.name, _hash(self.labels), self.label_map)
            for organ, mask in read_organs(self.labels, ct, self.label_map).items():
                yield organ, mask, source


@dataclass(frozen=True)
class FoundOrgans:
    """Organs of one CT: masks, where they come from, and what in the user's own deserves doubt."""

    masks: Segmentation
    sources: OrganSources
    doubts: tuple[str, ...] = ()

    @property
    def agreement(self) -> dict[str, float]:
        """Dice of the network's two passes, for the organs that are the network's."""
        agreed = self.masks.agreement.items()
        return {organ: value for organ, value in agreed if getattr(self.sources, organ).kind == "segmenter"}

    def without_aorta(self) -> FoundOrgans:
        """The same with an empty aorta that takes no memory; in a long CT it takes as much as the labels."""
        empty = np.broadcast_to(np.uint8(0), self.masks.aorta.array.shape)
        return replace(self, masks=replace(self.masks, aorta=self.masks.aorta.with_array(empty)))


def find_organs(ct: Volume, segmenter: OrganSegmenter, masks: OwnMasks) -> FoundOrgans:
    """Liver, spleen and aorta of a CT; the user's own masks replace the network's.

    An organ that none of the user's files speaks of is the network's, outside the user's organs. Where two masks
    of the user overlap, the liver wins. With both organs from the user, a glance of the network is enough.

    Raises:
        InputError: a mask cannot be read, or is not what it should be.
        GeometryError: a mask lies on another grid than the CT.
    """
    own = {organ: (mask, source) for organ, mask, source in masks.read(ct)}
    found = segmenter.glance(ct) if own.keys() == NUMBERS.keys() else segmenter.segment(ct)
    network = MaskSource("segmenter", segmenter.name, segmenter.sha256)
    liver, spleen = (own[organ][1] if organ in own else network for organ in NUMBERS)
    sources = OrganSources(liver, spleen)
    doubts = tuple(_doubt(organ, own[organ][0], own[organ][1], found.labels) for organ in own)
    labels = ct.with_array(_with_own(found.labels.array, {organ: mask for organ, (mask, _) in own.items()}))
    chosen = replace(found, labels=labels, source=str(sources))
    return FoundOrgans(chosen, sources, tuple(doubt for doubt in doubts if doubt))


def _with_own(
    found: UInt8[np.ndarray, "d h w"], own: Mapping[str, Bool[np.ndarray, "d h w"]]
) -> UInt8[np.ndarray, "d h w"]:
    """The user's organs in the place of those that were found, in that array itself: a long CT has no room for two."""
    for index, plane in enumerate(found if own else ()):
        for organ in own:
            plane[plane == NUMBERS[organ]] = 0
        for organ in ("spleen", "liver"):
            if organ in own:
                plane[own[organ][index]] = NUMBERS[organ]
    return found


def _doubt(organ: str, mask: Bool[np.ndarray, "d h w"], source: MaskSource, found: Volume) -> str:
    """A sentence where the network sees that organ somewhere else; empty where it agrees or sees none."""
    own, seen, both = 0, 0, 0
    for inside, plane in zip(mask, found.array, strict=True):
        there = plane == NUMBERS[organ]
        own += int(np.count_nonzero(inside))
        seen += int(np.count_nonzero(there))
        both += int(np.count_nonzero(inside & there))
    if not seen or not own:
        return ""
    dice = 2 * both / (own + seen)
    if dice >= DOUBTFUL_DICE:
        return ""
    return (
        f"The {organ} in {source.name} and the one that the network found hardly overlap (Dice {dice:.2f}); check that "
        "the mask belongs to this scan and that its label map is the right one."
    )


def _hash(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise InputError(f"The mask {path.name} cannot be read: {error.strerror}. Check the path.") from None

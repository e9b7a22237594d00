"""Liver, spleen and aorta of a CT, on the CT's own grid.

The network sees the CT on a coarse grid. Its scores are interpolated to the CT's grid, slice by slice inside the box
that holds the organs, and only then is a class chosen: the borders run between coarse voxels instead of along them, and
memory stays bounded for any number of slices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from scipy import ndimage
from torch import nn

from fibrolens.plan import GridPlan, SegmentationPlan
from fibrolens.segment.randomise import windowed
from fibrolens.segment.vnet import VNet
from fibrolens.transforms import ToNetworkGrid
from fibrolens.volume import Geometry, Volume
from fibrolens.weights import load_model_folder

#: Network slices that are looked at in one pass, and by how many neighbouring passes overlap.
PASS_SLICES, OVERLAP_SLICES = 112, 32
#: Scores beyond this are certain; clipping keeps a border halfway between its two voxels.
CERTAIN = 6.0


@dataclass(frozen=True)
class Segmentation:
    """Organs of a CT.

    Args:
        labels: uint8 on the CT's own grid: 1 liver, 2 spleen, 0 elsewhere.
        aorta: uint8 on the CT's own grid: 1 inside the aorta.
        source: what made the masks; it stands beside every figure measured in them.
    """

    labels: Volume
    aorta: Volume
    source: str


@dataclass(frozen=True)
class Segmenter:
    """A trained V-Net.

    Args:
        network: in evaluation mode.
        plan: its grid and windows.
        name: of the weights; sha256: of their file.
    """

    network: nn.Module
    plan: SegmentationPlan
    name: str
    sha256: str

    @classmethod
    def load(cls, folder: Path) -> Segmenter:
        """The network of a model folder.

        Raises:
            ModelError: the folder is incomplete, or plan and weights do not fit.
        """
        model = load_model_folder(folder)
        plan = model.plan(SegmentationPlan)
        network = VNet(plan)
        model.fill(network)
        return cls(network.eval(), plan, str(model.card["name"]), model.sha256)

    def segment(self, ct: Volume) -> Segmentation:
        """Find the organs of a CT in Hounsfield units, in any orientation."""
        way = ToNetworkGrid.fit(ct, GridPlan(self.plan.spacing_mm, self.plan.in_plane))
        scores = clean(self.scores(way.forward_hu(ct).array))
        classes = way.orient.inverse(Volume(choose(scores, way.target, way.orient.target), way.orient.target)).array
        return Segmentation(
            labels=replace(
                ct, array=np.ascontiguousarray(np.where(classes <= 2, classes, 0).astype(np.uint8)), source="labels"
            ),
            aorta=replace(ct, array=np.ascontiguousarray((classes == 3).astype(np.uint8)), source="aorta"),
            source=self.name,
        )

    def scores(self, hu: Float[np.ndarray, "d h w"]) -> Float[np.ndarray, "classes d h w"]:
        """Logits on the network grid; where passes overlap, their mean weighted toward each pass's middle."""
        image = torch.from_numpy(windowed(hu, self.plan))
        total = np.zeros((len(self.plan.classes), *hu.shape), np.float32)
        weight = np.zeros((hu.shape[0], 1, 1), np.float32)
        with torch.inference_mode():
            for first, last in passes(hu.shape[0]):
                logits = self.network(image[None, :, first:last])[0].numpy()
                ramp = np.minimum(np.arange(1, last - first + 1), np.arange(last - first, 0, -1))[:, None, None]
                total[:, first:last] += logits * ramp
                weight[first:last] += ramp
        return np.asarray(total / weight)


def passes(slices: int) -> Iterator[tuple[int, int]]:
    """First and last (exclusive) slice of each pass; one pass where the scan is short enough."""
    step = PASS_SLICES - OVERLAP_SLICES
    count = max(1, int(np.ceil((slices - OVERLAP_SLICES) / step)))
    for index in range(count):
        first = max(0, min(index * step, slices - PASS_SLICES))
        yield first, min(first + PASS_SLICES, slices)


def clean(scores: Float[np.ndarray, "classes d h w"]) -> Float[np.ndarray, "classes d h w"]:
    """Scores after which each organ is one piece without holes; the certain background is where they were not."""
    scores = np.clip(scores - scores.max(axis=0), -2 * CERTAIN, 0)
    classes = scores.argmax(axis=0)
    for organ in range(1, len(scores)):
        mask = classes == organ
        main = _largest_component(mask)
        # One voxel around the main piece stays as it is, for the border is interpolated from both its sides.
        stray = mask & ~main
        scores[organ][_near(stray) & ~_near(main)] = -2 * CERTAIN
        holes = ndimage.binary_fill_holes(main) & ~main
        scores[:, holes] = -2 * CERTAIN
        scores[organ][holes] = 0
    return scores


def choose(
    scores: Float[np.ndarray, "classes d h w"], coarse: Geometry, fine: Geometry
) -> UInt8[np.ndarray, "slices rows columns"]:
    """The class of each voxel of `fine`, whose axes run along those of `coarse`; scores interpolated trilinearly."""
    classes = np.zeros(fine.shape, np.uint8)
    box = _box(scores.argmax(axis=0) > 0)
    if box is None:
        return classes
    (z, rows, columns), (z_at, row_at, column_at) = _fine_box(box, coarse, fine)
    left = _interpolation(row_at, scores.shape[2])
    right = _interpolation(column_at, scores.shape[3]).T
    for index, at in zip(range(z.start, z.stop), z_at, strict=True):
        low = int(np.clip(np.floor(at), 0, scores.shape[1] - 1))
        high = min(low + 1, scores.shape[1] - 1)
        part = np.float32(np.clip(at - low, 0, 1))
        plane = (1 - part) * scores[:, low] + part * scores[:, high]
        classes[index, rows, columns] = (left @ plane @ right).argmax(axis=0)
    return classes


def _largest_component(mask: Bool[np.ndarray, "d h w"]) -> Bool[np.ndarray, "d h w"]:
    labels, count = ndimage.label(mask)
    if count <= 1:
        return mask
    return np.asarray(labels == np.bincount(labels.ravel())[1:].argmax() + 1)


def _near(mask: Bool[np.ndarray, "d h w"]) -> Bool[np.ndarray, "d h w"]:
    return np.asarray(ndimage.maximum_filter(mask, 3))


def _box(mask: Bool[np.ndarray, "d h w"]) -> tuple[tuple[int, int], ...] | None:
    """First and last index of `mask` along each axis, one voxel wider; None where it is empty."""
    if not mask.any():
        return None
    present = [np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3)]
    return tuple((int(p[0]) - 1, int(p[-1]) + 1) for p in present)


def _fine_box(
    box: tuple[tuple[int, int], ...], coarse: Geometry, fine: Geometry
) -> tuple[list[slice], list[Float[np.ndarray, " n"]]]:
    """The part of `fine` inside a box of coarse indices, and the coarse index of its voxels, axis by axis."""
    start = coarse.to_index(fine.to_world(np.zeros(3)))
    parts, positions = [], []
    for axis, (low, high) in enumerate(box):
        at = start[axis] + np.arange(fine.shape[axis]) * (fine.spacing[axis] / coarse.spacing[axis])
        first, last = np.searchsorted(at, (low, high))
        parts.append(slice(int(first), int(last)))
        positions.append(at[first:last])
    return parts, positions


def _interpolation(at: Float[np.ndarray, " n"], size: int) -> Float[np.ndarray, "n size"]:
    """Weights of linear interpolation at fractional indices, clamped at the ends."""
    inside = np.clip(at, 0, size - 1)
    return np.asarray(np.maximum(0, 1 - np.abs(inside[:, None] - np.arange(size))), dtype=np.float32)

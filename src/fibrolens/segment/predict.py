"""Liver, spleen and aorta of a CT, on the CT's own grid, coarse to fine.

A first network finds the organs in the whole scan on a coarse grid; a second one draws their borders inside the box
that holds them. Its scores are interpolated to the CT's grid, slice by slice, and only then is a class chosen: borders
run between the network's voxels instead of along them, and memory stays bounded for any number of slices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Bool, Float, UInt8
from scipy import ndimage
from torch import Tensor, nn

from fibrolens.evaluate.overlap import dice
from fibrolens.heap import kept_memory
from fibrolens.plan import GridPlan, SegmentationPlan
from fibrolens.segment.inputs import coarse_size, prior, windowed
from fibrolens.segment.vnet import Cascade
from fibrolens.sparse import sparse_zeros, write_rows
from fibrolens.transforms import Orient, Resample, ToNetworkGrid
from fibrolens.volume import Geometry, Triple, Volume
from fibrolens.weights import load_model_folder

#: Network slices that are looked at in one pass, and by how many neighbouring passes overlap.
PASS_SLICES, OVERLAP_SLICES = 112, 32
#: Scores beyond this are certain; clipping keeps a border halfway between its two voxels.
CERTAIN = 6.0
#: What is smaller is no organ: a few voxels far from the liver would stretch the fine network's box over the scan.
SMALLEST_ML = 2.0
ORGANS = ("liver", "spleen")
#: Class of the coarse network.
AORTA = 3

Scores = Float[np.ndarray, "classes d h w"]


@dataclass(frozen=True)
class Segmentation:
    """Organs of a CT.

    Args:
        labels: uint8 on the CT's own grid: 1 liver, 2 spleen, 0 elsewhere.
        aorta: uint8 on the CT's own grid: 1 inside the aorta.
        source: what made the masks; it stands beside every figure measured in them.
        agreement: Dice between both passes of the fine network, by organ that was found.
    """

    labels: Volume
    aorta: Volume
    source: str
    agreement: Mapping[str, float] = field(default_factory=dict)


@runtime_checkable
class OrganSegmenter(Protocol):
    """Whatever finds the organs of a CT: our V-Nets, or a program that the user has installed."""

    @property
    def name(self) -> str:
        """It stands beside every figure that is measured in its masks."""

    @property
    def sha256(self) -> str:
        """Of its weights; empty where they are not one file."""

    @property
    def files_sha256(self) -> str:
        """Of the whole folder that it was read from; empty where there is none."""

    def segment(self, ct: Volume) -> Segmentation:
        """Find liver, spleen and aorta of a CT in Hounsfield units, in any orientation."""

    def glance(self, ct: Volume) -> Segmentation:
        """The same as quickly as it goes, where liver and spleen need only be known roughly."""


def fingerprint_of(segmenter: OrganSegmenter) -> str:
    """What stands for a segmenter where a run says what it was made of."""
    return segmenter.files_sha256 or segmenter.sha256 or segmenter.name


@dataclass(frozen=True)
class Segmenter:
    """Two trained V-Nets.

    Args:
        network: both, in evaluation mode.
        plan: their grids and windows.
        name: of the weights; sha256: of their file; files_sha256: of the whole folder, empty where there is none.
    """

    network: Cascade
    plan: SegmentationPlan
    name: str
    sha256: str
    files_sha256: str = ""

    @classmethod
    def load(cls, folder: Path) -> Segmenter:
        """The networks of a model folder.

        Raises:
            ModelError: the folder is incomplete, or plan and weights do not fit.
        """
        model = load_model_folder(folder)
        plan = model.plan(SegmentationPlan)
        network = model.filled(lambda: Cascade(plan))
        return cls(network.eval(), plan, str(model.card["name"]), model.sha256, model.files_sha256)

    def segment(self, ct: Volume) -> Segmentation:
        """Find the organs of a CT in Hounsfield units, in any orientation."""
        with kept_memory():
            return self._segment(ct)

    def _segment(self, ct: Volume) -> Segmentation:
        grid, found, cleaned = self._located(ct)
        (labels, organs), (aorta, vessel) = (_canvas(ct, grid.orient, name) for name in ("labels", "aorta"))
        _draw_aorta(cleaned, grid, vessel)
        agreement: dict[str, float] = {}
        box = _organ_box(cleaned, grid.target, grid.orient.target, self.plan.margin_mm)
        if box is not None:
            agreement = self.refine(_part(grid.orient.forward(ct), box), found, grid.target, organs[box])
            for blood, organ in zip(vessel[box], organs[box], strict=True):
                blood[organ > 0] = 0
        return Segmentation(labels, aorta, self.name, agreement)

    def glance(self, ct: Volume) -> Segmentation:
        """The coarse network alone, in a fraction of `segment`'s time: the same aorta, liver and spleen in its voxels.

        Enough for the phase of a CT, and to doubt a mask of something else.
        """
        grid, _, cleaned = self._located(ct)
        classes = cleaned.argmax(axis=0).astype(np.uint8)
        classes[classes > len(ORGANS)] = 0
        (labels, organs), (aorta, vessel) = (_canvas(ct, grid.orient, name) for name in ("labels", "aorta"))
        _draw_nearest(classes, grid.target, grid.orient.target, organs)
        _draw_aorta(cleaned, grid, vessel)
        return Segmentation(labels, aorta, self.name)

    def _located(self, ct: Volume) -> tuple[ToNetworkGrid, Scores, Scores]:
        """The coarse grid, the scores on it, and what `clean` makes of them."""
        grid = ToNetworkGrid.fit(ct, GridPlan(self.plan.coarse.spacing_mm, self.plan.in_plane))
        found = self.find(grid.forward_hu(ct).array)
        return grid, found, clean(found, _voxels(self.plan.coarse.spacing_mm))

    def find(self, hu: Float[np.ndarray, "d h w"]) -> Float[np.ndarray, "classes d h w"]:
        """Scores of the coarse network on its own grid; where passes overlap, their mean weighted toward the middle."""
        image = windowed(torch.from_numpy(hu), self.plan.windows_hu)
        total = np.zeros((len(self.plan.coarse.classes), *hu.shape), np.float32)
        weight = np.zeros((hu.shape[0], 1, 1), np.float32)
        with torch.inference_mode():
            for first, last in passes(hu.shape[0]):
                logits = _with_air(self.network.coarse, image[:, first:last], coarse_size(self.plan))
                ramp = np.minimum(np.arange(1, last - first + 1), np.arange(last - first, 0, -1))[:, None, None]
                total[:, first:last] += logits * ramp
                weight[first:last] += ramp
        return np.asarray(total / weight)

    def refine(
        self,
        part: Volume,
        found: Float[np.ndarray, "classes d h w"],
        coarse: Geometry,
        into: UInt8[np.ndarray, "slices rows columns"],
    ) -> dict[str, float]:
        """Draw liver and spleen in a part of the CT that holds them; returns how far the two passes agree.

        Args:
            part: the CT around the organs, in array order.
            found: scores of the coarse network.
            coarse: their grid.
            into: zeros on the grid of `part`, in which the organs become 1 and 2.
        """
        resample = Resample(part.geometry, self.plan.fine.spacing_mm, floor=-1000.0)
        hu = resample.forward(part)
        told = prior(torch.from_numpy(found)[None], self.plan)[0].numpy()
        told = np.stack([_interpolated(organ, coarse, hu.geometry) for organ in told])
        seen = windowed(torch.from_numpy(hu.array), self.plan.windows_hu)
        with torch.inference_mode():
            first = self._borders(seen, torch.from_numpy(told))
            # Told of its own result, the network finds what the coarse one had kept from it.
            second = self._borders(seen, torch.from_numpy(first).softmax(0)[1:])
        least = _voxels(self.plan.fine.spacing_mm)
        scores = clean(second, least)
        before, after = clean(first, least).argmax(axis=0), scores.argmax(axis=0)
        agreement = {
            organ: dice(before == number, there) or 0.0
            for number, organ in enumerate(ORGANS, 1)
            if (there := after == number).any()
        }
        choose(scores, hu.geometry, part.geometry, into)
        return agreement

    def _borders(
        self, seen: Float[Tensor, "windows d h w"], told: Float[Tensor, "organs d h w"]
    ) -> Float[np.ndarray, "classes d h w"]:
        return _with_air(self.network.fine, torch.cat([seen, told]), self.plan.crops[0])


def _draw_aorta(cleaned: Scores, grid: ToNetworkGrid, into: UInt8[np.ndarray, "slices rows columns"]) -> None:
    """1 where the aorta is, into zeros in array order on the CT's voxels."""
    # Against everything else: a small box instead of the whole abdomen.
    others = np.stack([np.delete(cleaned, AORTA, axis=0).max(axis=0), cleaned[AORTA]])
    choose(others, grid.target, grid.orient.target, into)


def _with_air(
    network: nn.Module, inputs: Float[Tensor, "channels d h w"], least: tuple[int, int, int]
) -> Float[np.ndarray, "classes d h w"]:
    """The network's scores where a scan or box smaller than `least` is surrounded by air, as in training.

    Instance normalisation sees the whole input: a slab of four centimetres alone would look like nothing it has learnt.
    """
    pads: list[tuple[int, int]] = []
    inside: list[slice] = []
    for n, wanted in zip(inputs.shape[1:], least, strict=True):
        more = max(0, wanted - n)
        pads.insert(0, (more // 2, more - more // 2))
        inside.append(slice(more // 2, more // 2 + n))
    # Air is 0 in every window, and no organ is there.
    padded = F.pad(inputs, [n for pair in pads for n in pair])
    return np.asarray(network(padded[None])[0].numpy()[(slice(None), *inside)])


def passes(slices: int) -> Iterator[tuple[int, int]]:
    """First and last (exclusive) slice of each pass; one pass where the scan is short enough."""
    step = PASS_SLICES - OVERLAP_SLICES
    count = max(1, int(np.ceil((slices - OVERLAP_SLICES) / step)))
    for index in range(count):
        first = max(0, min(index * step, slices - PASS_SLICES))
        yield first, min(first + PASS_SLICES, slices)


def _voxels(spacing_mm: Triple) -> int:
    """Of the smallest organ on a grid."""
    return max(1, round(SMALLEST_ML * 1000 / float(np.prod(spacing_mm))))


def clean(scores: Float[np.ndarray, "classes d h w"], least: int = 1) -> Float[np.ndarray, "classes d h w"]:
    """Scores after which each organ is one piece of at least `least` voxels without holes, or absent.

    The certain background is where the other pieces were.
    """
    scores = np.clip(scores - scores.max(axis=0), -2 * CERTAIN, 0)
    classes = scores.argmax(axis=0)
    for organ in range(1, len(scores)):
        mask = classes == organ
        main = _largest_component(mask)
        if np.count_nonzero(main) < least:
            main = np.zeros_like(mask)
        # One voxel around the main piece stays as it is, for the border is interpolated from both its sides.
        stray = mask & ~main
        scores[organ][_near(stray) & ~_near(main)] = -2 * CERTAIN
        holes = ndimage.binary_fill_holes(main) & ~main
        scores[:, holes] = -2 * CERTAIN
        scores[organ][holes] = 0
    return scores


def choose(
    scores: Float[np.ndarray, "classes d h w"],
    coarse: Geometry,
    fine: Geometry,
    into: UInt8[np.ndarray, "slices rows columns"],
) -> None:
    """Write the class of each voxel of `fine`, whose axes run along those of `coarse`, into its zeros.

    Scores are interpolated trilinearly.
    """
    box = _box(scores.argmax(axis=0) > 0)
    if box is None:
        return
    (z, rows, columns), (z_at, row_at, column_at) = _fine_box(box, coarse, fine)
    left = _interpolation(row_at, scores.shape[2])
    right = _interpolation(column_at, scores.shape[3]).T
    for index, at in zip(range(z.start, z.stop), z_at, strict=True):
        low = int(np.clip(np.floor(at), 0, scores.shape[1] - 1))
        high = min(low + 1, scores.shape[1] - 1)
        part = np.float32(np.clip(at - low, 0, 1))
        plane = (1 - part) * scores[:, low] + part * scores[:, high]
        write_rows(into[index, rows, columns], (left @ plane @ right).argmax(axis=0))


def _organ_box(
    scores: Float[np.ndarray, "classes d h w"], coarse: Geometry, fine: Geometry, margin_mm: float
) -> tuple[slice, slice, slice] | None:
    """The part of `fine` that holds liver and spleen with a margin; None where neither is."""
    classes = scores.argmax(axis=0)
    box = _box((classes == 1) | (classes == 2))
    if box is None:
        return None
    margins = [margin_mm / s for s in coarse.spacing]
    wide = tuple((low - m, high + m) for (low, high), m in zip(box, margins, strict=True))
    z, rows, columns = _fine_box(wide, coarse, fine)[0]
    return z, rows, columns


def _part(volume: Volume, box: tuple[slice, slice, slice]) -> Volume:
    """A box of a volume, as a view."""
    array = volume.array[box]
    x, y, z = (float(v) for v in volume.geometry.to_world(np.array([float(part.start) for part in box])))
    return replace(volume, array=array, geometry=replace(volume.geometry, shape=array.shape, origin=(x, y, z)))


def _canvas(ct: Volume, orient: Orient, name: str) -> tuple[Volume, UInt8[np.ndarray, "d h w"]]:
    """An empty mask on the CT's own grid, and the same in array order, to be written to."""
    volume = replace(ct, array=sparse_zeros(ct.geometry.shape), source=name)
    return volume, orient.forward(volume).array


def _interpolated(values: Float[np.ndarray, "d h w"], coarse: Geometry, fine: Geometry) -> Float[np.ndarray, "a b c"]:
    """Trilinear values of `coarse` on `fine`, whose axes run along its own; edges repeat."""
    places = _places(coarse, fine)
    z, rows, columns = (_interpolation(at, n) for at, n in zip(places, values.shape, strict=True))
    along = (z @ values.reshape(len(values), -1)).reshape(-1, *values.shape[1:])
    return np.asarray(rows @ along @ columns.T)


def _draw_nearest(
    values: UInt8[np.ndarray, "d h w"], coarse: Geometry, fine: Geometry, into: UInt8[np.ndarray, "a b c"]
) -> None:
    """Values of the nearest voxels of `coarse`, into zeros on `fine`, whose axes run along its own; 0 outside."""
    index = [np.rint(at).astype(int) for at in _places(coarse, fine)]
    (planes, rows, columns), (outside, *beyond) = (
        [at.clip(0, n - 1) for at, n in zip(index, values.shape, strict=True)],
        [(at < 0) | (at >= n) for at, n in zip(index, values.shape, strict=True)],
    )
    for ours, at, is_outside in zip(into, planes, outside, strict=True):
        if is_outside or not values[at].any():
            continue
        # Axis by axis, for an index of both at once takes ten times as long.
        nearest = values[at].take(rows, 0).take(columns, 1)
        nearest[beyond[0]], nearest[:, beyond[1]] = 0, 0
        write_rows(ours, nearest)


def _places(coarse: Geometry, fine: Geometry) -> list[Float[np.ndarray, " n"]]:
    """The coarse index of each voxel of `fine`, axis by axis; the axes of both run alike."""
    start = coarse.to_index(fine.to_world(np.zeros(3)))
    steps = [f / c for f, c in zip(fine.spacing, coarse.spacing, strict=True)]
    return [first + np.arange(n) * step for first, n, step in zip(start, fine.shape, steps, strict=True)]


def _largest_component(mask: Bool[np.ndarray, "d h w"]) -> Bool[np.ndarray, "d h w"]:
    labels, count = ndimage.label(mask)
    if count <= 1:
        return mask
    return np.asarray(labels == np.bincount(labels.ravel())[1:].argmax() + 1)


def _near(mask: Bool[np.ndarray, "d h w"]) -> Bool[np.ndarray, "d h w"]:
    return np.asarray(ndimage.maximum_filter(mask, 3))


def _box(mask: Bool[np.ndarray, "d h w"]) -> tuple[tuple[float, float], ...] | None:
    """First and last index of `mask` along each axis, one voxel wider; None where it is empty."""
    if not mask.any():
        return None
    present = [np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3)]
    return tuple((float(p[0] - 1), float(p[-1] + 1)) for p in present)


def _fine_box(
    box: tuple[tuple[float, float], ...], coarse: Geometry, fine: Geometry
) -> tuple[list[slice], list[Float[np.ndarray, " n"]]]:
    """The part of `fine` inside a box of coarse indices, and the coarse index of its voxels, axis by axis."""
    parts, positions = [], []
    for at, (low, high) in zip(_places(coarse, fine), box, strict=True):
        first, last = np.searchsorted(at, (low, high))
        parts.append(slice(int(first), int(last)))
        positions.append(at[first:last])
    return parts, positions


def _interpolation(at: Float[np.ndarray, " n"], size: int) -> Float[np.ndarray, "n size"]:
    """Weights of linear interpolation at fractional indices, clamped at the ends."""
    inside = np.clip(at, 0, size - 1)
    return np.asarray(np.maximum(0, 1 - np.abs(inside[:, None] - np.arange(size))), dtype=np.float32)

"""What a network sees of a scan: the region, the patches or the sections of its plan, and the way of a map back.

Regions test which part of the abdomen tells the stage. Organs that stay are cut out: everything else is black, as in a
segmented liver. An organ that goes is filled with the grey of fat, a voxel beyond its mask, which hides its outline
where it borders on fat; what it pushes aside still shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped, UInt8
from scipy.ndimage import binary_dilation, distance_transform_edt, find_objects

from fibrolens.plan import GridPlan, Plan, Region
from fibrolens.regions import LIVER, SPLEEN
from fibrolens.staging.data import StagingCase

#: Labels that a region keeps, and labels that it loses.
KEPT: Mapping[Region, tuple[int, ...]] = {"liver_only": (LIVER,), "liver_spleen": (LIVER, SPLEEN)}
LOST: Mapping[Region, tuple[int, ...]] = {"no_liver": (LIVER,), "no_spleen": (SPLEEN,)}
FAT_HU = -100.0
#: How far around a mask its organ is taken away: one voxel in the plane.
RIM = np.ones((1, 3, 3), bool)


@dataclass(frozen=True, eq=False)
class Seen:
    """A scan as a plan's network sees it.

    Args:
        case: what goes into the network.
        shape: of the scan on the network grid.
        slices: which of its slices `case` holds.
        corners: first row and column of each slice's patch in the scan; may lie outside it.
    """

    case: StagingCase
    shape: tuple[int, int, int]
    slices: Int[np.ndarray, " s"]
    corners: Int[np.ndarray, "s 2"]

    def back(self, maps: Shaped[np.ndarray, "t s h w"]) -> Shaped[np.ndarray, "t d y x"]:
        """Maps of what was seen in their places of the scan; 0 elsewhere."""
        placed = np.zeros((len(maps), *self.shape), maps.dtype)
        height, width = maps.shape[2:]
        for number, (index, (row, column)) in enumerate(zip(self.slices, self.corners.tolist(), strict=True)):
            rows, columns = _inside(row, height, self.shape[1]), _inside(column, width, self.shape[2])
            seen = maps[:, number, rows.start - row : rows.stop - row, columns.start - column : columns.stop - column]
            placed[:, index, rows, columns] = seen
        return placed

    def covered(self, coverage: Float[np.ndarray, " s"]) -> Float[np.ndarray, " d"]:
        """Per slice of the scan, how many windows covered it."""
        placed = np.zeros(self.shape[0], coverage.dtype)
        placed[self.slices] = coverage
        return placed


def see(case: StagingCase, labels: UInt8[np.ndarray, "d h w"] | None, plan: Plan) -> Seen:
    """What the network of `plan` sees of a scan.

    Args:
        case: the scan on the network grid.
        labels: 1 liver, 2 spleen, on the same grid; None where the plan `needs_labels` not.
        plan: region, patch and sections.
    """
    shape = case.image.shape
    everything = Seen(case, (shape[0], shape[1], shape[2]), np.arange(shape[0]), np.zeros((shape[0], 2), int))
    if labels is None:
        return everything
    seen = replace(everything, case=replace(case, image=_region(case.image, labels, plan)))
    if plan.patch_mm:
        seen = _patches(seen, labels == LIVER, plan)
    return _sections(seen, plan.sections) if plan.sections else seen


def needs_labels(plan: Plan) -> bool:
    """Whether the plan's network sees anything but the whole scan."""
    return plan.region != "upper_abdomen" or plan.patch_mm > 0 or plan.sections > 0


def _region(image: UInt8[np.ndarray, "d h w"], labels: UInt8[np.ndarray, "d h w"], plan: Plan) -> np.ndarray:
    if plan.region in KEPT:
        return np.where(np.isin(labels, KEPT[plan.region]), image, np.uint8(0))
    if plan.region in LOST:
        gone = binary_dilation(np.isin(labels, LOST[plan.region]), RIM)
        stays = np.isin(labels, (LIVER, SPLEEN)) & ~np.isin(labels, LOST[plan.region])
        return np.where(gone & ~stays, fat_grey(plan.grid), image)
    return image


def fat_grey(grid: GridPlan) -> np.uint8:
    """Grey level of fat in a stored image."""
    low, high = grid.window_hu
    return np.uint8(np.clip(round((FAT_HU - low) / (high - low) * 255), 0, 255))


def _patches(seen: Seen, liver: Bool[np.ndarray, "d h w"], plan: Plan) -> Seen:
    """A square of every slice that shows liver, around the middle of the widest place of the liver in it."""
    rows, columns = (max(1, round(plan.patch_mm / step)) for step in plan.grid.spacing_mm[1:])
    slices = np.flatnonzero(liver.any(axis=(1, 2)))
    middles = np.array([_widest(liver[index], plan.grid.spacing_mm[1:]) for index in slices])
    corners = middles - np.array([rows // 2, columns // 2])
    image = np.zeros((len(slices), rows, columns), np.uint8)
    for number, (index, (row, column)) in enumerate(zip(slices, corners.tolist(), strict=True)):
        y, x = _inside(row, rows, seen.shape[1]), _inside(column, columns, seen.shape[2])
        cut = seen.case.image[index, y, x]
        image[number, y.start - row : y.stop - row, x.start - column : x.stop - column] = cut
    case = replace(seen.case, image=image, liver_first=0, liver_last=len(slices) - 1, parts=None)
    return Seen(case, seen.shape, slices, corners)


def _widest(liver: Bool[np.ndarray, "h w"], spacing: tuple[float, float]) -> tuple[int, int]:
    """Row and column of the pixel that lies deepest in the liver of a slice."""
    (box,) = find_objects(liver.astype(np.uint8))
    top, left = box[0].start, box[1].start
    # What lies beyond the box is not liver, the scan's edge included.
    depth = distance_transform_edt(np.pad(liver[box], 1), sampling=spacing)
    row, column = np.unravel_index(int(np.argmax(depth)), depth.shape)
    return top + int(row) - 1, left + int(column) - 1


def _sections(seen: Seen, count: int) -> Seen:
    """`count` slices spread evenly over the liver's range, each in the middle of its share."""
    case = seen.case
    share = (case.liver_last - case.liver_first + 1) / count
    chosen = case.liver_first + np.floor((np.arange(count) + 0.5) * share).astype(int)
    parts = None if case.parts is None else case.parts[chosen]
    shown = replace(case, image=case.image[chosen], liver_first=0, liver_last=count - 1, parts=parts)
    return Seen(shown, seen.shape, seen.slices[chosen], seen.corners[chosen])


def _inside(start: int, size: int, limit: int) -> slice:
    """The part of ``start`` to ``start + size`` that lies within 0 and `limit`."""
    return slice(min(max(start, 0), limit), max(min(start + size, limit), 0))

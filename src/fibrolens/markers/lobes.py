"""Liver segmental volume ratio (LSVR) from the mask of the whole liver: approximate, for it holds no segments.

Segments II and III lie left of the umbilical fissure, a cleft of fat that opens to the front and below. Where a plane
runs along it, the plane cuts less liver than its neighbours on both sides do. The liver is therefore cut into planes
1 mm apart, at a few turns about the body's long axis, and the plane with the deepest dip is taken, weighed by how usual
its place is. Only the front of the liver is looked at, where no caudate, vena cava or stomach makes dips of its own.

The caudate (I) cannot be told from the mask alone with any trust; its volume is taken as a fixed share of I to III.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import gaussian_filter1d

from fibrolens.markers.sampling import cropped, thinned, where_set
from fibrolens.transforms import Orient
from fibrolens.volume import Volume

#: Turns of the plane that are tried, millimetres to the left per millimetre to the back.
TURNS = (0.0, 0.2, 0.4)
#: Planes turn about an axis this far in front of the liver's middle, where the fissure is.
PIVOT_MM = 40.0
#: Front of the liver: what lies at least this far before its middle.
FRONT_MM = 10.0
#: Half width of the dip, and how far the areas of neighbouring planes are averaged (SD).
DIP_MM, SMOOTH_MM = 12, 3.0
#: Where the fissure usually lies, as a share of the liver's width from its right edge, with SD; and its limits.
USUAL, USUAL_SD, LIMITS = 0.60, 0.10, (0.40, 0.85)
#: A dip of less than this, in cm2, is no fissure.
MIN_DIP_CM2 = 1.0
#: The caudate's share of segments I to III: 2.5 % of a healthy liver with an LSVR of 0.27, 5 % of a cirrhotic one.
CAUDATE_SHARE = 0.13
#: Millimetres in the plane and across slices that are enough to weigh the planes.
PIXEL_MM, SLICE_MM = 2.0, 2.0
MIN_VOXELS = 1000


@dataclass(frozen=True)
class LobeSplit:
    """The plane that parts segments II and III from the rest, and the ratio that follows.

    Args:
        ratio: approximate volume of segments I to III over IV to VIII; None where there is none.
        lateral_share: share of the liver left of the plane.
        place: where the plane lies, as a share of the liver's width from its right edge; turn: see `TURNS`.
        dip_cm2: how much less liver the plane cuts than its neighbours.
        reason: why there is no ratio.
    """

    ratio: float | None
    lateral_share: float | None = None
    place: float | None = None
    turn: float | None = None
    dip_cm2: float | None = None
    reason: str | None = None


def approximate_lobe_ratio(liver: Volume) -> LobeSplit:
    """LSVR from the liver's mask alone, in any orientation of the grid.

    Our method; Furusato Hunt et al. draw the segments by hand.

    Args:
        liver: not 0 inside the liver, the whole of it.

    Returns:
        The ratio with the plane that it was measured at, or the reason why there is none.
    """
    turned = Orient.fit(liver.geometry).forward(liver)
    step = max(1, int(SLICE_MM / turned.geometry.spacing[0]))
    mask, (between, *pixel) = thinned(cropped(where_set(turned))[::step], turned.geometry.spacing, PIXEL_MM)
    if np.count_nonzero(mask) < MIN_VOXELS:
        return LobeSplit(None, reason="the liver mask holds too few voxels")
    cuts = _Cuts.of(mask, (between * step, pixel[0], pixel[1]))
    plane = max((cuts.deepest(turn) for turn in TURNS), key=lambda p: p.weight)
    if plane.dip_cm2 < MIN_DIP_CM2:
        return LobeSplit(None, reason="no umbilical fissure shows in the outline of the liver mask")
    left = plane.lateral_share / (1 - CAUDATE_SHARE)
    if not 0 < left < 1:
        return LobeSplit(None, reason="the plane that was found leaves no right lobe")
    return LobeSplit(left / (1 - left), plane.lateral_share, plane.place, plane.turn, plane.dip_cm2)


@dataclass(frozen=True)
class _Plane:
    weight: float
    dip_cm2: float
    place: float
    turn: float
    lateral_share: float


@dataclass(frozen=True, eq=False)
class _Cuts:
    """The liver's voxels by how far left and back they lie, in millimetres, and which of them are in front."""

    left: Float[np.ndarray, " n"]
    back: Float[np.ndarray, " n"]
    front: Bool[np.ndarray, " n"]
    voxel_mm3: float

    @classmethod
    def of(cls, mask: Bool[np.ndarray, "d h w"], spacing: tuple[float, float, float]) -> _Cuts:
        _, rows, columns = np.nonzero(mask)
        back, left = rows * spacing[1], columns * spacing[2]
        back = back - np.median(back)
        return cls(left, back, back < -FRONT_MM, float(np.prod(spacing)))

    def deepest(self, turn: float) -> _Plane:
        """The plane of this turn with the deepest dip, weighed by its place."""
        right, width = self._width
        across = self.left - turn * (self.back + PIVOT_MM)
        first = float(across.min()) - 3 * DIP_MM
        bins = (across - first).astype(int)
        size = int(bins.max()) + 3 * DIP_MM
        counts, all_counts = np.bincount(bins[self.front], minlength=size), np.bincount(bins, minlength=size)
        # A slab 1 mm thick: its volume in mm3 is its area in mm2.
        area = gaussian_filter1d(counts * (self.voxel_mm3 / 100), SMOOTH_MM, mode="constant")
        dip = 0.5 * (np.roll(area, DIP_MM) + np.roll(area, -DIP_MM)) - area
        place = (np.arange(size) + first + 0.5 - right) / width
        weight = np.maximum(dip, 0) * np.exp(-0.5 * ((place - USUAL) / USUAL_SD) ** 2)
        weight[(place < LIMITS[0]) | (place > LIMITS[1])] = 0
        k = int(weight.argmax())
        lateral = float(all_counts[k + 1 :].sum() + 0.5 * all_counts[k]) / len(bins)
        return _Plane(float(weight[k]), float(dip[k]) if weight[k] > 0 else 0.0, float(place[k]), turn, lateral)

    @property
    def _width(self) -> tuple[float, float]:
        """The liver's right edge and its width, without a last thin strip on either side."""
        low, high = np.percentile(self.left, (0.2, 99.8))
        return float(low), max(float(high - low), 1.0)

"""Liver surface nodularity: how far the liver's edge departs from a smooth curve, below the size of a pixel.

After the score of Smith et al. (Radiology 2016;280:771-781): mean distance between the detected liver edge and a smooth
polynomial, in tenths of a millimetre, averaged over slices. There a person picks smooth stretches that face fat; here
the stretches are found: convex, facing fat, away from contact, notches and tips.

On simulated patients a smooth liver reads about 1, nearly all of it noise. Above about 5 the score saturates: very
high nodules leave too little edge that still counts as one.

Noise correction: noise of SD s in profiles that fall by g HU per millimetre moves the edge by s / g (first order),
which reads as the root of 2 / pi times that. Both are measured along the same arcs: g at the edge itself, s inside the
liver, as what is left of the profiles after the same polynomial along the arc (from the median of its squares, since
vessels are no noise). Independent distances add as squares, so this one is taken off as a square.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from contourpy import LineType, contour_generator
from jaxtyping import Bool, Float, Shaped
from scipy.ndimage import (
    binary_closing,
    gaussian_filter,
    gaussian_filter1d,
    label,
    map_coordinates,
)

from fibrolens.markers.sampling import box_of, where_set
from fibrolens.volume import Volume

#: Beyond this in-plane spacing the edge can no longer be placed to a tenth of a millimetre.
MAX_PIXEL_MM = 1.0
MIN_ARCS = 6
#: Thinner slices are not all looked at: neighbours hold nearly the same edge.
SLICE_MM = 2.5
ARC_MM = (40.0, 60.0)
DEGREE = 4
#: Distance of neighbouring points along the outline, and of samples along its normal; reach of the samples.
STEP_MM, SAMPLE_MM, REACH_MM = 0.5, 0.25, 6.0
#: The smooth course of the outline, from which normals and curvature come, keeps only waves longer than nodules.
COURSE_SIGMA_MM = 8.0
#: At this scale the organ is convex or not, whatever nodules it carries.
SHAPE_SIGMA_MM = 12.0
#: Profiles are averaged along the outline over about this full width before the edge is looked for.
ALONG_FWHM_MM = 1.4
#: The slope of the edge is taken over this many samples on either side of it; noise is looked for this far inside.
SLOPE_SAMPLES, NOISE_DEPTH_MM = 2, 4.0
#: Median of the square of a standard normal value.
MEDIAN_SQUARE = 0.455
#: What lies outside must be fat. Lung would move the half level off the liver, past the diaphragm and its fat.
FAT_HU, FAT_RANGE_HU = -100.0, (-170.0, -20.0)
#: Millimetres outward between which only fat may lie.
FAT_MM = (2.5, 4.5)
#: Gaps up to this width do not end an arc, but their points are not measured; this share of an arc must be.
GAP_MM, MIN_SHARE = 4.0, 0.85
#: Kept clear of everything that is not smooth liver edge against fat, along the outline.
MARGIN_MM = 3.0
MIN_RADIUS_MM, MIN_CURVATURE = 15.0, -0.006
#: An outline further than this from its smooth course runs into a notch or around a tip.
NOTCH_MM = 5.0
MAX_RMS_MM = 4.0

Points = Float[np.ndarray, "n 2"]


@dataclass(frozen=True)
class SurfaceNodularity:
    """Roughness of the liver's surface.

    Args:
        lsn: mean distance from the edge to its smooth fit, in 0.1 mm; None if it could not be measured.
        noise: what the scan's noise alone would read, in 0.1 mm; it is in `lsn`.
        rms_mm: root mean square of that distance; p95_mm: its 95th percentile.
        arcs: how many stretches of 40 to 60 mm were measured; slices: in how many slices they lie.
        reason: why there is no measurement; None if there is one.
    """

    lsn: float | None
    noise: float | None
    rms_mm: float | None
    p95_mm: float | None
    arcs: int
    slices: int
    reason: str | None = None

    @property
    def amplitude_mm(self) -> float | None:
        """Mean distance without the scan's noise, in millimetres; 0 where noise would explain all of it."""
        if self.lsn is None or self.noise is None:
            return None
        return 0.1 * float(max(self.lsn**2 - self.noise**2, 0.0) ** 0.5)


def surface_nodularity(ct: Volume, liver: Volume) -> SurfaceNodularity:
    """Nodularity of the liver's surface where it is convex and faces fat.

    The mask only says where to look: it may be a millimetre or two off, since the edge itself is found in the CT, as
    the half level between liver and surroundings along the normal.

    Args:
        ct: Hounsfield units, axial slices.
        liver: true inside the liver, on the CT's grid.

    Returns:
        The score, or the reason why there is none: no liver, pixels too wide, or too little suitable surface.

    Raises:
        GeometryError: the mask lies on another grid.
    """
    ct.require_grid(liver)
    pixel = max(ct.geometry.spacing[1:])
    if pixel > MAX_PIXEL_MM:
        return _unmeasured(f"pixels of {pixel:.2f} mm are wider than {MAX_PIXEL_MM:g} mm")
    mask = where_set(liver)
    box = box_of(mask)
    if box is None:
        return _unmeasured("the liver mask is empty")
    some = (box[0], slice(box[1].start, box[1].stop, 2), slice(box[2].start, box[2].stop, 2))
    level = 0.5 * (float(np.median(ct.array[some][mask[some]])) + FAT_HU)
    arcs: list[_Arc] = []
    slices = 0
    for index in range(box[0].start, box[0].stop, max(1, round(SLICE_MM / ct.geometry.spacing[0]))):
        before = len(arcs)
        for picture, outline in _outlines(ct, mask, index):
            arcs += _measure(picture, outline, level)
        slices += len(arcs) > before
    if len(arcs) < MIN_ARCS:
        return _unmeasured(f"only {len(arcs)} of at least {MIN_ARCS} arcs of liver edge face fat", len(arcs), slices)
    # All points lie equally far apart, so the mean over points is the mean over arcs weighted by length.
    d = np.abs(np.concatenate([arc.distances for arc in arcs]))
    rms, p95 = float(np.sqrt(np.mean(d * d))), float(np.percentile(d, 95))
    return SurfaceNodularity(10 * float(d.mean()), 10 * _noise_mm(arcs), rms, p95, len(arcs), slices)


def _unmeasured(reason: str, arcs: int = 0, slices: int = 0) -> SurfaceNodularity:
    return SurfaceNodularity(None, None, None, None, arcs, slices, reason)


class _Arc(NamedTuple):
    """Distances in millimetres of an arc's points from its fit, and what tells how far noise moves them."""

    distances: Float[np.ndarray, " m"]
    #: Variance of the noise (HU squared) and fall of the profiles at the edge (HU per millimetre), means over the arc.
    variance: float
    slope: float


def _noise_mm(arcs: list[_Arc]) -> float:
    """Mean distance that noise alone would give."""
    weights = [len(arc.distances) for arc in arcs]
    variance, slope = (np.average([getattr(arc, name) for arc in arcs], weights=weights) for name in _Arc._fields[1:])
    return float((2 / np.pi * variance) ** 0.5 / max(slope, 1.0))


@dataclass(frozen=True, eq=False)
class _Picture:
    """Part of a slice, in HU, with its pixel spacing; points on it are millimetres (row, column) from its corner."""

    hu: Float[np.ndarray, "h w"]
    spacing: tuple[float, float]

    def profiles(self, at: Points, normal: Points, offsets: Float[np.ndarray, " k"]) -> Float[np.ndarray, "n k"]:
        """HU along the normals, one row per point, at `offsets` millimetres outward."""
        axes = zip(at.T, normal.T, self.spacing, strict=True)
        index = np.stack([(start[:, None] + offsets * out[:, None]) / side for start, out, side in axes])
        sampled: np.ndarray = map_coordinates(self.hu, index, order=1, mode="nearest")
        return sampled


def _outlines(ct: Volume, mask: Bool[np.ndarray, "d h w"], index: int) -> list[tuple[_Picture, Points]]:
    """Closed outlines of one slice of the mask, counter-clockwise or not, evenly spaced, in millimetres."""
    here = mask[index]
    present = [np.flatnonzero(here.any(axis=axis)) for axis in (1, 0)]
    if not present[0].size:
        return []
    _, row_mm, column_mm = ct.geometry.spacing
    pads = [int(np.ceil((REACH_MM + COURSE_SIGMA_MM) / s)) for s in (row_mm, column_mm)]
    box = tuple(slice(max(0, int(at[0]) - p), int(at[-1]) + 1 + p) for at, p in zip(present, pads, strict=True))
    outside, _ = label(np.pad(~here[box], 1, constant_values=True))
    filled = (outside != outside[0, 0]).astype(np.float32)
    # A light blur turns the stairs of the mask into a line between the pixels.
    blurred = gaussian_filter(filled, (1.0 / row_mm, 1.0 / column_mm))
    picture = _Picture(ct.array[index][box].astype(np.float32), (row_mm, column_mm))
    lines = contour_generator(z=blurred, line_type=LineType.Separate).lines(0.5)
    outlines = [_even((np.asarray(line)[:, ::-1] - 1) * (row_mm, column_mm)) for line in lines]
    return [(picture, line) for line in outlines if len(line) * STEP_MM > 2 * ARC_MM[0]]


def _even(line: Points) -> Float[np.ndarray, "m 2"]:
    """A closed line with points every `STEP_MM`, without its last point, which is its first; outward is to its left."""
    row, column = line.T
    if np.sum(row[:-1] * np.diff(column) - column[:-1] * np.diff(row)) < 0:
        line = line[::-1]
    s = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    wanted = np.linspace(0, s[-1], max(int(s[-1] / STEP_MM), 2), endpoint=False)
    return np.stack([np.interp(wanted, s, line[:, k]) for k in (0, 1)], -1)


def _course(line: Points, sigma_mm: float = COURSE_SIGMA_MM) -> tuple[Points, Points, Float[np.ndarray, " n"]]:
    """The smooth course of a closed line, its outward unit normals, and its curvature per mm, positive if convex."""
    once = gaussian_filter1d(line, sigma_mm / STEP_MM, axis=0, mode="wrap")
    # Smoothing shrinks what is convex; smoothing what it took away gives nearly all of that back.
    smooth = once + gaussian_filter1d(line - once, sigma_mm / STEP_MM, axis=0, mode="wrap")
    first = (np.roll(smooth, -1, 0) - np.roll(smooth, 1, 0)) / 2
    second = np.roll(smooth, -1, 0) - 2 * smooth + np.roll(smooth, 1, 0)
    speed = np.maximum(np.hypot(*first.T), 1e-6)
    curvature = (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / speed**3
    normal = np.stack([first[:, 1], -first[:, 0]], -1) / speed[:, None]
    return smooth, normal, curvature


def _measure(picture: _Picture, outline: Points, level: float) -> list[_Arc]:
    """Each arc of an outline that can be measured."""
    course, _, _ = _course(outline)
    astray = np.hypot(*(outline - course).T) > NOTCH_MM
    outline = _settled(picture, outline, level)
    course, normal, _ = _course(outline)
    _, _, curvature = _course(outline, SHAPE_SIGMA_MM)
    offset, clear, inside, slope = _edge(picture, course, normal)
    suitable = clear & (curvature > MIN_CURVATURE) & (curvature < 1 / MIN_RADIUS_MM) & ~astray
    edge = course + np.where(suitable, offset, 0)[:, None] * normal
    arcs = [(arc, suitable[arc]) for arc in _arcs(_bridged(suitable))]
    fits = [
        _Arc(_residual(edge[arc], normal[arc], kept), _noise_variance(inside[arc]), float(slope[arc][kept].mean()))
        for arc, kept in arcs
        if kept.mean() >= MIN_SHARE
    ]
    return [arc for arc in fits if np.sqrt(np.mean(arc.distances**2)) <= MAX_RMS_MM]


def _settled(picture: _Picture, outline: Points, level: float) -> Points:
    """The outline moved to where the CT crosses `level`, roughly and smoothly: a mask may be off."""
    course, normal, _ = _course(outline)
    t = np.arange(-REACH_MM, REACH_MM + 0.1, 2 * SAMPLE_MM)
    profiles = gaussian_filter1d(picture.profiles(course, normal, t), 2.0 / STEP_MM, axis=0, mode="wrap")
    offset = _crossing(profiles, np.full(len(course), level), t)
    known = np.isfinite(offset).astype(float)
    blur = COURSE_SIGMA_MM / 2 / STEP_MM
    weight = gaussian_filter1d(known, blur, mode="wrap")
    shift = gaussian_filter1d(np.nan_to_num(offset), blur, mode="wrap") / np.maximum(weight, 0.05)
    return course + shift[:, None] * normal


def _edge(
    picture: _Picture, course: Points, normal: Points
) -> tuple[Float[np.ndarray, " n"], Bool[np.ndarray, " n"], Float[np.ndarray, "n k"], Float[np.ndarray, " n"]]:
    """What the profiles tell.

    Returns:
        Millimetres from the course outward to the half level; where liver meets nothing but fat; HU deep inside; fall
        of the HU per millimetre at the edge.
    """
    t = np.arange(-REACH_MM, REACH_MM + 0.1, SAMPLE_MM)
    raw = picture.profiles(course, normal, t)
    profiles = gaussian_filter1d(raw, ALONG_FWHM_MM / 2.355 / STEP_MM, axis=0, mode="wrap")
    wide = gaussian_filter1d(raw, 3.0 / STEP_MM, axis=0, mode="wrap")
    beyond = wide[:, (t >= FAT_MM[0]) & (t <= FAT_MM[1])]
    inside, outside = np.median(wide[:, t <= -FAT_MM[0]], 1), np.median(beyond, 1)
    clear = (beyond > FAT_RANGE_HU[0]).all(1) & (beyond < FAT_RANGE_HU[1]).all(1) & (inside > outside + 80)
    offset = _crossing(profiles, 0.5 * (inside + outside), t)
    return offset, clear & np.isfinite(offset), profiles[:, t <= -NOISE_DEPTH_MM], _slope(profiles, offset, t)


def _slope(
    profiles: Float[np.ndarray, "n k"], offset: Float[np.ndarray, " n"], t: Float[np.ndarray, " k"]
) -> Float[np.ndarray, " n"]:
    """How fast each profile falls at its edge, HU per millimetre; anything where there is none."""
    step = t[1] - t[0]
    k = ((np.nan_to_num(offset) - t[0]) / step).astype(int).clip(SLOPE_SAMPLES, len(t) - 2 - SLOPE_SAMPLES)
    rows = np.arange(len(k))
    fall: np.ndarray = profiles[rows, k - SLOPE_SAMPLES] - profiles[rows, k + 1 + SLOPE_SAMPLES]
    return fall / (step * (2 * SLOPE_SAMPLES + 1))


def _crossing(
    profiles: Float[np.ndarray, "n k"], level: Float[np.ndarray, " n"], t: Float[np.ndarray, " k"]
) -> Float[np.ndarray, " n"]:
    """Where each profile falls through its level, at the fall nearest to t = 0; NaN where it never does."""
    above = profiles - level[:, None]
    falls = (above[:, :-1] >= 0) & (above[:, 1:] < 0)
    cost = np.where(falls, np.abs(t[:-1] + (t[1] - t[0]) / 2), np.inf)
    k = cost.argmin(1)
    rows = np.arange(len(k))
    high, low = above[rows, k], above[rows, k + 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = t[k] + (t[1] - t[0]) * high / (high - low)
    return np.where(falls.any(1), found, np.nan)


def _bridged(suitable: Bool[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    """Suitable runs joined across short gaps, as a strand in the fat or a nodule's shoulder leaves them."""
    width = int(GAP_MM / STEP_MM)
    closed = binary_closing(np.pad(suitable, 2 * width, mode="wrap"), np.ones(width + 1))
    joined: np.ndarray = closed[2 * width : -2 * width]
    return joined


def _arcs(suitable: Bool[np.ndarray, " n"]) -> list[Shaped[np.ndarray, " m"]]:
    """Indices of arcs of `ARC_MM` within the suitable runs of a closed outline, a margin away from the runs' ends."""
    n, margin = len(suitable), int(MARGIN_MM / STEP_MM)
    if suitable.all():
        starts, ends = np.array([0]), np.array([n])
    else:
        # Starting behind an unsuitable point leaves no run cut in two.
        first = int(np.flatnonzero(~suitable)[0])
        change = np.diff(np.roll(suitable, -first).astype(int), prepend=0, append=0)
        starts, ends = np.flatnonzero(change == 1) + first, np.flatnonzero(change == -1) + first
    least, most = (int(mm / STEP_MM) for mm in ARC_MM)
    arcs = []
    for start, end in zip(starts + margin, ends - margin, strict=True):
        count = (end - start) // least
        if count > 0:
            length = min((end - start) // count, most)
            slack = (end - start - count * length) // 2
            arcs += [(start + slack + k * length + np.arange(length)) % n for k in range(count)]
    return arcs


def _noise_variance(inside: Float[np.ndarray, "m k"]) -> float:
    """Variance (HU squared) of samples along an arc at some depths, without what the polynomial follows."""
    basis = np.polynomial.legendre.legvander(np.linspace(-1, 1, len(inside)), DEGREE)
    left = inside - basis @ np.linalg.lstsq(basis, inside, rcond=None)[0]
    return float(np.median(left * left)) / MEDIAN_SQUARE


def _residual(edge: Points, normal: Points, kept: Bool[np.ndarray, " n"]) -> Float[np.ndarray, " m"]:
    """Distances along the normal of the kept edge points of an arc from a polynomial in arc length through them."""
    basis = np.polynomial.legendre.legvander(np.linspace(-1, 1, len(edge)), DEGREE)[kept]
    fitted = basis @ np.linalg.lstsq(basis, edge[kept], rcond=None)[0]
    return ((edge[kept] - fitted) * normal[kept]).sum(1)

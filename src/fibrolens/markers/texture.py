"""Texture of the liver's parenchyma at three scales, and its heterogeneity without the noise of the scan.

A Laplacian of Gaussian (LoG) keeps structures of one size; statistics of what is left describe the parenchyma, as in
the CT texture analysis of Lubner et al. (Abdom Radiol 2017, doi 10.1007/s00261-017-1096-5), which names scales by the
radius they keep.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped
from scipy.ndimage import gaussian_filter, maximum_filter

from fibrolens.markers.sampling import Box, box_of, steps, thinned, where_set
from fibrolens.regions import depth_mm
from fibrolens.volume import Triple, Volume

#: Radius in millimetres of the structures that each scale keeps; its sigma is the radius / sqrt(2).
SCALES_MM = {"fine": 2.0, "medium": 4.0, "coarse": 6.0}
HEADLINE = "medium"
EROSION_MM = 5.0
#: Pixels that are fine enough to tell how deep a voxel lies.
DEPTH_PIXEL_MM = 1.8
#: A vessel or a lesion differs by more than this from the liver's median, after smoothing with this width.
DEVIATION_HU, SMOOTH_MM = 40.0, 1.0
#: Kept clear around what was taken out. The outermost `RIM_MM` hold partial volume and are not looked at.
CLEAR_MM, RIM_MM = 2.0, 2.0
#: Width over which what was taken out is filled from around.
FILL_MM = 4.0
ENTROPY_BIN_HU = 5.0
MIN_VOXELS = 500

Mask = Bool[np.ndarray, "d h w"]


@dataclass(frozen=True)
class ScaleTexture:
    """First-order statistics of the LoG-filtered parenchyma at one scale; IBSI's names in brackets.

    Args:
        mean: [Mean, Q4LE] HU; sd: root of [Variance, ECT3] HU.
        mpp: mean of the positive voxels, HU; not in IBSI.
        entropy: [Discretised intensity entropy, TLU2], bits, in bins of 5 HU.
        skewness: [Skewness, KE2A]; kurtosis: [Excess kurtosis, IPH6].
    """

    mean: float
    sd: float
    mpp: float
    entropy: float
    skewness: float
    kurtosis: float


@dataclass(frozen=True)
class LiverTexture:
    """Texture of the parenchyma.

    Args:
        scales: ``fine``, ``medium`` and ``coarse``; empty where there is no measurement.
        heterogeneity_hu: SD at the medium scale without the noise's share, HU; with it, where noise is not known.
        noise_hu: the noise's share at the medium scale, HU; None where it is not known.
        voxels: how many were measured.
        reason: why there is no measurement; None if there is one.
    """

    scales: dict[str, ScaleTexture]
    heterogeneity_hu: float | None
    noise_hu: float | None
    voxels: int
    reason: str | None = None


def liver_texture(
    ct: Volume,
    liver: Volume,
    *,
    reference: Volume | None = None,
    noise_sd_hu: float | None = None,
    max_slices: int | None = None,
) -> LiverTexture:
    """Texture inside the liver, 5 mm below its surface, without vessels and lesions.

    Noise and heterogeneity add up in quadrature, so the noise's share is taken off the variance. It is measured with
    the same filter in a homogeneous tissue of the same scan, or given. Without either the noise stays in.

    Args:
        ct: Hounsfield units, axial slices.
        liver: true inside the liver, on the CT's grid.
        reference: true inside a homogeneous tissue, such as spleen or aorta, on the CT's grid.
        noise_sd_hu: SD of the noise after the filter of the medium scale; `reference` goes before it.
        max_slices: look at no more than about so many slices of each organ, evenly spread; all where None.

    Returns:
        The statistics, or the reason why there are none.

    Raises:
        GeometryError: a mask lies on another grid.
    """
    for mask in (liver, reference):
        if mask is not None:
            ct.require_grid(mask)
    inside = _Tissue.of(ct, liver, max_slices)
    if inside is None:
        return LiverTexture({}, None, None, 0, "the liver mask leaves too few voxels 5 mm below its surface")
    values = {name: inside.filtered(radius) for name, radius in SCALES_MM.items()}
    known = _Tissue.of(ct, reference, max_slices) if reference is not None else None
    noise = _robust_sd(known.filtered(SCALES_MM[HEADLINE])) if known is not None else noise_sd_hu
    total = _robust_sd(values[HEADLINE])
    clean = float(np.sqrt(max(total**2 - (noise or 0.0) ** 2, 0.0)))
    return LiverTexture({n: _statistics(v) for n, v in values.items()}, clean, noise, len(values[HEADLINE]))


@dataclass(frozen=True, eq=False)
class _Tissue:
    """The box of one tissue with its even part: what is left 5 mm below the surface without vessels and lesions."""

    hu: Float[np.ndarray, "d h w"]
    even: Mask
    in_plane: tuple[float, float]

    @classmethod
    def of(cls, ct: Volume, mask: Volume, max_slices: int | None) -> _Tissue | None:
        box = box_of(where_set(mask))
        if box is None:
            return None
        spacing = ct.geometry.spacing
        in_plane = (spacing[1], spacing[2])
        every = _every(box[0].stop - box[0].start, max_slices)
        hu = ct.array[box][every].astype(np.float32)
        depth = _depth(mask, box, every)
        deep = depth > EROSION_MM
        if np.count_nonzero(deep) < MIN_VOXELS:
            return None
        median = np.median(hu[deep])
        odd = (depth > RIM_MM) & (np.abs(_blurred(hu, SMOOTH_MM, in_plane) - median) > DEVIATION_HU)
        around = (1, *(2 * int(np.ceil(CLEAR_MM / s)) + 1 for s in in_plane))
        odd = maximum_filter(odd, around, mode="constant")
        even = deep & ~odd
        return cls(_filled(hu, (depth > RIM_MM) & ~odd, in_plane), even, in_plane) if even.sum() >= MIN_VOXELS else None

    def filtered(self, radius_mm: float) -> Float[np.ndarray, " n"]:
        """LoG of the even voxels in the plane, times -sigma squared: HU, positive where brighter than around."""
        sigma = radius_mm / 2**0.5
        pixels = [sigma / s for s in self.in_plane]
        curvature = np.zeros_like(self.hu)
        # Sampled and cut off, the kernel does not quite sum to 0; a level of 100 HU would shift the mean.
        level = np.float32(self.hu.mean(dtype=float))
        for axis in (0, 1):
            order = (0, 2 * (axis == 0), 2 * (axis == 1))
            # A derivative per pixel becomes one per sigma.
            curvature += gaussian_filter(self.hu - level, (0, *pixels), order, truncate=3.5) * np.float32(
                pixels[axis] ** 2
            )
        response: np.ndarray = -curvature[self.even]
        return response


def _every(slices: int, most: int | None) -> slice:
    """Every n-th slice, the ends left out alike, so that about `most` remain."""
    step = 1 if most is None else max(1, round(slices / most))
    return slice(step // 2, None, step)


def _depth(mask: Volume, box: Box, every: slice) -> Float[np.ndarray, "d h w"]:
    """Depth below the surface in the chosen slices of a box, found on pixels of no more than `DEPTH_PIXEL_MM`.

    What is deeper than `EROSION_MM` is only known to be: slices out of its reach are not looked at, for the distances
    of a whole liver in thin slices take more memory than its CT.
    """
    wide = box_of(where_set(mask), margin=(1, 1, 1)) or box
    between, *inner = (slice(b.start - w.start, b.stop - w.start) for b, w in zip(box, wide, strict=True))
    thin, spacing = thinned(mask.array[wide], mask.geometry.spacing, DEPTH_PIXEL_MM)
    reach = int(np.ceil((EROSION_MM + np.cbrt(np.prod(spacing))) / spacing[0]))
    depth = np.stack([_plane_depth(thin, index, reach, spacing) for index in range(len(thin))[between][every]])
    rows, columns = steps(mask.geometry.spacing, DEPTH_PIXEL_MM)
    return depth.repeat(rows, 1).repeat(columns, 2)[:, inner[0], inner[1]]


def _plane_depth(
    mask: Shaped[np.ndarray, "d h w"], index: int, reach: int, spacing: Triple
) -> Float[np.ndarray, "h w"]:
    first = max(0, index - reach)
    return depth_mm(mask[first : index + reach + 1] != 0, spacing)[index - first]


def _filled(hu: Float[np.ndarray, "d h w"], known: Mask, in_plane: tuple[float, float]) -> Float[np.ndarray, "d h w"]:
    """HU where known, elsewhere the mean of what is known nearby, so that the filter sees no edge."""
    median = np.median(hu[known])
    excess = np.where(known, hu - median, np.float32(0))
    weight = _blurred(known.astype(np.float32), FILL_MM, in_plane)
    nearby = _blurred(excess, FILL_MM, in_plane) / np.maximum(weight, np.float32(0.05))
    filled: np.ndarray = median + np.where(known, excess, nearby)
    return filled


def _blurred(
    values: Float[np.ndarray, "d h w"], sigma_mm: float, in_plane: tuple[float, float]
) -> Float[np.ndarray, "d h w"]:
    blurred: np.ndarray = gaussian_filter(values, (0, *(sigma_mm / s for s in in_plane)), truncate=3.0)
    return blurred


def _robust_sd(values: Float[np.ndarray, " n"]) -> float:
    """SD that a few vessels which were missed do not move: from the quartiles."""
    low, high = np.percentile(values, [25, 75])
    return float(high - low) / 1.349


def _statistics(values: Float[np.ndarray, " n"]) -> ScaleTexture:
    mean, sd = float(values.mean(dtype=float)), float(values.std(dtype=float))
    z = (values - mean) / max(sd, 1e-9)
    _, counts = np.unique(np.floor(values / ENTROPY_BIN_HU), return_counts=True)
    share = counts / counts.sum()
    positive = values[values > 0]
    return ScaleTexture(
        mean=mean,
        sd=sd,
        mpp=float(positive.mean(dtype=float)) if positive.size else 0.0,
        entropy=float(-(share * np.log2(share)).sum()),
        skewness=float((z**3).mean(dtype=float)),
        kurtosis=float((z**4).mean(dtype=float)) - 3.0,
    )

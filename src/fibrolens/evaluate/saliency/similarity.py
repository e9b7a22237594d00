"""How alike two location maps are: structural similarity, and rank correlation."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Shaped
from scipy import ndimage
from scipy.stats import rankdata

#: Constants and width of the window, in voxels, of Wang et al., IEEE Trans Image Process 2004;13:600, section III-B.
K1, K2 = 0.01, 0.03
SIGMA = (1.5, 1.5, 1.5)
#: The window ends so many sigmas from its centre: eleven voxels at Wang's sigma.
TRUNCATE = 3.5

Map = Shaped[np.ndarray, "d h w"]
Mask = Bool[np.ndarray, "d h w"]
Sigma = tuple[float, float, float]


def structural_similarity(
    first: Map, second: Map, inside: Mask | None = None, sigma: Sigma = SIGMA, data_range: float | None = None
) -> float:
    """Mean structural similarity (SSIM) of two maps, -1 to 1; 1 for equal maps (Wang 2004, equation 13).

    Means, variances and the covariance are those of the voxels of `inside` under a gaussian window, whose weights are
    made to add up to 1 there, and the index is averaged over them: nothing outside counts, not even beside the edge.

    Args:
        first: a map, of any unit.
        second: another on the same grid, in the same unit; bring both to one scale first (``mean1``).
        inside: the voxels that count, such as the body on covered slices; None is the whole box.
        sigma: of the window, in voxels of each axis.
        data_range: Wang's L, above 0, which sets what difference is small. None takes the pair's own: the highest value
            of both maps inside less the lowest.

    Returns:
        The index. It is defined for constant maps as well: two that are equal have 1, two others what their means
        give, 2ab / (a² + b²) but for the small constants. NaN where nothing is inside.
    """
    keep = np.ones(first.shape, bool) if inside is None else inside
    if not keep.any():
        return float("nan")
    box = ndimage.find_objects(keep.astype(np.uint8))[0]
    mask, (x, y) = keep[box], (np.where(keep, one, 0.0)[box].astype(np.float64) for one in (first, second))
    extent = max(x[mask].max(), y[mask].max()) - min(x[mask].min(), y[mask].min())
    wide = float(extent) if data_range is None else data_range
    if wide == 0:
        return 1.0
    return float(_index(x, y, mask, sigma, wide)[mask].mean())


def rank_correlation(
    first: Shaped[np.ndarray, "*space"],
    second: Shaped[np.ndarray, "*space"],
    inside: Bool[np.ndarray, "*space"] | None = None,
) -> float | None:
    """Spearman's rank correlation of two maps over the voxels inside, -1 to 1; equal values share their mean rank.

    Args:
        first: a map, or any other array of figures.
        second: another of the same shape.
        inside: the voxels that count; None is all.

    Returns:
        None where there are fewer than two voxels, or one of the maps is constant there: it ranks nothing.
    """
    values = [one.ravel() if inside is None else one[inside] for one in (first, second)]
    if values[0].size < 2:
        return None
    a, b = (ranks - ranks.mean() for ranks in map(rankdata, values))
    length = float(np.sqrt((a @ a) * (b @ b)))
    # Ranks are halves of whole numbers, so a constant map's are zero but for rounding of their mean.
    return float(np.clip(a @ b / length, -1.0, 1.0)) if min(map(np.ptp, values)) > 0 else None


def _index(x: Map, y: Map, mask: Mask, sigma: Sigma, data_range: float) -> Float[np.ndarray, "d h w"]:
    """SSIM of every voxel; what lies outside the mask is not meant to be read."""
    # The window's moments are taken about the overall mean, so that squares of large values do not cancel.
    shift = float((x[mask].mean() + y[mask].mean()) / 2)
    x, y = np.where(mask, x - shift, 0.0), np.where(mask, y - shift, 0.0)
    weight = _smooth(mask.astype(np.float64), sigma)
    weight[~mask] = 1.0
    mx, my, xx, yy, xy = (_smooth(one, sigma) / weight for one in (x, y, x * x, y * y, x * y))
    vx, vy, cov = np.maximum(xx - mx * mx, 0), np.maximum(yy - my * my, 0), xy - mx * my
    mx, my, c1, c2 = mx + shift, my + shift, (K1 * data_range) ** 2, (K2 * data_range) ** 2
    return (2 * mx * my + c1) * (2 * cov + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))


def _smooth(array: Map, sigma: Sigma) -> Float[np.ndarray, "d h w"]:
    return ndimage.gaussian_filter(array, sigma, mode="constant", truncate=TRUNCATE)

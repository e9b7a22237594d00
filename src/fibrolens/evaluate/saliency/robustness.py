"""Does a map tell the truth about small changes, and stay itself under them: infidelity, sensitivity, noise, shift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Shaped

from fibrolens.evaluate.saliency.similarity import SIGMA, Sigma, rank_correlation, structural_similarity

Map = Shaped[np.ndarray, "d h w"]
Mask = Bool[np.ndarray, "d h w"]


class Infidelity(NamedTuple):
    """How badly a map foretells the change of the score under perturbations (the smaller, the better).

    Args:
        raw: as the map is; depends on the map's unit.
        scale: the factor that makes the map foretell best; 0 where the map says nothing of any perturbation.
        scaled: at that factor, so that maps of different units can be compared.
        relative: `scaled` against the infidelity of a map of zeros: 0 is perfect, 1 no better than nothing; None where
            no perturbation changed the score.
    """

    raw: float
    scale: float
    scaled: float
    relative: float | None


class Agreement(NamedTuple):
    """How alike the map of a scan and that of the changed scan are.

    Args:
        ssim: structural similarity; NaN where nothing is inside.
        rank: rank correlation over voxels; None where a map is constant.
    """

    ssim: float
    rank: float | None


def infidelity(foretold: Float[np.ndarray, " n"], change: Float[np.ndarray, " n"]) -> Infidelity:
    """Infidelity of one map (Yeh et al., NeurIPS 2019, definition 2.1, and the optimal scale of its section 5).

    Args:
        foretold: of each perturbation, its inner product with the map: the sum over voxels of perturbation times map.
        change: the fall of the score, before less after the perturbation was subtracted from the scan.

    Raises:
        ValueError: there is no perturbation.
    """
    if not len(foretold):
        raise ValueError("infidelity needs at least one perturbation")
    power = float(foretold @ foretold)
    scale = float(foretold @ change) / power if power > 0 else 0.0
    raw, scaled, nothing = (float(np.mean((factor * foretold - change) ** 2)) for factor in (1.0, scale, 0.0))
    return Infidelity(raw, scale, scaled, scaled / nothing if nothing > 0 else None)


def max_sensitivity(original: Map, others: Sequence[Map], inside: Mask) -> float | None:
    """Largest relative change of a map over small perturbations of the scan (Yeh 2019, definition 2.2, relative to it).

    Args:
        original: the scan's map.
        others: maps of the scan with noise of a given size.
        inside: voxels that count.

    Returns:
        The largest length of the difference, as part of the length of the original; 0 is best. None where the
        original is zero inside, or there are no others.
    """
    own = original[inside].astype(np.float64)
    length = float(np.linalg.norm(own))
    if length == 0 or not others:
        return None
    return max(float(np.linalg.norm(other[inside] - own)) / length for other in others)


def agreement(original: Map, other: Map, inside: Mask, sigma: Sigma = SIGMA) -> Agreement:
    """How alike the maps of a scan and of the same scan with noise are inside; see `structural_similarity`."""
    return Agreement(structural_similarity(original, other, inside, sigma), rank_correlation(original, other, inside))


def agreement_under_shift(
    original: Map, shifted: Map, voxels: tuple[int, int, int], inside: Mask, sigma: Sigma = SIGMA
) -> Agreement:
    """How alike the maps of a scan and of the same scan moved by whole voxels are, once the second is moved back.

    Args:
        original: the scan's map.
        shifted: map of the scan whose content was moved by `voxels`, so that the content of voxel v lies at v + voxels.
        voxels: along every axis, towards higher indices.
        inside: voxels of the original that count; those that the shift moved off the grid do not.
        sigma: of the window of the structural similarity, in voxels.
    """
    here, there = [], []
    for size, by in zip(original.shape, voxels, strict=True):
        first, last = min(max(0, -by), size), max(min(size, size - by), 0)
        here.append(slice(first, last))
        there.append(slice(first + by, last + by) if last > first else slice(0, 0))
    box, moved = tuple(here), tuple(there)
    return agreement(original[box], shifted[moved], inside[box], sigma)
